/* SPDX-License-Identifier: 0BSD */
/* Exponential and reciprocal in fixed point, as gemmlowp computes them for TFLM. */
#ifndef TP_EXPONENTIAL_H
#define TP_EXPONENTIAL_H

#include "tp_kernels.h"

/* Of an unsigned number; 32 for zero. */
TP_KERNEL int32_t tp_leading_zeros(uint32_t x)
{
    int32_t zeros = 0;
    while (zeros < 32 && ((x << zeros) & 0x80000000U) == 0U) {
        zeros++;
    }
    return zeros;
}

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

#endif
