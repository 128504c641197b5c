/* SPDX-License-Identifier: 0BSD */
/* Products of computed matrices in portable C. */
#ifndef TP_MAT_MUL_H
#define TP_MAT_MUL_H

#include "tp_kernels.h"

/* How far apart batches (0 where one repeats), rows and the entries of a sum stand. */
struct tp_operand {
    int32_t batch[3];
    int32_t row, entry;
    int32_t zero;
};

TP_KERNEL int32_t tp_matrix(const struct tp_operand *side, int32_t i, int32_t j, int32_t k)
{
    return i * side->batch[0] + j * side->batch[1] + k * side->batch[2];
}

/* `sizes`: three of the batches, rows, columns, entries of a sum. `bias`: one per column, or NULL. Codes of one byte
 * with sums of 32 bits, or of two bytes with 64. */
TP_KERNEL void tp_mat_mul(const int32_t sizes[6], const struct tp_operand *left, const void *input_a,
                          const struct tp_operand *right, const void *input_b, const int32_t *bias, int32_t multiplier,
                          int32_t shift, int32_t out_zero, int32_t low, int32_t high, int32_t bytes, void *output)
{
    int32_t at = 0;
    for (int32_t batch = 0; batch < sizes[0] * sizes[1] * sizes[2]; batch++) {
        const int32_t i = batch / (sizes[1] * sizes[2]), j = batch / sizes[2] % sizes[1], k = batch % sizes[2];
        for (int32_t row = 0; row < sizes[3]; row++) {
            for (int32_t column = 0; column < sizes[4]; column++) {
                const int32_t a = tp_matrix(left, i, j, k) + row * left->row;
                const int32_t b = tp_matrix(right, i, j, k) + column * right->row;
                int32_t sum = bias == NULL ? 0 : bias[column];
                int64_t wide = 0;
                for (int32_t n = 0; n < sizes[5]; n++) {
                    const int32_t product = (tp_code(input_a, bytes, a + n * left->entry) - left->zero) *
                                            (tp_code(input_b, bytes, b + n * right->entry) - right->zero);
                    if (bytes == 1) {
                        sum += product;
                    } else {
                        wide += product;
                    }
                }
                const int32_t q = bytes == 1 ? tp_requantize(sum, multiplier, shift)
                                             : tp_requantize_wide(wide + sum, multiplier, shift);
                tp_set_code(output, bytes, at++, tp_clamp(q + out_zero, low, high));
            }
        }
    }
}

#endif
