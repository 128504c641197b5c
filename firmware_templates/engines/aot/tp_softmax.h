/* SPDX-License-Identifier: 0BSD */
/* SOFTMAX in fixed point, as gemmlowp's exp_on_negative_values and one_over_one_plus_x compute it. In place. */
#ifndef TP_SOFTMAX_H
#define TP_SOFTMAX_H

#include "tp_kernels.h"

/* exp(y): y <= 0 in Q5.26, result in Q0.31. */
TP_KERNEL int32_t tp_exp(int32_t y)
{
    static const int32_t factor[7] = {
        /* exp(-2^(i - 2)) in Q0.31 */
        1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242,
    };
    const int32_t quarter = 1 << 24;
    const int32_t a = (y & (quarter - 1)) - quarter; /* in [-1/4, 0) */
    const int32_t x = a * 32 + (1 << 28);            /* distance from -1/8, Q0.31 */
    const int32_t x2 = tp_multiply_high(x, x);
    const int32_t x3 = tp_multiply_high(x2, x);
    const int32_t x4 = tp_multiply_high(x2, x2);
    const int32_t tail = tp_multiply_high(tp_divide_by_power_of_two(x4, 2) + x3, 715827883) + x2;
    const int32_t series = x + tp_divide_by_power_of_two(tail, 1);
    int32_t result = 1895147668 + tp_multiply_high(1895147668, series);
    for (int32_t i = 0; i < 7; i++) {
        if ((((a - y) >> (24 + i)) & 1) != 0) {
            result = tp_multiply_high(result, factor[i]);
        }
    }
    return y == 0 ? INT32_MAX : result;
}

/* x * 4, saturated. */
TP_KERNEL int32_t tp_times_four(int32_t x)
{
    if (x > INT32_MAX / 4) {
        return INT32_MAX;
    }
    return x < INT32_MIN / 4 ? INT32_MIN : x * 4;
}

/* 1 / (1 + v): v >= 0 and result in Q0.31. Three Newton-Raphson steps from 48/17 - 32/17 h, in Q2.29. */
TP_KERNEL int32_t tp_reciprocal(int32_t v)
{
    const int32_t half = (int32_t)(((int64_t)v + INT32_MAX + 1) >> 1);
    int32_t u = 1515870810 + tp_multiply_high(half, -1010580540);
    for (int32_t i = 0; i < 3; i++) {
        const int32_t rest = (1 << 29) - tp_multiply_high(half, u);
        u += tp_times_four(tp_multiply_high(u, rest));
    }
    return u > INT32_MAX / 2 ? INT32_MAX : u * 2;
}

/* `depth` codes a row. Differences from the row's maximum below `diff_min` give probability 0. */
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
        int32_t zeros = 0;
        while ((((uint32_t)sum << zeros) & 0x80000000U) == 0U) {
            zeros++;
        }
        const int32_t scale = tp_reciprocal((int32_t)(((uint32_t)sum << zeros) - 0x80000000U));
        for (int32_t c = 0; c < depth; c++) {
            const int32_t diff = input[c] - largest;
            int32_t q = INT8_MIN;
            if (diff >= diff_min) {
                const int32_t y = tp_multiply_high((int32_t)((uint32_t)diff << left_shift), multiplier);
                const int32_t p = tp_multiply_high(scale, tp_exp(y));
                q = tp_clamp(tp_divide_by_power_of_two(p, 12 - zeros + 23) - 128, INT8_MIN, INT8_MAX);
            }
            output[c] = (int8_t)q;
        }
        input += depth;
        output += depth;
    }
}

#endif
