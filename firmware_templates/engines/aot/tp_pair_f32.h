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

/* The quotient is a double, as TFLM's; beyond 2^52 it has no fraction. */
TP_KERNEL float tp_floor_div_f32(float a, float b)
{
    const double quotient = (double)a / (double)b;
    if (!(quotient > -4503599627370496.0 && quotient < 4503599627370496.0)) {
        return (float)quotient;
    }
    const int64_t whole = (int64_t)quotient;
    const double below = (double)(whole - ((double)whole > quotient ? 1 : 0));
    return (float)(below == 0.0 && quotient <= 0.0 ? quotient : below);
}

/* The fraction of a float with its leading one, and the exponent that goes with it; x > 0 and finite. */
TP_KERNEL uint32_t tp_fraction(float x, int32_t *exponent)
{
    const uint32_t bits = tp_bits(x);
    uint32_t fraction = bits & 0x7fffffU;
    *exponent = (int32_t)(bits >> 23);
    if (*exponent > 0) {
        return fraction | 0x800000U;
    }
    *exponent = 1;
    while ((fraction & 0x800000U) == 0U) {
        fraction <<= 1;
        (*exponent)--;
    }
    return fraction;
}

/* What is left of a / b, with the sign of a: C's fmodf, exactly. */
TP_KERNEL float tp_fmod_f32(float a, float b)
{
    const float size = a < 0.0f ? -a : a, step = b < 0.0f ? -b : b;
    if (!(size < TP_INFINITY) || !(step > 0.0f)) {
        return TP_NAN;
    }
    if (size < step || size == 0.0f) {
        return a;
    }
    int32_t high = 0, low = 0;
    uint32_t rest = tp_fraction(size, &high);
    const uint32_t divisor = tp_fraction(step, &low);
    for (; high > low; high--) {
        rest = (rest >= divisor ? rest - divisor : rest) << 1;
    }
    rest = rest >= divisor ? rest - divisor : rest;
    while (rest != 0U && low > 1 && (rest & 0x800000U) == 0U) {
        rest <<= 1;
        low--;
    }
    for (; low < 1; low++) {
        rest >>= 1;
    }
    const uint32_t bits = (rest & 0x800000U) != 0U ? (uint32_t)low << 23 | (rest & 0x7fffffU) : rest;
    return a < 0.0f ? -tp_from_bits(bits) : tp_from_bits(bits);
}

/* What is left has the sign of b. */
TP_KERNEL float tp_floor_mod_f32(float a, float b)
{
    const float rest = tp_fmod_f32(a, b);
    return rest != 0.0f && (b < 0.0f) != (rest < 0.0f) ? rest + b : rest;
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
