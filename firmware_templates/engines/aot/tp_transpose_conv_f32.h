/* SPDX-License-Identifier: 0BSD */
/* TRANSPOSE_CONV of floats: each output pixel gathers what the input pixels that reach it add, first the first of them,
 * whose tap is the highest. */
#ifndef TP_TRANSPOSE_CONV_F32_H
#define TP_TRANSPOSE_CONV_F32_H

#include "tp_float.h"

/* The index along one dimension of the input whose window has its tap `k` at `at`, or -1. */
TP_KERNEL int32_t tp_under_f32(int32_t at, int32_t k, int32_t stride, int32_t size)
{
    const int32_t from = at - k;
    return from >= 0 && from % stride == 0 && from / stride < size ? from / stride : -1;
}

/* input [in_h, in_w, in_c]; weights [out_c, kernel_h, kernel_w, in_c]; output [out_h, out_w, out_c]. */
TP_KERNEL void tp_transpose_conv_f32(const struct tp_window *w, const float *input, const float *weights,
                                     const float *bias, float low, float high, float *output)
{
    for (int32_t y = 0; y < w->out_h; y++) {
        for (int32_t x = 0; x < w->out_w; x++) {
            for (int32_t c = 0; c < w->out_c; c++) {
                float sum = 0.0f;
                for (int32_t ky = w->kernel_h - 1; ky >= 0; ky--) {
                    const int32_t in_y = tp_under_f32(y + w->pad_h, ky, w->stride_h, w->in_h);
                    for (int32_t kx = w->kernel_w - 1; in_y >= 0 && kx >= 0; kx--) {
                        const int32_t in_x = tp_under_f32(x + w->pad_w, kx, w->stride_w, w->in_w);
                        if (in_x < 0) {
                            continue;
                        }
                        const float *pixel = &input[(in_y * w->in_w + in_x) * w->in_c];
                        const float *tap = &weights[((c * w->kernel_h + ky) * w->kernel_w + kx) * w->in_c];
                        for (int32_t i = 0; i < w->in_c; i++) {
                            sum += pixel[i] * tap[i];
                        }
                    }
                }
                *output++ = tp_clamp_f32(sum + bias[c], low, high);
            }
        }
    }
}

#endif
