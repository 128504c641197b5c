/* SPDX-License-Identifier: 0BSD */
/* SOFTMAX of floats. In place. */
#ifndef TP_SOFTMAX_F32_H
#define TP_SOFTMAX_F32_H

#include "tp_float.h"

/* `depth` entries a row. */
TP_KERNEL void tp_softmax_f32(int32_t rows, int32_t depth, float beta, const float *input, float *output)
{
    for (int32_t row = 0; row < rows; row++) {
        float largest = -FLT_MAX;
        for (int32_t c = 0; c < depth; c++) {
            largest = tp_larger_f32(largest, input[c]);
        }
        float sum = 0.0f;
        for (int32_t c = 0; c < depth; c++) {
            output[c] = tp_exp_f32((input[c] - largest) * beta);
            sum += output[c];
        }
        for (int32_t c = 0; c < depth; c++) {
            output[c] = output[c] / sum;
        }
        input += depth;
        output += depth;
    }
}

#endif
