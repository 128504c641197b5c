/* SPDX-License-Identifier: 0BSD */
/* SQUARED_DIFFERENCE in portable C. */
#ifndef TP_SQUARED_DIFFERENCE_H
#define TP_SQUARED_DIFFERENCE_H

#include "tp_pairs.h"

/* How both inputs come to the common scale, with so many more bits, and the square to the output's. */
struct tp_squared_difference {
    int32_t zero_a, multiplier_a, shift_a;
    int32_t zero_b, multiplier_b, shift_b;
    int32_t out_zero, multiplier, shift;
    int32_t bits, low, high;
};

TP_KERNEL int32_t tp_squared_difference(const struct tp_squared_difference *n, int32_t a, int32_t b)
{
    const int32_t difference = tp_requantize((a - n->zero_a) * (1 << n->bits), n->multiplier_a, n->shift_a) -
                               tp_requantize((b - n->zero_b) * (1 << n->bits), n->multiplier_b, n->shift_b);
    const int32_t q = tp_requantize(difference * difference, n->multiplier, n->shift) + n->out_zero;
    return tp_clamp(q, n->low, n->high);
}

#endif
