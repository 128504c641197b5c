/* SPDX-License-Identifier: 0BSD */
/* CONV_2D of floats: any kernel, stride, dilation, padding and number of groups; products are summed in TFLM's order. */
#ifndef TP_CONV_2D_F32_H
#define TP_CONV_2D_F32_H

#include "tp_float.h"

/* input [in_h, in_w, in_c]; weights [out_c, kernel_h, kernel_w, in_c / groups]; output [out_h, out_w, out_c]. */
TP_KERNEL void tp_conv_2d_f32(const struct tp_window *w, int32_t groups, const float *input, const float *weights,
                              const float *bias, float low, float high, float *output)
{
    const int32_t depth = w->in_c / groups;
    for (int32_t y = 0; y < w->out_h; y++) {
        for (int32_t x = 0; x < w->out_w; x++) {
            for (int32_t c = 0; c < w->out_c; c++) {
                const float *taps = &weights[c * w->kernel_h * w->kernel_w * depth];
                const int32_t first = c / (w->out_c / groups) * depth;
                float sum = 0.0f;
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
                        const float *pixel = &input[(in_y * w->in_w + in_x) * w->in_c + first];
                        const float *tap = &taps[(ky * w->kernel_w + kx) * depth];
                        for (int32_t i = 0; i < depth; i++) {
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
