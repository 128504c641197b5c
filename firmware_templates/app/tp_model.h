/* SPDX-License-Identifier: 0BSD */
/* What an engine must provide. Types and sizes of the tensors are in tp_config.h, made by the host. */
#ifndef TP_MODEL_H
#define TP_MODEL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Called once. NULL, or why the model cannot run (printed as e-[...]). */
const char *tp_model_init(void);

/* Input tensor `index`, counted in the order of the model file: elements of its type, row-major,
 * aligned for it. Keeps its contents through tp_model_invoke. */
void *tp_model_input(size_t index);

/* One inference. NULL, or why it failed. */
const char *tp_model_invoke(void);

/* Output tensor `index`, likewise; valid until the next tp_model_invoke. */
const void *tp_model_output(size_t index);

/* Variables are put back as TFLM's Reset does it: to their zero points. Whatever else CALL_ONCE gives
 * them comes with the first inference alone. Nothing to do where there are none. */
void tp_model_reset(void);

#ifdef __cplusplus
}
#endif

#endif
