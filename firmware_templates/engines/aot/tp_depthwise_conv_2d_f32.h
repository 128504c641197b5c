/* SPDX-License-Identifier: 0BSD */
/* DEPTHWISE_CONV_2D of floats: any kernel, stride, dilation, padding and depth multiplier. */
#ifndef TP_DEPTHWISE_CONV_2D_F32_H
#define TP_DEPTHWISE_CONV_2D_F32_H

#include "tp_float.h"

/* Sums of `count` channels, four or one, from `first` on. */
TP_KERNEL void tp_depthwise_channels_f32(const struct tp_window *w, int32_t depth_multiplier, int32_t count, int32_t y,
                                         int32_t x, int32_t first, const float *input, const float *weights,
                                         float sums[4])
{
    const int32_t from_a = first / depth_multiplier, from_b = (first + 1) / depth_multiplier;
    const int32_t from_c = (first + 2) / depth_multiplier, from_d = (first + 3) / depth_multiplier;
    float a = 0.0f, b = 0.0f, c = 0.0f, d = 0.0f;
    for (int32_t ky = 0; ky < w->kernel_h; ky++) {
        const int32_t in_y = y * w->stride_h - w->pad_h + ky * w->dilation_h;
        if (in_y < 0 || in_y >= w->in_h) {
            continue;
        }
        for (int32_t kx = 0; kx < w->kernel_w; kx++) {
            const int32_t in_x = x * w->stride_w - w->pad_w + kx * w->dilation_w;
            if (in_x < 0 || in_x >= w->in_w) {
                continue;
            }
            const float *pixel = &input[(in_y * w->in_w + in_x) * w->in_c];
            const float *tap = &weights[(ky * w->kernel_w + kx) * w->out_c + first];
            a += pixel[from_a] * tap[0];
            if (count == 4) {
                b += pixel[from_b] * tap[1];
                c += pixel[from_c] * tap[2];
                d += pixel[from_d] * tap[3];
            }
        }
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

/* input [in_h, in_w, in_c]; weights [kernel_h, kernel_w, out_c]; output [out_h, out_w, out_c]. */
TP_KERNEL void tp_depthwise_conv_2d_f32(const struct tp_window *w, int32_t depth_multiplier, const float *input,
                                        const float *weights, const float *bias, float low, float high, float *output)
{
    for (int32_t y = 0; y < w->out_h; y++) {
        for (int32_t x = 0; x < w->out_w; x++) {
            float sums[4];
            for (int32_t c = 0; c < w->out_c / 4 * 4; c += 4) {
                tp_depthwise_channels_f32(w, depth_multiplier, 4, y, x, c, input, weights, sums);
                for (int32_t i = 0; i < 4; i++) {
                    *output++ = tp_clamp_f32(sums[i] + bias[c + i], low, high);
                }
            }
            for (int32_t c = w->out_c / 4 * 4; c < w->out_c; c++) {
                tp_depthwise_channels_f32(w, depth_multiplier, 1, y, x, c, input, weights, sums);
                *output++ = tp_clamp_f32(sums[0] + bias[c], low, high);
            }
        }
    }
}

#endif
