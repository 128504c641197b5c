/* SPDX-License-Identifier: 0BSD */
/* LEAKY_RELU of floats. In place. */
#ifndef TP_LEAKY_RELU_F32_H
#define TP_LEAKY_RELU_F32_H

#include "tp_float.h"

TP_KERNEL void tp_leaky_relu_f32(int32_t count, float alpha, const float *input, float *output)
{
    for (int32_t i = 0; i < count; i++) {
        output[i] = input[i] > 0.0f ? input[i] : input[i] * alpha;
    }
}

#endif
