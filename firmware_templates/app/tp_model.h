/* SPDX-License-Identifier: 0BSD */
/* What an engine must provide: input, invoke, output. Quantization is in tp_config.h, made by the
 * host. */
#ifndef TP_MODEL_H
#define TP_MODEL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Called once. NULL, or why the model cannot run (printed as e-[...]). */
const char *tp_model_init(void);

/* The int8 input tensor, row-major as in the model file. Keeps its contents through
 * tp_model_invoke. */
int8_t *tp_model_input(void);

/* One inference. NULL, or why it failed. */
const char *tp_model_invoke(void);

/* The int8 output tensor, valid until the next tp_model_invoke. */
const int8_t *tp_model_output(void);

#ifdef __cplusplus
}
#endif

#endif
