/* SPDX-License-Identifier: 0BSD */
/* LOG_SOFTMAX in fixed point. In place. */
#ifndef TP_LOG_SOFTMAX_H
#define TP_LOG_SOFTMAX_H

#include "tp_exponential.h"

/* log(x): x >= 1 in Q12.19, result in Q5.26, as TFLM's log_x_for_x_greater_than_or_equal_to_1 computes it: x is a power
 * of two times r; of two such forms that with the r nearer to the fourth root of 1/2 is taken. */
TP_KERNEL int32_t tp_logarithm(int32_t x)
{
    const int32_t root_half = 1518500250, quarter_root_half = 1805811301, quarter = 1 << 23;
    const int32_t half = tp_multiply_high(x, root_half);
    const int32_t zeros_a = tp_leading_zeros((uint32_t)x), zeros_b = tp_leading_zeros((uint32_t)half) - 1;
    const int64_t r_a = (int64_t)tp_multiply_high((int32_t)((uint32_t)x << (zeros_a - 1)), root_half) * 2;
    const int64_t r_b = (int64_t)x << zeros_b;
    const int32_t power_a = (12 - zeros_a) * (1 << 25) + quarter, power_b = (12 - zeros_b) * (1 << 25) - quarter;
    const int32_t power = power_a > power_b ? power_a : power_b;
    const int64_t smaller = r_a < r_b ? r_a : r_b;
    const int32_t r = smaller > INT32_MAX ? INT32_MAX : (int32_t)smaller;
    const int32_t p = (int32_t)(((int64_t)r + quarter_root_half + 1) >> 1);
    const int32_t q = (r - quarter_root_half) * 2;
    const int32_t square = tp_multiply_high(q, q);
    const int32_t numerator = tp_multiply_high(q, r) + tp_multiply_high(tp_multiply_high(q, square), 117049297);
    const int32_t inner = 1057819769 + q + tp_multiply_high(square, 127690142);
    const int32_t denominator = tp_multiply_high(p, inner) + tp_multiply_high(q, 638450708);
    const int32_t fraction = tp_multiply_high(tp_divide_by_power_of_two(numerator, 6), tp_reciprocal(denominator));
    return (tp_multiply_high(power, 1488522236) + fraction) * 2;
}

/* `depth` codes a row. `back`, `back_shift`: from differences in Q5.26 to those of codes. */
TP_KERNEL void tp_log_softmax(int32_t rows, int32_t depth, const int8_t *input, int32_t multiplier,
                              int32_t left_shift, int32_t diff_min, int32_t back, int32_t back_shift, int8_t *output)
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
        const int32_t log = tp_logarithm(sum);
        const int32_t bound = tp_requantize(log + INT32_MIN, back, back_shift);
        const int32_t least = bound > diff_min - 1 ? bound : diff_min - 1;
        for (int32_t c = 0; c < depth; c++) {
            const int32_t diff = input[c] - largest;
            int32_t q = INT8_MIN;
            if (diff > least) {
                const int32_t y = tp_multiply_high((int32_t)((uint32_t)diff << left_shift), multiplier);
                q = tp_clamp(tp_divide_by_power_of_two(y - log, 22) + INT8_MAX, INT8_MIN, INT8_MAX);
            }
            output[c] = (int8_t)q;
        }
        input += depth;
        output += depth;
    }
}

#endif
