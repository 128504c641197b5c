/* SPDX-License-Identifier: 0BSD */
#ifndef TP_MODEL_DATA_H
#define TP_MODEL_DATA_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

extern const uint8_t tp_model_data[];

#ifdef __cplusplus
}
#endif

#endif
