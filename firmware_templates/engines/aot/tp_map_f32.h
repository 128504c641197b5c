/* SPDX-License-Identifier: 0BSD */
/* A function of one float, element by element. In place. */
#ifndef TP_MAP_F32_H
#define TP_MAP_F32_H

#include "tp_float.h"

TP_KERNEL float tp_abs_f32(float x)
{
    return tp_from_bits(tp_bits(x) & 0x7fffffffU);
}

TP_KERNEL float tp_neg_f32(float x)
{
    return -x;
}

TP_KERNEL float tp_square_f32(float x)
{
    return x * x;
}

TP_KERNEL float tp_rsqrt_f32(float x)
{
    return 1.0f / tp_sqrt_f32(x);
}

TP_KERNEL float tp_relu_f32(float x)
{
    return x < 0.0f ? 0.0f : x;
}

TP_KERNEL float tp_relu6_f32(float x)
{
    return x > 6.0f ? 6.0f : tp_relu_f32(x);
}

TP_KERNEL float tp_elu_f32(float x)
{
    return x < 0.0f ? tp_expm1_f32(x) : x;
}

TP_KERNEL float tp_hard_swish_f32(float x)
{
    return x * tp_clamp_f32(x + 3.0f, 0.0f, 6.0f) / 6.0f;
}

TP_KERNEL void tp_map_f32(int32_t count, float (*function)(float x), const float *input, float *output)
{
    for (int32_t i = 0; i < count; i++) {
        output[i] = function(input[i]);
    }
}

#endif
