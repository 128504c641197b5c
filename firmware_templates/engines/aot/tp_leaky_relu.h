/* SPDX-License-Identifier: 0BSD */
/* LEAKY_RELU of int16: one factor for what is negative, another for the rest. In place. */
#ifndef TP_LEAKY_RELU_H
#define TP_LEAKY_RELU_H

#include "tp_kernels.h"

TP_KERNEL void tp_leaky_relu(int32_t count, const int16_t *input, int32_t up, int32_t up_shift, int32_t down,
                             int32_t down_shift, int16_t *output)
{
    for (int32_t i = 0; i < count; i++) {
        const int32_t x = input[i];
        const int32_t q = x >= 0 ? tp_requantize(x, up, up_shift) : tp_requantize(x, down, down_shift);
        output[i] = (int16_t)tp_clamp(q, INT16_MIN, INT16_MAX);
    }
}

#endif
