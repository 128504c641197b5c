/* SPDX-License-Identifier: 0BSD */
/* CONV_2D of floats: any kernel, stride, dilation, padding and number of groups. Products are summed in TFLM's order.
 */
#ifndef TP_CONV_2D_F32_H
#define TP_CONV_2D_F32_H

#include "tp_float.h"

/* Adds the products of one pixel to the sums of `count` channels, four or one; their weights stand `row` apart. */
TP_KERNEL void tp_conv_2d_pixel_f32(int32_t count, int32_t row, const float *pixel, const float *taps, int32_t depth,
                                    float sums[4])
{
    float a = sums[0], b = sums[1], c = sums[2], d = sums[3];
    for (int32_t i = 0; i < depth; i++) {
        const float x = pixel[i];
        a += x * taps[i];
        if (count == 4) {
            b += x * taps[row + i];
            c += x * taps[2 * row + i];
            d += x * taps[3 * row + i];
        }
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

/* Outputs `first` to `first` + `count` of the pixel at (y, x). */
TP_KERNEL void tp_conv_2d_channels_f32(const struct tp_window *w, int32_t groups, int32_t count, int32_t y, int32_t x,
                                       int32_t first, const float *input, const float *weights, float sums[4])
{
    const int32_t depth = w->in_c / groups;
    const int32_t row = w->kernel_h * w->kernel_w * depth;
    const int32_t from = first / (w->out_c / groups) * depth;
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
            const float *pixel = &input[(in_y * w->in_w + in_x) * w->in_c + from];
            const float *taps = &weights[first * row + (ky * w->kernel_w + kx) * depth];
            tp_conv_2d_pixel_f32(count, row, pixel, taps, depth, sums);
        }
    }
}

/* input [in_h, in_w, in_c]; weights [out_c, kernel_h, kernel_w, in_c / groups]; output [out_h, out_w, out_c]. */
TP_KERNEL void tp_conv_2d_f32(const struct tp_window *w, int32_t groups, const float *input, const float *weights,
                              const float *bias, float low, float high, float *output)
{
    const int32_t fours = w->out_c / groups % 4 == 0 || groups == 1 ? w->out_c / 4 * 4 : 0;
    for (int32_t y = 0; y < w->out_h; y++) {
        for (int32_t x = 0; x < w->out_w; x++) {
            for (int32_t c = 0; c < fours; c += 4) {
                float sums[4] = {0.0f, 0.0f, 0.0f, 0.0f};
                tp_conv_2d_channels_f32(w, groups, 4, y, x, c, input, weights, sums);
                for (int32_t i = 0; i < 4; i++) {
                    *output++ = tp_clamp_f32(sums[i] + bias[c + i], low, high);
                }
            }
            for (int32_t c = fours; c < w->out_c; c++) {
                float sums[4] = {0.0f, 0.0f, 0.0f, 0.0f};
                tp_conv_2d_channels_f32(w, groups, 1, y, x, c, input, weights, sums);
                *output++ = tp_clamp_f32(sums[0] + bias[c], low, high);
            }
        }
    }
}

#endif
