/* SPDX-License-Identifier: 0BSD */
/* SOFTMAX of int16: exponentials and the reciprocal of their sum from tables, interpolated. In place. */
#ifndef TP_SOFTMAX_INT16_H
#define TP_SOFTMAX_INT16_H

#include "tp_exponential.h"

/* Entries are 128 apart. */
TP_KERNEL int32_t tp_softmax_lookup(const int16_t table[513], int32_t at)
{
    const int16_t *entry = &table[256 + (at >> 7)];
    return entry[0] + (((entry[1] - entry[0]) * (at & 127) + 64) >> 7);
}

TP_KERNEL void tp_softmax_int16(int32_t rows, int32_t depth, const int16_t *input, int32_t multiplier, int32_t shift,
                                const int16_t exponentials[513], const int16_t reciprocals[513], int16_t *output)
{
    for (int32_t row = 0; row < rows; row++) {
        int32_t largest = INT16_MIN;
        for (int32_t c = 0; c < depth; c++) {
            largest = input[c] > largest ? input[c] : largest;
        }
        int32_t sum = 0; /* Q16.15 */
        for (int32_t c = 0; c < depth; c++) {
            const int32_t difference = tp_requantize(input[c] - largest, multiplier, shift);
            output[c] = (int16_t)tp_softmax_lookup(exponentials, tp_clamp(difference, -65535, 0) + INT16_MAX);
            sum += output[c];
        }
        const int32_t zeros = tp_leading_zeros((uint32_t)sum);
        const int32_t shifted = (int32_t)((((int64_t)sum << (zeros - 1)) + (1 << 13)) >> 14);
        const int32_t scale =
            tp_softmax_lookup(reciprocals, tp_clamp(shifted - (1 << 15) - (1 << 16), INT16_MIN, INT16_MAX));
        const int32_t right = 31 - zeros;
        for (int32_t c = 0; c < depth; c++) {
            const int32_t q = (int32_t)(((int64_t)output[c] * scale + ((int64_t)1 << (right - 1))) >> right);
            output[c] = (int16_t)tp_clamp(q, 0, INT16_MAX);
        }
        input += depth;
        output += depth;
    }
}

#endif
