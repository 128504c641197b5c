/* SPDX-License-Identifier: 0BSD */
/* RELU6 on its own: a clamp of the codes, without a change of scale. In place. */
#ifndef TP_CLAMP_CODES_H
#define TP_CLAMP_CODES_H

#include "tp_kernels.h"

/* Codes of so many bytes. */
TP_KERNEL void tp_clamp_codes(int32_t count, const void *input, int32_t low, int32_t high, int32_t bytes, void *output)
{
    for (int32_t i = 0; i < count; i++) {
        const int32_t q = tp_code(input, bytes, i);
        /* TFLM looks at the upper bound first; that matters where it lies below the lower one. */
        tp_set_code(output, bytes, i, q > high ? high : (q < low ? low : q));
    }
}

#endif
