/* SPDX-License-Identifier: 0BSD */
/* SOFTMAX in fixed point, as gemmlowp's exp_on_negative_values and one_over_one_plus_x compute it. In place. */
#ifndef TP_SOFTMAX_H
#define TP_SOFTMAX_H

#include "tp_exponential.h"

/* `depth` codes a row. Differences from the row's maximum below `diff_min` give probability 0, and so do all where the
 * sum is 512 or more. */
TP_KERNEL void tp_softmax(int32_t rows, int32_t depth, const int8_t *input, int32_t multiplier, int32_t left_shift,
                          int32_t diff_min, int8_t *output)
{
    for (int32_t row = 0; row < rows; row++) {
        int32_t largest = INT8_MIN;
        for (int32_t c = 0; c < depth; c++) {
            largest = input[c] > largest ? input[c] : largest;
        }
        int32_t sum = 0; /* Q12.19 */
        for (int32_t c = 0; c < depth; c++) {
            const int32_t diff = input[c] - largest;
            if (diff >= diff_min) {
                const int32_t y = tp_multiply_high((int32_t)((uint32_t)diff << left_shift), multiplier);
                sum += tp_divide_by_power_of_two(tp_exp(y), 12);
            }
        }
        const int32_t zeros = tp_leading_zeros((uint32_t)sum);
        const int32_t right = 12 - zeros + 23;
        const int32_t scale = tp_reciprocal((int32_t)(((uint32_t)sum << zeros) - 0x80000000U));
        for (int32_t c = 0; c < depth; c++) {
            const int32_t diff = input[c] - largest;
            int32_t q = INT8_MIN;
            if (diff >= diff_min && right <= 31) {
                const int32_t y = tp_multiply_high((int32_t)((uint32_t)diff << left_shift), multiplier);
                const int32_t p = tp_multiply_high(scale, tp_exp(y));
                q = tp_clamp(tp_divide_by_power_of_two(p, right) - 128, INT8_MIN, INT8_MAX);
            }
            output[c] = (int8_t)q;
        }
        input += depth;
        output += depth;
    }
}

#endif
