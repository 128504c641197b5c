/* SPDX-License-Identifier: 0BSD */
/* Cycles of each layer of the last inference, by the core's own counter (DWT_CYCCNT). In firmware built with
 * layers=on alone: two calls and two reads of the counter stand between layers there. TP_LAYERS: how many. */
#ifndef TP_LAYERS_H
#define TP_LAYERS_H

#include <stdint.h>

/* An inference begins: switches the counter on. */
void tp_layers_start(void);

/* Layer `layer` has ended, counted in the order of execution. */
void tp_layer_done(uint32_t layer);

/* TP_LAYERS of them; 0 before the first inference. */
const uint32_t *tp_layers_cycles(void);

#endif
