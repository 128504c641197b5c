/* SPDX-License-Identifier: 0BSD */
/* DEQUANTIZE. The output may lie over an input that is already read. */
#ifndef TP_DEQUANTIZE_H
#define TP_DEQUANTIZE_H

#include "tp_kernels.h"

/* tp_dequantize_FROM: scale * (code - zero), rounded once. */
#define TP_DEQUANTIZE(from)                                                                                            \
    TP_KERNEL void tp_dequantize_##from(int32_t count, const from##_t *input, float scale, int32_t zero,               \
                                        float *output)                                                                 \
    {                                                                                                                  \
        typedef from##_t TP_ALIASING given;                                                                            \
        typedef float TP_ALIASING made;                                                                                \
        for (int32_t i = 0; i < count; i++) {                                                                          \
            ((made *)output)[i] = scale * (float)(((const given *)input)[i] - zero);                                   \
        }                                                                                                              \
    }

TP_DEQUANTIZE(int8)
TP_DEQUANTIZE(uint8)
TP_DEQUANTIZE(int16)

#endif
