/* SPDX-License-Identifier: 0BSD */
/* Codes as numbers that can be compared. */
#ifndef TP_COMPARE_H
#define TP_COMPARE_H

#include "tp_pairs.h"

struct tp_compared {
    int32_t zero, multiplier, shift;
};

/* With eight fractional bits. */
TP_KERNEL int32_t tp_compared(const struct tp_compared *scaled, int32_t code)
{
    return tp_requantize((code - scaled->zero) * (1 << 8), scaled->multiplier, scaled->shift);
}

#endif
