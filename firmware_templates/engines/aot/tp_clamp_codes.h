/* SPDX-License-Identifier: 0BSD */
/* RELU6 on its own: a clamp of the codes, without a change of scale. In place. */
#ifndef TP_CLAMP_CODES_H
#define TP_CLAMP_CODES_H

#include "tp_kernels.h"

TP_KERNEL void tp_clamp_codes(int32_t count, const int8_t *input, int32_t low, int32_t high, int8_t *output)
{
    for (int32_t i = 0; i < count; i++) {
        /* TFLM looks at the upper bound first; that matters where it lies below the lower one. */
        output[i] = (int8_t)(input[i] > high ? high : (input[i] < low ? low : input[i]));
    }
}

#endif
