/* SPDX-License-Identifier: 0BSD */
/* DEPTHWISE_CONV_2D of floats: any kernel, stride, dilation, padding and depth multiplier. */
#ifndef TP_DEPTHWISE_CONV_2D_F32_H
#define TP_DEPTHWISE_CONV_2D_F32_H

#include "tp_float.h"

/* Adds the products of one tap to the sums of all channels. */
TP_KERNEL void tp_depthwise_tap_f32(int32_t channels, int32_t depth_multiplier, const float *pixel, const float *taps,
                                    float *sums)
{
    for (int32_t c = 0; c < channels; c++) {
        sums[c] += pixel[c / depth_multiplier] * taps[c];
    }
}

/* input [in_h, in_w, in_c]; weights [kernel_h, kernel_w, out_c]; output [out_h, out_w, out_c], which also holds the
 * sums. */
TP_KERNEL void tp_depthwise_conv_2d_f32(const struct tp_window *w, int32_t depth_multiplier, const float *input,
                                        const float *weights, const float *bias, float low, float high, float *output)
{
    for (int32_t y = 0; y < w->out_h; y++) {
        for (int32_t x = 0; x < w->out_w; x++) {
            for (int32_t c = 0; c < w->out_c; c++) {
                output[c] = 0.0f;
            }
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
                    tp_depthwise_tap_f32(w->out_c, depth_multiplier, &input[(in_y * w->in_w + in_x) * w->in_c],
                                         &weights[(ky * w->kernel_w + kx) * w->out_c], output);
                }
            }
            for (int32_t c = 0; c < w->out_c; c++) {
                output[c] = tp_clamp_f32(output[c] + bias[c], low, high);
            }
            output += w->out_c;
        }
    }
}

#endif
