/* SPDX-License-Identifier: 0BSD */
/* CONV_2D in groups, in portable C: any kernel, stride, dilation, padding. */
#ifndef TP_GROUPED_CONV_2D_H
#define TP_GROUPED_CONV_2D_H

#include "tp_kernels.h"

/* Each output channel reads `depth` input channels, `each` of them in a row the same ones.
 * input [in_h, in_w, in_c]; weights [out_c, kernel_h, kernel_w, depth]; output [out_h, out_w, out_c]. */
TP_KERNEL void tp_grouped_conv_2d(const struct tp_window *w, int32_t depth, int32_t each, const int8_t *input,
                                  const int8_t *weights, const struct tp_channel *channels, int32_t in_zero,
                                  int32_t out_zero, int32_t low, int32_t high, int8_t *output)
{
    for (int32_t y = 0; y < w->out_h; y++) {
        for (int32_t x = 0; x < w->out_w; x++) {
            for (int32_t c = 0; c < w->out_c; c++) {
                const int8_t *taps = &weights[c * w->kernel_h * w->kernel_w * depth];
                int32_t sum = channels[c].bias;
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
                        const int8_t *pixel = &input[(in_y * w->in_w + in_x) * w->in_c + c / each * depth];
                        const int8_t *tap = &taps[(ky * w->kernel_w + kx) * depth];
                        for (int32_t i = 0; i < depth; i++) {
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
