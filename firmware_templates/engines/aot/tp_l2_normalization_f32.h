/* SPDX-License-Identifier: 0BSD */
/* L2_NORMALIZATION of floats. In place. */
#ifndef TP_L2_NORMALIZATION_F32_H
#define TP_L2_NORMALIZATION_F32_H

#include "tp_float.h"

/* `depth` entries a row, which are divided by their length, or by 1e-6 where that is less. */
TP_KERNEL void tp_l2_normalization_f32(int32_t rows, int32_t depth, const float *input, float *output)
{
    for (int32_t row = 0; row < rows; row++) {
        float sum = 0.0f;
        for (int32_t c = 0; c < depth; c++) {
            sum += input[c] * input[c];
        }
        const float length = tp_larger_f32(tp_sqrt_f32(sum), 1e-6f);
        for (int32_t c = 0; c < depth; c++) {
            output[c] = input[c] / length;
        }
        input += depth;
        output += depth;
    }
}

#endif
