/* SPDX-License-Identifier: 0BSD */
/* Functions of one float, in single precision and integers alone: the same bits on every core, FPU or not, and with
 * every C library. Roots and whole numbers are exact, exp, log, sin and cos within 1 ulp of the exact result, expm1 and
 * tanh within 1.4; subnormal numbers, infinities and NaN are as IEEE 754 has them. Expressions must not be contracted
 * (-ffp-contract=off).
 */
#ifndef TP_FLOAT_H
#define TP_FLOAT_H

#include "tp_kernels.h"

#include <float.h>

#ifdef __FAST_MATH__
#error "float kernels need IEEE 754 arithmetic: compile without -ffast-math, and with -ffp-contract=off"
#endif

TP_KERNEL uint32_t tp_bits(float x)
{
    const union {
        float x;
        uint32_t bits;
    } both = {.x = x};
    return both.bits;
}

TP_KERNEL float tp_from_bits(uint32_t bits)
{
    const union {
        uint32_t bits;
        float x;
    } both = {.bits = bits};
    return both.x;
}

#define TP_INFINITY tp_from_bits(0x7f800000U)
#define TP_NAN tp_from_bits(0x7fc00000U)

/* std::max and std::min of C++ decide in this way which one it is where they are equal or one is NaN. */
TP_KERNEL float tp_larger_f32(float a, float b)
{
    return a < b ? b : a;
}

TP_KERNEL float tp_smaller_f32(float a, float b)
{
    return b < a ? b : a;
}

TP_KERNEL float tp_clamp_f32(float x, float low, float high)
{
    return tp_smaller_f32(tp_larger_f32(x, low), high);
}

/* x * 2^k; -252 <= k <= 254. Two steps, so that both factors are normal numbers. */
TP_KERNEL float tp_scaled(float x, int32_t k)
{
    const int32_t half = k >> 1;
    return x * tp_from_bits((uint32_t)(half + 127) << 23) * tp_from_bits((uint32_t)(k - half + 127) << 23);
}

/* x = k * ln 2 + r, r within +-0.35, and exp(r) = 1 + (r + tail); |x| < 104. */
struct tp_exponent {
    int32_t k;
    float r;
    float tail;
};

TP_KERNEL struct tp_exponent tp_exponent(float x)
{
    /* Adding 1.5 * 2^23 rounds to the nearest integer. The upper part of ln 2 has 16 bits: its product is exact. */
    const float k = (x * 1.44269504f + 12582912.0f) - 12582912.0f;
    const float upper = x - k * 0.693145752f;
    const float lower = k * 1.42860677e-6f;
    const float r = upper - lower;
    const float rest = (upper - r) - lower;
    /* Minimax polynomial of (exp(r) - 1 - r) / r^2, within 2^-28 of exp(r). */
    const float p = 0.5f + r * (0.166665182f + r * (0.0416662023f + r * (0.00836902484f + r * 0.00139507256f)));
    const struct tp_exponent made = {.k = (int32_t)k, .r = r, .tail = rest + r * r * p};
    return made;
}

TP_KERNEL float tp_exp_f32(float x)
{
    if (x > 88.72283f) {
        return x + TP_INFINITY;
    }
    if (!(x > -103.97208f)) {
        return x < 0.0f ? 0.0f : x;
    }
    const struct tp_exponent e = tp_exponent(x);
    return tp_scaled(1.0f + (e.r + e.tail), e.k);
}

/* exp(x) - 1. */
TP_KERNEL float tp_expm1_f32(float x)
{
    if (x > 88.72283f) {
        return x + TP_INFINITY;
    }
    if (!(x > -17.5f)) {
        return x < 0.0f ? -1.0f : x;
    }
    const struct tp_exponent e = tp_exponent(x);
    if (e.k == 0) {
        return e.r + e.tail;
    }
    if (e.k > 24) {
        return tp_scaled(1.0f + (e.r + e.tail), e.k);
    }
    const float power = tp_scaled(1.0f, e.k);
    return ((power - 1.0f) + power * e.r) + power * e.tail;
}

TP_KERNEL float tp_tanh_f32(float x)
{
    const uint32_t sign = tp_bits(x) & 0x80000000U;
    const float t = tp_from_bits(tp_bits(x) ^ sign);
    if (t < 0.625f) {
        /* Minimax polynomial of tanh(x) / x - 1, within 2^-27. */
        const float z = t * t;
        return x + x * z * (-0.333332837f + z * (0.133314908f + z * (-0.0537434965f + z * (0.0206505861f +
                                                                                          z * -0.00571704470f))));
    }
    const float made = t < 9.02f ? 1.0f - 2.0f / (1.0f + tp_exp_f32(2.0f * t)) : 1.0f;
    return t != t ? x : tp_from_bits(tp_bits(made) | sign);
}

TP_KERNEL float tp_log_f32(float x)
{
    if (!(x > 0.0f)) {
        return x == 0.0f ? -TP_INFINITY : TP_NAN;
    }
    if (x == TP_INFINITY) {
        return x;
    }
    const int32_t lifted = x < FLT_MIN ? 25 : 0;
    /* x = 2^k * (1 + f), sqrt(1/2) <= 1 + f < sqrt(2); log(1 + f) = 2 atanh(s). */
    const uint32_t bits = tp_bits(lifted != 0 ? x * 33554432.0f : x) + (0x3f800000U - 0x3f3504f3U);
    const float k = (float)((int32_t)(bits >> 23) - 127 - lifted);
    const float f = tp_from_bits((bits & 0x007fffffU) + 0x3f3504f3U) - 1.0f;
    const float s = f / (2.0f + f);
    const float z = s * s;
    const float p = z * (0.666668177f + z * (0.399734944f + z * 0.299641490f));
    const float half = 0.5f * f * f;
    return k * 0.693145752f - ((half - (s * (half + p) + k * 1.42860677e-6f)) - f);
}

/* Upper 64 bits of a product. */
TP_KERNEL uint64_t tp_multiply_high_u64(uint64_t a, uint64_t b)
{
    const uint64_t a1 = a >> 32, a0 = a & 0xffffffffU, b1 = b >> 32, b0 = b & 0xffffffffU;
    const uint64_t middle = a1 * b0 + (a0 * b0 >> 32);
    return a1 * b1 + (middle >> 32) + ((a0 * b1 + (middle & 0xffffffffU)) >> 32);
}

/* |x| = quadrant * pi / 2 + r + rest, r within +-pi/4; x finite. */
struct tp_angle {
    uint32_t quadrant;
    float r;
    float rest;
};

TP_KERNEL struct tp_angle tp_angle(float x)
{
    /* 2 / pi, most significant bit first. Bits that stand for whole turns are left out of the product. */
    static const uint32_t digits[8] = {0x00000000U, 0xa2f9836eU, 0x4e441529U, 0xfc2757d1U,
                                       0xf534ddc0U, 0xdb629599U, 0x3c439041U, 0xfe5163abU};
    const uint32_t bits = tp_bits(x) & 0x7fffffffU;
    struct tp_angle made = {.quadrant = 0, .r = tp_from_bits(bits), .rest = 0.0f};
    if (bits < 0x3f490fdbU) { /* pi / 4 */
        return made;
    }
    /* x = m * 2^e. In quadrants of 2^-62: m * (2 / pi * 2^(62 + e)), modulo 2^64. */
    const uint64_t m = (bits & 0x007fffffU) | 0x00800000U;
    const uint32_t first = (bits >> 23) - 150U + 30U; /* bits of 2 / pi that count whole turns, 32 more than that */
    const uint32_t word = first >> 5, shift = first & 31U;
    const uint64_t upper = (uint64_t)digits[word] << 32 | digits[word + 1U];
    const uint64_t lower = (uint64_t)digits[word + 2U] << 32 | digits[word + 3U];
    const uint64_t window = shift != 0U ? upper << shift | lower >> (64U - shift) : upper;
    const uint64_t behind = (lower << shift) >> 32;
    const uint64_t turned = m * window + (m * behind >> 32);
    const uint64_t quadrant = (turned + ((uint64_t)1 << 61)) >> 62;
    const uint64_t fraction = turned - (quadrant << 62);
    const bool negative = (int64_t)fraction < 0;
    /* pi / 2 in Q2.62, so this is in Q4.60. */
    const uint64_t size = tp_multiply_high_u64(negative ? 0U - fraction : fraction, 0x6487ed5110b4611aU);
    /* Its upper 24 bits, and the 24 behind them. */
    uint64_t upmost = size | 1U;
    uint32_t lead = 0;
    for (uint32_t step = 32; step != 0U; step >>= 1) {
        if (upmost >> (64U - step) == 0U) {
            upmost <<= step;
            lead += step;
        }
    }
    const float unit = tp_from_bits((127U - 20U - lead) << 23); /* 2^(40 - 60 - lead) */
    made.quadrant = (uint32_t)quadrant;
    made.r = (float)(int32_t)(upmost >> 40) * (negative ? -unit : unit);
    made.rest = (float)(int32_t)(upmost >> 16 & 0x00ffffffU) * (negative ? -unit : unit) * 5.96046448e-8f; /* 2^-24 */
    return made;
}

/* Minimax polynomials, within 2^-27 and 2^-31. */
TP_KERNEL float tp_sin_of(struct tp_angle a)
{
    const float z = a.r * a.r;
    const float p = z * a.r * (-0.166666552f + z * (0.00833217334f + z * -0.000195166562f));
    return a.r + (p + (a.rest - 0.5f * z * a.rest));
}

TP_KERNEL float tp_cos_of(struct tp_angle a)
{
    const float z = a.r * a.r;
    const float half = 0.5f * z;
    const float near = 1.0f - half;
    const float p = z * z * (0.0416666456f + z * (-0.00138873619f + z * 2.44377297e-5f));
    return near + (((1.0f - near) - half) + (p - a.r * a.rest));
}

TP_KERNEL float tp_sin_f32(float x)
{
    if (!(tp_clamp_f32(x, -FLT_MAX, FLT_MAX) == x)) {
        return TP_NAN;
    }
    const struct tp_angle a = tp_angle(x);
    const float made = (a.quadrant & 1U) != 0U ? tp_cos_of(a) : tp_sin_of(a);
    return tp_from_bits(tp_bits(made) ^ (a.quadrant & 2U) << 30 ^ (tp_bits(x) & 0x80000000U));
}

TP_KERNEL float tp_cos_f32(float x)
{
    if (!(tp_clamp_f32(x, -FLT_MAX, FLT_MAX) == x)) {
        return TP_NAN;
    }
    const struct tp_angle a = tp_angle(x);
    const float made = (a.quadrant & 1U) != 0U ? tp_sin_of(a) : tp_cos_of(a);
    return tp_from_bits(tp_bits(made) ^ ((a.quadrant + 1U) & 2U) << 30);
}

/* The exact root, rounded to the nearest. */
TP_KERNEL float tp_sqrt_f32(float x)
{
    if (!(x > 0.0f)) {
        return x == 0.0f ? x : TP_NAN;
    }
    if (x == TP_INFINITY) {
        return x;
    }
    const int32_t lifted = x < FLT_MIN ? 24 : 0;
    const uint32_t bits = tp_bits(lifted != 0 ? x * 16777216.0f : x);
    const int32_t exponent = (int32_t)(bits >> 23) - 127 - lifted;
    /* 24 bits of the root, and one to round by. */
    const uint64_t square = (uint64_t)((bits & 0x007fffffU) | 0x00800000U) << (25 + (exponent & 1));
    uint64_t root = 0;
    for (uint64_t bit = (uint64_t)1 << 24; bit != 0U; bit >>= 1) {
        if ((root + bit) * (root + bit) <= square) {
            root += bit;
        }
    }
    /* The bit above the fraction adds 1 to the exponent. */
    return tp_from_bits(((uint32_t)((exponent >> 1) + 126) << 23) + (uint32_t)((root + 1U) >> 1));
}

TP_KERNEL float tp_floor_f32(float x)
{
    const uint32_t size = tp_bits(x) & 0x7fffffffU;
    if (size >= 0x4b000000U || size == 0U) { /* 2^23: no fraction is left */
        return x;
    }
    const float whole = (float)(int32_t)x;
    return whole > x ? whole - 1.0f : whole;
}

TP_KERNEL float tp_ceil_f32(float x)
{
    return -tp_floor_f32(-x);
}

/* To the nearest, ties to even. */
TP_KERNEL float tp_round_f32(float x)
{
    const float below = tp_floor_f32(x);
    const float rest = x - below;
    const bool even = 0.5f * below == tp_floor_f32(0.5f * below);
    return rest < 0.5f || (rest == 0.5f && even) ? below : below + 1.0f;
}

/* 1 / (1 + exp(-x)), where TFLM computes that. */
TP_KERNEL float tp_logistic_f32(float x)
{
    if (x > 16.6190472f) {
        return 1.0f;
    }
    return x < -9.0f ? tp_exp_f32(x) : 1.0f / (1.0f + tp_exp_f32(-x));
}

#endif
