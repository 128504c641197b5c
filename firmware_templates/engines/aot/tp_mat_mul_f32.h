/* SPDX-License-Identifier: 0BSD */
/* Products of computed matrices of floats. */
#ifndef TP_MAT_MUL_F32_H
#define TP_MAT_MUL_F32_H

#include "tp_float.h"

/* How far apart batches (0 where one repeats), rows and the entries of a sum stand. */
struct tp_side_f32 {
    int32_t batch[3];
    int32_t row, entry;
};

TP_KERNEL const float *tp_matrix_f32(const struct tp_side_f32 *side, const float *input, int32_t i, int32_t j,
                                     int32_t k)
{
    return &input[i * side->batch[0] + j * side->batch[1] + k * side->batch[2]];
}

/* `sizes`: three of the batches, rows, columns, entries of a sum. `bias`: one per column, or NULL. */
TP_KERNEL void tp_mat_mul_f32(const int32_t sizes[6], const struct tp_side_f32 *left, const float *input_a,
                              const struct tp_side_f32 *right, const float *input_b, const float *bias, float low,
                              float high, float *output)
{
    for (int32_t batch = 0; batch < sizes[0] * sizes[1] * sizes[2]; batch++) {
        const int32_t i = batch / (sizes[1] * sizes[2]), j = batch / sizes[2] % sizes[1], k = batch % sizes[2];
        for (int32_t row = 0; row < sizes[3]; row++) {
            for (int32_t column = 0; column < sizes[4]; column++) {
                const float *a = tp_matrix_f32(left, input_a, i, j, k) + row * left->row;
                const float *b = tp_matrix_f32(right, input_b, i, j, k) + column * right->row;
                float sum = 0.0f;
                for (int32_t n = 0; n < sizes[5]; n++) {
                    sum += a[n * left->entry] * b[n * right->entry];
                }
                *output++ = tp_clamp_f32(sum + (bias == NULL ? 0.0f : bias[column]), low, high);
            }
        }
    }
}

#endif
