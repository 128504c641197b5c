/* SPDX-License-Identifier: 0BSD */
/* L2_NORMALIZATION in fixed point. In place. */
#ifndef TP_L2_NORMALIZATION_H
#define TP_L2_NORMALIZATION_H

#include "tp_exponential.h"

/* A multiplier and its right shift. */
struct tp_inverse_root {
    int32_t multiplier, right;
};

/* 1 / sqrt(n), n >= 0 (of 0 that of 1), as TFLM's GetInvSqrtQuantizedMultiplierExp computes it: five Newton-Raphson
 * steps from 1, in Q3.28. */
TP_KERNEL struct tp_inverse_root tp_inverse_root(int32_t n)
{
    struct tp_inverse_root made = {INT32_MAX, 0};
    if (n <= 1) {
        return made;
    }
    made.right = 11;
    while (n >= 1 << 29) {
        n /= 4;
        made.right++;
    }
    const int32_t pairs = (tp_leading_zeros((uint32_t)n) - 1) / 2 - 1;
    n = (int32_t)((uint32_t)n << (2 * pairs));
    made.right -= pairs;
    const int32_t half = ((n >> 1) + 1) >> 1;
    const int32_t three_halves = (1 << 28) + (1 << 27);
    int32_t x = 1 << 28;
    for (int32_t i = 0; i < 5; i++) {
        const int32_t cube = tp_multiply_high(tp_multiply_high(x, x), x) * 64;
        x = (tp_multiply_high(three_halves, x) - tp_multiply_high(half, cube)) * 8;
    }
    made.multiplier = tp_multiply_high(x, 1518500250); /* sqrt(2) / 2 in Q0.31 */
    if (made.right < 0) {
        made.multiplier = (int32_t)((uint32_t)made.multiplier << -made.right);
        made.right = 0;
    }
    return made;
}

/* `depth` codes a row. */
TP_KERNEL void tp_l2_normalization(int32_t rows, int32_t depth, const int8_t *input, int32_t in_zero, int8_t *output)
{
    for (int32_t row = 0; row < rows; row++) {
        int32_t sum = 0;
        for (int32_t c = 0; c < depth; c++) {
            const int32_t x = input[c] - in_zero;
            sum += x * x;
        }
        const struct tp_inverse_root root = tp_inverse_root(sum);
        for (int32_t c = 0; c < depth; c++) {
            const int32_t q = tp_requantize(input[c] - in_zero, root.multiplier, root.right - 7);
            output[c] = (int8_t)tp_clamp(q, INT8_MIN, INT8_MAX);
        }
        input += depth;
        output += depth;
    }
}

#endif
