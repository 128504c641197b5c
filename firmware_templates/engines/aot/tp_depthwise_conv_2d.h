/* SPDX-License-Identifier: 0BSD */
/* DEPTHWISE_CONV_2D in portable C: any kernel, stride, dilation, padding and depth multiplier. */
#ifndef TP_DEPTHWISE_CONV_2D_H
#define TP_DEPTHWISE_CONV_2D_H

#include "tp_kernels.h"

/* Taps of a window along one axis that lie in the image: the first, and how many; the window starts at `start`. */
TP_KERNEL int32_t tp_depthwise_first(int32_t start, int32_t dilation)
{
    return start < 0 ? (dilation - 1 - start) / dilation : 0;
}

TP_KERNEL int32_t tp_depthwise_taps(int32_t start, int32_t dilation, int32_t taps, int32_t size)
{
    const int32_t end = start < size ? (size - start + dilation - 1) / dilation : 0;
    return (end < taps ? end : taps) - tp_depthwise_first(start, dilation);
}

/* input [in_h, in_w, in_c]; weights [kernel_h, kernel_w, out_c]; output [out_h, out_w, out_c]. */
TP_KERNEL void tp_depthwise_conv_2d(const struct tp_window *w, int32_t depth_multiplier, const int8_t *input,
                                    const int8_t *weights, const struct tp_channel *channels, int32_t in_zero,
                                    int32_t out_zero, int32_t low, int32_t high, int8_t *output)
{
    for (int32_t y = 0; y < w->out_h; y++) {
        const int32_t top = y * w->stride_h - w->pad_h;
        const int32_t first_row = tp_depthwise_first(top, w->dilation_h);
        const int32_t rows = tp_depthwise_taps(top, w->dilation_h, w->kernel_h, w->in_h);
        for (int32_t x = 0; x < w->out_w; x++) {
            const int32_t left = x * w->stride_w - w->pad_w;
            const int32_t first_column = tp_depthwise_first(left, w->dilation_w);
            const int32_t columns = tp_depthwise_taps(left, w->dilation_w, w->kernel_w, w->in_w);
            const int32_t pixel = (top + first_row * w->dilation_h) * w->in_w + left + first_column * w->dilation_w;
            const int32_t tap = first_row * w->kernel_w + first_column;
            for (int32_t c = 0; c < w->out_c; c++) {
                int32_t sum = channels[c].bias;
                int32_t q = pixel * w->in_c + c / depth_multiplier;
                int32_t k = tap * w->out_c + c;
                for (int32_t row = rows; row > 0; row--) {
                    for (int32_t column = 0; column < columns; column++) {
                        const int32_t code = input[q + column * w->dilation_w * w->in_c];
                        sum += (code - in_zero) * weights[k + column * w->out_c];
                    }
                    q += w->dilation_h * w->in_w * w->in_c;
                    k += w->kernel_w * w->out_c;
                }
                const int32_t scaled = tp_requantize(sum, channels[c].multiplier, channels[c].shift) + out_zero;
                *output++ = (int8_t)tp_clamp(scaled, low, high);
            }
        }
    }
}

#endif
