/* SPDX-License-Identifier: 0BSD */
/* A function of two floats, element by element, broadcasting included. In place where both inputs are walked alike. */
#ifndef TP_PAIR_F32_H
#define TP_PAIR_F32_H

#include "tp_float.h"

TP_KERNEL float tp_add_f32(float a, float b)
{
    return a + b;
}

TP_KERNEL float tp_sub_f32(float a, float b)
{
    return a - b;
}

TP_KERNEL float tp_mul_f32(float a, float b)
{
    return a * b;
}

TP_KERNEL float tp_div_f32(float a, float b)
{
    return a / b;
}

/* The first one only if it is larger, as TFLM has it: it matters for NaN and for the sign of 0. */
TP_KERNEL float tp_maximum_f32(float a, float b)
{
    return a > b ? a : b;
}

TP_KERNEL float tp_minimum_f32(float a, float b)
{
    return a < b ? a : b;
}

TP_KERNEL float tp_squared_difference_f32(float a, float b)
{
    return (a - b) * (a - b);
}

TP_KERNEL float tp_prelu_f32(float x, float alpha)
{
    return x >= 0.0f ? x : x * alpha;
}

/* `stride_a`, `stride_b`: elements to the next index of each dimension; 0 where the input repeats. */
TP_KERNEL void tp_pair_f32(const int32_t shape[4], float (*function)(float a, float b), const int32_t stride_a[4],
                           const float *input_a, const int32_t stride_b[4], const float *input_b, float low, float high,
                           float *output)
{
    for (int32_t i = 0; i < shape[0]; i++) {
        for (int32_t j = 0; j < shape[1]; j++) {
            for (int32_t k = 0; k < shape[2]; k++) {
                const float *a = &input_a[i * stride_a[0] + j * stride_a[1] + k * stride_a[2]];
                const float *b = &input_b[i * stride_b[0] + j * stride_b[1] + k * stride_b[2]];
                for (int32_t l = 0; l < shape[3]; l++) {
                    *output++ = tp_clamp_f32(function(a[l * stride_a[3]], b[l * stride_b[3]]), low, high);
                }
            }
        }
    }
}

#endif
