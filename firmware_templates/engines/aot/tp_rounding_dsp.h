/* SPDX-License-Identifier: 0BSD */
/* Exact requantization of doubled sums on Armv7E-M: SMMLAR, ADD, SSAT; without the ADD where negative results are
 * clamped to the zero point anyway.
 *
 * TFLM rounds twice: x * multiplier / 2^31 to the nearest, ties up, then / 2^shift, ties away from zero. SMMLAR does
 * the first to 2 * x, and adds half of 2^shift and the zero point in the same cycle; ties away from zero are ties up
 * after taking 1 from a negative number. tinyperf/engines/aot/kernels/_rounding.py makes the constants, and proves
 * that nothing leaves 32 bits. */
#ifndef TP_ROUNDING_H
#define TP_ROUNDING_H

#include "tp_dsp.h"

/* Per output channel. constant: 2^(n - 1) + (out_zero << n), n the channel's own right shift, >= 1; left: N - n, with
 * N the largest n of the layer. */
struct tp_rounding {
    int32_t multiplier;
    int32_t constant;
    int32_t left;
};

/* For assembly: `q`, saturated to 8 bits, of the doubled sum `x`; N: text of the layer's shift, an immediate. `q` and
 * `x` are registers, and may be one where negative results need no care. */
#define TP_ROUND_TO_8(q, x, multiplier, constant, N)                                                                   \
    "smmlar " q ", " x ", " multiplier ", " constant "\n\t"                                                            \
    "add.w " q ", " q ", " x ", asr #31\n\t"                                                                           \
    "ssat " q ", #8, " q ", asr " N "\n\t"
#define TP_ROUND_RELU_TO_8(q, x, multiplier, constant, N)                                                              \
    "smmlar " q ", " x ", " multiplier ", " constant "\n\t"                                                            \
    "ssat " q ", #8, " q ", asr " N "\n\t"
/* The same where the channels' shifts differ; `left`: a register. */
#define TP_ROUND_LEFT_TO_8(q, x, multiplier, constant, left, N)                                                        \
    "smmlar " q ", " x ", " multiplier ", " constant "\n\t"                                                            \
    "add.w " q ", " q ", " x ", asr #31\n\t"                                                                           \
    "lsl.w " q ", " q ", " left "\n\t"                                                                                 \
    "ssat " q ", #8, " q ", asr " N "\n\t"

/* The same as a function; `shift` is a constant. */
TP_KERNEL int32_t tp_round_s8(int32_t twice, const struct tp_rounding *channel, const int32_t shift)
{
    int32_t q;
    __asm__("smmlar %0, %1, %2, %3" : "=r"(q) : "r"(twice), "r"(channel->multiplier), "r"(channel->constant));
    q = (int32_t)((uint32_t)(q + (twice >> 31)) << channel->left);
    __asm__("ssat %0, #8, %1, asr %2" : "=r"(q) : "r"(q), "I"(shift));
    return q;
}

/* The narrower clamp of a fused activation, of `count` codes that are saturated already; any alignment. */
TP_KERNEL void tp_clamp_codes_dsp(int8_t *codes, int32_t count, int32_t low, int32_t high)
{
    if (low == INT8_MIN && high == INT8_MAX) {
        return;
    }
    const int8x4_t lows = (int8x4_t)(((uint32_t)low & 0xFFU) * 0x01010101U);
    const int8x4_t highs = (int8x4_t)(((uint32_t)high & 0xFFU) * 0x01010101U);
    int32_t i = 0;
    for (; i + 4 <= count; i += 4) {
        int8x4_t word = (int8x4_t)tp_load4(&codes[i]);
        int32_t unused;
        __asm__("ssub8 %1, %0, %3\n\t"
                "sel %0, %3, %0\n\t"
                "ssub8 %1, %0, %2\n\t"
                "sel %0, %0, %2"
                : "+r"(word), "=&r"(unused)
                : "r"(lows), "r"(highs));
        __builtin_memcpy(&codes[i], &word, sizeof word);
    }
    for (; i < count; i++) {
        codes[i] = (int8_t)tp_clamp(codes[i], low, high);
    }
}

#endif
