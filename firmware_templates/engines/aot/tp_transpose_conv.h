/* SPDX-License-Identifier: 0BSD */
/* TRANSPOSE_CONV in portable C: each output pixel gathers what the input pixels that reach it add. */
#ifndef TP_TRANSPOSE_CONV_H
#define TP_TRANSPOSE_CONV_H

#include "tp_kernels.h"

/* The index along one dimension of the input whose window has its tap `k` at `at`, or -1. */
TP_KERNEL int32_t tp_under(int32_t at, int32_t k, int32_t stride, int32_t size)
{
    const int32_t from = at - k;
    return from >= 0 && from % stride == 0 && from / stride < size ? from / stride : -1;
}

/* input [in_h, in_w, in_c]; weights [out_c, kernel_h, kernel_w, in_c]; output [out_h, out_w, out_c]. */
TP_KERNEL void tp_transpose_conv(const struct tp_window *w, const int8_t *input, const int8_t *weights,
                                 const struct tp_channel *channels, int32_t in_zero, int32_t out_zero, int32_t low,
                                 int32_t high, int8_t *output)
{
    for (int32_t y = 0; y < w->out_h; y++) {
        for (int32_t x = 0; x < w->out_w; x++) {
            for (int32_t c = 0; c < w->out_c; c++) {
                int32_t sum = channels[c].bias;
                for (int32_t ky = 0; ky < w->kernel_h; ky++) {
                    const int32_t in_y = tp_under(y + w->pad_h, ky, w->stride_h, w->in_h);
                    for (int32_t kx = 0; in_y >= 0 && kx < w->kernel_w; kx++) {
                        const int32_t in_x = tp_under(x + w->pad_w, kx, w->stride_w, w->in_w);
                        if (in_x < 0) {
                            continue;
                        }
                        const int8_t *pixel = &input[(in_y * w->in_w + in_x) * w->in_c];
                        const int8_t *tap = &weights[((c * w->kernel_h + ky) * w->kernel_w + kx) * w->in_c];
                        for (int32_t i = 0; i < w->in_c; i++) {
                            sum += ((int32_t)pixel[i] - in_zero) * tap[i];
                        }
                    }
                }
                const int32_t q = tp_requantize(sum, channels[c].multiplier, channels[c].shift) + out_zero;
                *output++ = (int8_t)tp_clamp(q, low, high);
            }
        }
    }
}

#endif
