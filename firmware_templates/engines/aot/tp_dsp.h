/* SPDX-License-Identifier: 0BSD */
/* What kernels for Armv7E-M (Cortex-M4, M7, M33 with DSP) share: two MACs an instruction, exact requantization.
 *
 * Four codes of a word are widened to two pairs, (0, 2) and (1, 3); weights and activations alike, so order cancels.
 */
#ifndef TP_DSP_H
#define TP_DSP_H

#ifndef __ARM_ARCH
#error "made for an Arm core with DSP instructions; for this processor: tinyperf generate --board host"
#elif !defined(__OPTIMIZE__)
#error "compile with optimization (-Og or above): the assembly in here takes constants that only inlining makes"
#endif

#include <arm_acle.h>

#include "tp_kernels.h"

/* Four codes as one word; any alignment. The builtin, since -ffreestanding turns plain memcpy into a call. */
TP_KERNEL int32_t tp_load4(const int8_t *from)
{
    int32_t word;
    __builtin_memcpy(&word, from, sizeof word);
    return word;
}

/* Codes 0 and 2 of a word as a pair of 16 bits. */
TP_KERNEL int16x2_t tp_even(int32_t word)
{
    return __sxtb16(word);
}

/* Codes 1 and 3. GCC 12 does not fuse the rotation into SXTB16, so it is written out. */
TP_KERNEL int16x2_t tp_odd(int32_t word)
{
    int16x2_t pair;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(word));
    return pair;
}

/* a * b / 2^32, rounded to the nearest. */
TP_KERNEL int32_t tp_high_word(int32_t a, int32_t b)
{
    int32_t high;
    __asm__("smmulr %0, %1, %2" : "=r"(high) : "r"(a), "r"(b));
    return high;
}

/* tp_requantize and the output zero point, saturated to 8 bits; |x| < 2^30 or multiplier 0, shift >= 1. Ties away
 * from zero are ties up after taking 1 from a negative number; (y + 2^(n - 1)) >> n equals ((y >> (n - 1)) + 1) >> 1,
 * and the zero point goes in with the 1. */
TP_KERNEL int32_t tp_requantize_s8(int32_t x, int32_t multiplier, int32_t shift, int32_t out_zero)
{
    const int32_t y = tp_high_word((int32_t)((uint32_t)x << 1), multiplier) + (x >> 31);
    int32_t q;
    __asm__("ssat %0, #8, %1, asr #1" : "=r"(q) : "r"((y >> (shift - 1)) + (2 * out_zero + 1)));
    return q;
}

/* The narrower clamp of a fused activation; costs nothing where the saturation above already is the clamp. */
TP_KERNEL int8_t tp_activation_s8(int32_t q, int32_t low, int32_t high)
{
    int32_t clamped = q;
    if (low > INT8_MIN) {
        clamped = clamped < low ? low : clamped;
    }
    if (high < INT8_MAX) {
        clamped = clamped > high ? high : clamped;
    }
    return (int8_t)clamped;
}

/* Copies `count` codes; the barrier keeps the compiler from calling memcpy, which newlib-nano does byte by byte. */
TP_KERNEL void tp_copy(int8_t *to, const int8_t *from, int32_t count)
{
    int32_t i = 0;
    for (; i + 4 <= count; i += 4) {
        int32_t word = tp_load4(&from[i]);
        __asm__("" : "+r"(word));
        __builtin_memcpy(&to[i], &word, sizeof word);
    }
    for (; i < count; i++) {
        int8_t code = from[i];
        __asm__("" : "+r"(code));
        to[i] = code;
    }
}

TP_KERNEL void tp_fill(int8_t *to, int32_t value, int32_t count)
{
    int32_t word = (int32_t)(((uint32_t)value & 0xFFU) * 0x01010101U);
    int32_t i = 0;
    for (; i + 4 <= count; i += 4) {
        __asm__("" : "+r"(word));
        __builtin_memcpy(&to[i], &word, sizeof word);
    }
    for (; i < count; i++) {
        __asm__("" : "+r"(word));
        to[i] = (int8_t)word;
    }
}

/* Sixteen MACs of tp_dot_2x2: four codes of two columns (%[a], %[length] bytes apart) and of two rows of weights (%[b],
 * likewise). Assembly, because GCC 12 spills inside this loop whichever way it is written in C. Every instruction is a
 * word on a word's address: one that straddles two costs a cycle to fetch, an eighth of the loop. */
#define TP_DOT_2X2_STEP                                                                                                \
    "ldr.w %[x1], [%[a], %[length]]\n\t"                                                                               \
    "ldr %[x0], [%[a]], #4\n\t"                                                                                        \
    "ldr.w %[w], [%[b], %[length]]\n\t"                                                                                \
    "sxtb16 %[x0_odd], %[x0], ror #8\n\t"                                                                              \
    "sxtb16 %[x0], %[x0]\n\t"                                                                                          \
    "sxtb16 %[x1_odd], %[x1], ror #8\n\t"                                                                              \
    "sxtb16 %[x1], %[x1]\n\t"                                                                                          \
    "sxtb16 %[w_even], %[w]\n\t"                                                                                       \
    "sxtb16 %[w], %[w], ror #8\n\t"                                                                                    \
    "smlad %[s2], %[x0], %[w_even], %[s2]\n\t"                                                                         \
    "smlad %[s3], %[x1], %[w_even], %[s3]\n\t"                                                                         \
    "smlad %[s2], %[x0_odd], %[w], %[s2]\n\t"                                                                          \
    "smlad %[s3], %[x1_odd], %[w], %[s3]\n\t"                                                                          \
    "ldr %[w], [%[b]], #4\n\t"                                                                                         \
    "sxtb16 %[w_even], %[w]\n\t"                                                                                       \
    "sxtb16 %[w], %[w], ror #8\n\t"                                                                                    \
    "smlad %[s0], %[x0], %[w_even], %[s0]\n\t"                                                                         \
    "smlad %[s1], %[x1], %[w_even], %[s1]\n\t"                                                                         \
    "smlad %[s0], %[x0_odd], %[w], %[s0]\n\t"                                                                          \
    "smlad %[s1], %[x1_odd], %[w], %[s1]\n\t"

#define TP_DOT_LOOP(steps) ".balign 4\n0:\n\t" steps "cmp.w %[a], %[end]\n\tbne.w 0b"

/* The same operands for every form of the loop. */
#define TP_DOT_2X2(text)                                                                                               \
    __asm__ volatile(text                                                                                              \
                     : [a] "+r"(a), [b] "+r"(b), [s0] "+r"(s0), [s1] "+r"(s1), [s2] "+r"(s2), [s3] "+r"(s3),           \
                       [x0] "=&r"(x0), [x1] "=&r"(x1), [x0_odd] "=&r"(x0_odd), [x1_odd] "=&r"(x1_odd), [w] "=&r"(w),   \
                       [w_even] "=&r"(w_even)                                                                          \
                     : [length] "i"(length), [end] "r"(end)                                                            \
                     : "cc", "memory")

/* Steps that tp_dot_2x2 repeats unrolled, at most, in a layer of so many MACs: the end of the loop costs an eighth of a
 * step. Where bytes of flash count most, a layer of few takes half the code. */
TP_KERNEL int32_t tp_dot_steps(int32_t macs)
{
#ifdef TP_SHARED_KERNELS
    return macs < 32768 ? 2 : 4;
#else
    (void)macs;
    return 4;
#endif
}

/* Two columns of activations, `length` codes each, one behind the other, times two such rows of weights.
 * `length` is a constant, a multiple of 4, at most TP_DOT_LENGTH; steps: tp_dot_steps. sum: a0b0, a1b0, a0b1, a1b1. */
#define TP_DOT_LENGTH 4092
TP_KERNEL void tp_dot_2x2(const int8_t *a, const int8_t *b, const int32_t length, const int32_t steps, int32_t sum[4])
{
    int32_t s0 = sum[0];
    int32_t s1 = sum[1];
    int32_t s2 = sum[2];
    int32_t s3 = sum[3];
    int32_t x0;
    int32_t x1;
    int32_t x0_odd;
    int32_t x1_odd;
    int32_t w;
    int32_t w_even;
    const int8_t *const end = a + length;
    if (length % 16 == 0 && steps == 4) {
        TP_DOT_2X2(TP_DOT_LOOP(TP_DOT_2X2_STEP TP_DOT_2X2_STEP TP_DOT_2X2_STEP TP_DOT_2X2_STEP));
    } else if (length % 8 == 0) {
        TP_DOT_2X2(TP_DOT_LOOP(TP_DOT_2X2_STEP TP_DOT_2X2_STEP));
    } else {
        TP_DOT_2X2(TP_DOT_LOOP(TP_DOT_2X2_STEP));
    }
    sum[0] = s0;
    sum[1] = s1;
    sum[2] = s2;
    sum[3] = s3;
}

#endif
