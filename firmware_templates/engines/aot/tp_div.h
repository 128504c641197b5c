/* SPDX-License-Identifier: 0BSD */
/* DIV in portable C. */
#ifndef TP_DIV_H
#define TP_DIV_H

#include "tp_pairs.h"
#include "tp_exponential.h"

/* `shift` counts to the left. */
struct tp_div {
    int32_t zero_a, zero_b;
    int32_t multiplier, shift, out_zero;
    int32_t low, high;
};

/* The reciprocal in Q0.31 times the numerator, which is shifted left as far as it goes. A denominator of zero counts as
 * one code. */
TP_KERNEL int32_t tp_div(const struct tp_div *n, int32_t a, int32_t b)
{
    const bool negative = b < n->zero_b;
    const int32_t above = negative ? n->zero_a - a : a - n->zero_a;
    const int32_t below = negative ? n->zero_b - b : (b == n->zero_b ? 1 : b - n->zero_b);
    const int32_t zeros = tp_leading_zeros((uint32_t)below);
    const int32_t headroom = tp_leading_zeros((uint32_t)(above < 0 ? -1 - above : above)) - 1;
    const int32_t reciprocal = tp_reciprocal((int32_t)(((uint32_t)below << zeros) - 0x80000000U));
    const int32_t quotient = tp_multiply_high((int32_t)((uint32_t)above << headroom), reciprocal);
    const int32_t right = 31 - zeros + headroom - n->shift;
    const int32_t q = tp_divide_by_power_of_two(tp_multiply_high(quotient, n->multiplier), right) + n->out_zero;
    return tp_clamp(q, n->low, n->high);
}

#endif
