/* SPDX-License-Identifier: 0BSD */
/* SOFTMAX in fixed point, as gemmlowp's exp_on_negative_values and one_over_one_plus_x compute it. In place. */
#ifndef TP_SOFTMAX_H
#define TP_SOFTMAX_H

#include "tp_exponential.h"

/* `depth` codes a row; output codes of so many bytes. Differences from the row's maximum below `diff_min` give
 * probability 0, and so do all where the sum is 512 or more. */
TP_KERNEL void tp_softmax(int32_t rows, int32_t depth, const int8_t *input, int32_t multiplier, int32_t left_shift,
                          int32_t diff_min, int32_t bytes, void *output)
{
    const int32_t low = bytes == 1 ? INT8_MIN : INT16_MIN;
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
        const int32_t right = 12 - zeros + 31 - 8 * bytes;
        const int32_t scale = tp_reciprocal((int32_t)(((uint32_t)sum << zeros) - 0x80000000U));
        for (int32_t c = 0; c < depth; c++) {
            const int32_t diff = input[c] - largest;
            int32_t q = low;
            if (diff >= diff_min && right <= 31) {
                const int32_t y = tp_multiply_high((int32_t)((uint32_t)diff << left_shift), multiplier);
                const int32_t p = tp_multiply_high(scale, tp_exp(y));
                q = tp_clamp(tp_divide_by_power_of_two(p, right) + low, low, -1 - low);
            }
            tp_set_code(output, bytes, row * depth + c, q);
        }
        input += depth;
    }
}

#endif
