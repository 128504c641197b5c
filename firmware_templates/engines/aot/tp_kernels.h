/* SPDX-License-Identifier: 0BSD */
/* What all kernels share: how layers are declared, and the fixed-point arithmetic of TFLM's int8 kernels.
 *
 * Kernels are always inlined into their layer, which calls them with constants only: the compiler then sees every
 * bound, stride and clamp. Right shifts of negative numbers are arithmetic, as every compiler of interest has them.
 */
#ifndef TP_KERNELS_H
#define TP_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TP_KERNEL static inline __attribute__((always_inline))
/* Where bytes of flash count most, the large ones are there once, for all layers. */
#ifdef TP_SHARED_KERNELS
#define TP_LARGE_KERNEL static __attribute__((noinline, unused))
#else
#define TP_LARGE_KERNEL TP_KERNEL
#endif
/* GCC 12 takes a store whose address it splits into a zero base and an index for one to NULL, calls the layer a
 * function without effects, and drops it from tp_model_invoke; noipa keeps callers from believing that. */
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 8
#define TP_LAYER static __attribute__((noipa)) void
#else
#define TP_LAYER static __attribute__((noinline)) void
#endif
/* A function that is all assembly. Its callers must not guess from its empty body what it reads. */
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 8
#define TP_ASSEMBLY static __attribute__((naked, noipa)) void
#else
#define TP_ASSEMBLY static __attribute__((naked, noinline)) void
#endif
#define TP_ALIGNED __attribute__((aligned(16)))
#define TP_ALIASING __attribute__((may_alias))
/* Constants that are read from RAM. `used`: what a compiler finds never written it would leave in flash. */
#if defined(__arm__)
#define TP_RESIDENT __attribute__((section(".data.tp_weights"), used, aligned(16)))
#else
#define TP_RESIDENT __attribute__((used, aligned(16)))
#endif
#if defined(__arm__) && !defined(TP_ARENA_IN_BSS)
#define TP_ARENA __attribute__((section(".arena"), aligned(16)))
#else
#define TP_ARENA TP_ALIGNED
#endif

/* Per output channel. `shift` counts to the right; negative shifts left. */
struct tp_channel {
    int32_t bias;
    int32_t multiplier;
    int32_t shift;
};

/* The same without a bias. */
struct tp_rescaling {
    int32_t multiplier;
    int32_t shift;
};

/* Of kernels that compute two channels at once, tp_conv_pairs_dsp.h: where their sums start, of the first pixel and
 * of the second; multipliers; what is added before the shift; where their outputs start, in bytes. */
struct tp_pair {
    int32_t first_a, first_b;
    int32_t second_a, second_b;
    int32_t multiplier_a, multiplier_b;
    int32_t rounding_a, rounding_b;
    int32_t output_a, output_b;
};

/* Of tp_depthwise_planes_dsp.h, per output channel: taps 0 and 2 of each row, taps 1; where the sums start, and
 * those of the first and of the last row; multiplier; what is added before the shift; which function does it. */
struct tp_depthwise_plane {
    int32_t taps_0, taps_1, taps_2, middle_01, middle_2;
    int32_t start, start_first, start_last, multiplier, rounding;
    int32_t function;
};

/* Of tp_conv_winograd_dsp.h. bias: 144 times, of codes counted from -128; constant: before the channel's shift;
 * output: which channel of the output. */
struct tp_winograd_channel {
    int32_t bias;
    int32_t multiplier;
    int32_t constant;
    int32_t output;
};

/* A window sliding over an image; y before x. */
struct tp_window {
    int32_t in_h, in_w, in_c;
    int32_t out_h, out_w, out_c;
    int32_t kernel_h, kernel_w;
    int32_t stride_h, stride_w;
    int32_t dilation_h, dilation_w;
    int32_t pad_h, pad_w;
};

/* Code `i` of codes of one or two bytes. */
TP_KERNEL int32_t tp_code(const void *codes, int32_t bytes, int32_t i)
{
    return bytes == 1 ? ((const int8_t *)codes)[i] : ((const int16_t *)codes)[i];
}

TP_KERNEL void tp_set_code(void *codes, int32_t bytes, int32_t i, int32_t code)
{
    if (bytes == 1) {
        ((int8_t *)codes)[i] = (int8_t)code;
    } else {
        ((int16_t *)codes)[i] = (int16_t)code;
    }
}

/* tp_multiply_high by products of halfwords. Of the sum's low word the two highest bits alone count: they round. */
TP_KERNEL int32_t tp_multiply_high_halves(int32_t a, int32_t b)
{
    const uint32_t a_low = (uint32_t)a & 0xFFFFU;
    const uint32_t b_low = (uint32_t)b & 0xFFFFU;
    const int32_t first = (a >> 16) * (int32_t)b_low + (int32_t)((a_low * b_low) >> 16);
    const int32_t second = (int32_t)a_low * (b >> 16) + (int32_t)((uint32_t)first & 0xFFFFU);
    const int32_t high = (a >> 16) * (b >> 16) + (first >> 16) + (second >> 16);
    return (int32_t)(((uint32_t)high << 1) + (((((uint32_t)second >> 14) & 3U) + 1U) >> 1));
}

/* a * b / 2^31, rounded to the nearest, ties up: gemmlowp's SaturatingRoundingDoublingHighMul where not both are
 * INT32_MIN. Armv6-M has no product of more than 32 bits. */
TP_KERNEL int32_t tp_multiply_high(int32_t a, int32_t b)
{
#ifdef __ARM_ARCH_6M__
    return tp_multiply_high_halves(a, b);
#else
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
#endif
}

/* x / 2^n, rounded to the nearest, ties away from zero; 0 <= n <= 31. */
TP_KERNEL int32_t tp_divide_by_power_of_two(int32_t x, int32_t n)
{
    const int32_t mask = (int32_t)(((uint32_t)1 << n) - 1U);
    const int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
    return (x >> n) + ((x & mask) > threshold ? 1 : 0);
}

/* TFLM's MultiplyByQuantizedMultiplier, double rounding; `shift` counts to the right. */
TP_KERNEL int32_t tp_requantize(int32_t x, int32_t multiplier, int32_t shift)
{
    const int32_t left = shift < 0 ? -shift : 0;
    const int32_t right = shift > 0 ? shift : 0;
    const int32_t scaled = (int32_t)((uint32_t)x << left);
    return tp_divide_by_power_of_two(tp_multiply_high(scaled, multiplier), right);
}

/* The same of a 64-bit sum, |x| < 2^47: a multiplier of 15 bits, rounded once; `shift` is above -8. */
TP_KERNEL int32_t tp_requantize_wide(int64_t x, int32_t multiplier, int32_t shift)
{
    const int32_t reduced = multiplier < 0x7FFF0000 ? (multiplier + (1 << 15)) >> 16 : 0x7FFF;
    const int32_t total = 15 + shift;
    return (int32_t)((x * reduced + ((int64_t)1 << (total - 1))) >> total);
}

TP_KERNEL int32_t tp_clamp(int32_t x, int32_t low, int32_t high)
{
    return x < low ? low : (x > high ? high : x);
}

#endif
