/* SPDX-License-Identifier: 0BSD */
/* QUANTIZE from int8 to int8, and RELU on its own: another scale and zero point, then a clamp. In place. */
#ifndef TP_RESCALE_H
#define TP_RESCALE_H

#include "tp_kernels.h"

TP_KERNEL void tp_rescale(int32_t count, const int8_t *input, int32_t in_zero, int32_t multiplier, int32_t shift,
                          int32_t out_zero, int32_t low, int32_t high, int8_t *output)
{
    for (int32_t i = 0; i < count; i++) {
        const int32_t q = tp_requantize(input[i] - in_zero, multiplier, shift) + out_zero;
        output[i] = (int8_t)tp_clamp(q, low, high);
    }
}

#endif
