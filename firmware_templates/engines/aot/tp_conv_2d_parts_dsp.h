/* SPDX-License-Identifier: 0BSD */
/* tp_conv_2d_dsp in less scratch: of each window some rows at a time, while the sums wait in scratch. */
#ifndef TP_CONV_2D_PARTS_DSP_H
#define TP_CONV_2D_PARTS_DSP_H

#include "tp_conv_2d_dsp.h"

/* A part is `rows` rows of the window, `length` codes with what fills the last word; the last part may have fewer rows.
 * weights [parts, out_c, length], out_c filled to an even number, zeros where nothing is; sums [out_c, 2], likewise;
 * scratch [2, length]. Where the number of pixels is odd, the last one has a stale neighbour, whose result is not
 * stored. */
TP_KERNEL void tp_conv_2d_parts_dsp(const struct tp_window *w, int32_t rows, int32_t length, const int8_t *input,
                                    const int8_t *weights, const struct tp_channel *channels, int32_t in_zero,
                                    int32_t out_zero, int32_t low, int32_t high, int32_t *sums, int8_t *scratch,
                                    int8_t *output)
{
    const int32_t out_c = w->out_c;
    const int32_t pixels = w->out_h * w->out_w;
    const int32_t steps = tp_dot_steps(pixels * out_c * length);
    const int32_t even_c = (out_c + 1) / 2 * 2;
    for (int32_t pixel = 0; pixel < pixels; pixel += 2) {
        const bool pair = pixel + 1 < pixels;
        const int8_t *tap = weights;
        for (int32_t first = 0; first < w->kernel_h; first += rows) {
            const bool last = first + rows >= w->kernel_h;
            struct tp_window part = *w;
            part.kernel_h = last ? w->kernel_h - first : rows;
            part.pad_h = w->pad_h - first * w->dilation_h;
            for (int32_t i = 0; i < (pair ? 2 : 1); i++) {
                tp_gather(&part, input, in_zero, (pixel + i) / w->out_w, (pixel + i) % w->out_w,
                          &scratch[i * length]);
            }
            for (int32_t c = 0; c < out_c; c += 2) {
                const struct tp_channel *const one = &channels[c];
                const struct tp_channel *const other = &channels[c + 1];
                int32_t sum[4] = {one->bias, one->bias, other->bias, other->bias};
                for (int32_t i = 0; i < 4; i++) {
                    sum[i] = first == 0 ? sum[i] : sums[2 * c + i];
                }
                tp_dot_2x2(scratch, &tap[c * length], length, steps, sum);
                if (!last) {
                    for (int32_t i = 0; i < 4; i++) {
                        sums[2 * c + i] = sum[i];
                    }
                    continue;
                }
                int32_t q = tp_requantize_s8(sum[0], one->multiplier, one->shift, out_zero);
                output[c] = tp_activation_s8(q, low, high);
                if (pair) {
                    q = tp_requantize_s8(sum[1], one->multiplier, one->shift, out_zero);
                    output[out_c + c] = tp_activation_s8(q, low, high);
                }
                if (c + 1 < out_c) {
                    q = tp_requantize_s8(sum[2], other->multiplier, other->shift, out_zero);
                    output[c + 1] = tp_activation_s8(q, low, high);
                    if (pair) {
                        q = tp_requantize_s8(sum[3], other->multiplier, other->shift, out_zero);
                        output[out_c + c + 1] = tp_activation_s8(q, low, high);
                    }
                }
            }
            tap += even_c * length;
        }
        output += 2 * out_c;
    }
}

#endif
