/* SPDX-License-Identifier: 0BSD */
/* LOG_SOFTMAX of floats. In place. */
#ifndef TP_LOG_SOFTMAX_F32_H
#define TP_LOG_SOFTMAX_F32_H

#include "tp_float.h"

/* `depth` entries a row. */
TP_KERNEL void tp_log_softmax_f32(int32_t rows, int32_t depth, const float *input, float *output)
{
    for (int32_t row = 0; row < rows; row++) {
        float largest = -FLT_MAX;
        for (int32_t c = 0; c < depth; c++) {
            largest = tp_larger_f32(largest, input[c]);
        }
        float sum = 0.0f;
        for (int32_t c = 0; c < depth; c++) {
            sum += tp_exp_f32(input[c] - largest);
        }
        const float logarithm = tp_log_f32(sum);
        for (int32_t c = 0; c < depth; c++) {
            output[c] = input[c] - largest - logarithm;
        }
        input += depth;
        output += depth;
    }
}

#endif
