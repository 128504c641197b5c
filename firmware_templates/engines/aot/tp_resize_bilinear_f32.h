/* SPDX-License-Identifier: 0BSD */
/* RESIZE_BILINEAR of floats. */
#ifndef TP_RESIZE_BILINEAR_F32_H
#define TP_RESIZE_BILINEAR_F32_H

#include "tp_float.h"

/* Where each row or column of the output stands: between which two of the input, and what each of them counts. */
struct tp_between {
    const int32_t *at;
    const float *weight;
};

/* input [.., in_w, channels]; output [out_h, out_w, channels]. Products and sums stand in TFLM's order. */
TP_KERNEL void tp_resize_bilinear_f32(int32_t out_h, int32_t out_w, int32_t in_w, int32_t channels,
                                      struct tp_between rows, struct tp_between columns, const float *input,
                                      float *output)
{
    for (int32_t y = 0; y < out_h; y++) {
        const float *top = &input[rows.at[2 * y] * in_w * channels];
        const float *bottom = &input[rows.at[2 * y + 1] * in_w * channels];
        const float up = rows.weight[2 * y], down = rows.weight[2 * y + 1];
        for (int32_t x = 0; x < out_w; x++) {
            const int32_t left = columns.at[2 * x] * channels;
            const int32_t right = columns.at[2 * x + 1] * channels;
            const float near = columns.weight[2 * x], far = columns.weight[2 * x + 1];
            for (int32_t c = 0; c < channels; c++) {
                *output++ = top[left + c] * up * near + bottom[left + c] * down * near + top[right + c] * up * far +
                            bottom[right + c] * down * far + 0.0f;
            }
        }
    }
}

#endif
