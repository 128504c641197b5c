/* SPDX-License-Identifier: 0BSD */
/* ADD of equal shapes with the DSP instructions. In place. */
#ifndef TP_ADD_DSP_H
#define TP_ADD_DSP_H

#include "tp_dsp.h"

/* One input in the common scale; shift >= 0. |code - zero| < 2^8, so 21 more bits still fit. */
TP_KERNEL int32_t tp_add_scaled_dsp(int32_t code, int32_t zero, int32_t multiplier, int32_t shift)
{
    const int32_t y = tp_high_word((code - zero) * (1 << 21), multiplier);
    return shift == 0 ? y : ((y + (y >> 31)) + (1 << (shift - 1))) >> shift;
}

/* The sum of two codes, requantized; zeros, multipliers and shifts: input a, input b, output. Output shift >= 1. */
TP_KERNEL void tp_add_dsp(int32_t count, const int8_t *input_a, const int8_t *input_b, const int32_t zeros[3],
                          const int32_t multipliers[3], const int32_t shifts[3], int32_t low, int32_t high,
                          int8_t *output)
{
    for (int32_t i = 0; i < count; i++) {
        const int32_t sum = tp_add_scaled_dsp(input_a[i], zeros[0], multipliers[0], shifts[0]) +
                            tp_add_scaled_dsp(input_b[i], zeros[1], multipliers[1], shifts[1]);
        const int32_t q = tp_requantize_s8(sum, multipliers[2], shifts[2], zeros[2]);
        output[i] = tp_activation_s8(q, low, high);
    }
}

#endif
