/* SPDX-License-Identifier: 0BSD */
/* Any convolution: the windows of two pixels are gathered into scratch, then multiplied with two channels at a time.
 *
 * Positions outside the image get the input zero point, so that it may be folded into the bias everywhere.
 */
#ifndef TP_CONV_2D_DSP_H
#define TP_CONV_2D_DSP_H

#include "tp_dsp.h"

/* The window of output pixel (y, x) as one column of kernel_h * kernel_w * in_c codes. */
TP_KERNEL void tp_gather(const struct tp_window *w, const int8_t *input, int32_t in_zero, int32_t y, int32_t x,
                         int8_t *column)
{
    const int32_t row_codes = w->kernel_w * w->in_c;
    const int32_t left = x * w->stride_w - w->pad_w;
    const bool whole = w->dilation_w == 1 && left >= 0 && left + w->kernel_w <= w->in_w;
    for (int32_t ky = 0; ky < w->kernel_h; ky++) {
        const int32_t in_y = y * w->stride_h - w->pad_h + ky * w->dilation_h;
        if (in_y < 0 || in_y >= w->in_h) {
            tp_fill(column, in_zero, row_codes);
        } else if (whole) {
            tp_copy(column, &input[(in_y * w->in_w + left) * w->in_c], row_codes);
        } else {
            for (int32_t kx = 0; kx < w->kernel_w; kx++) {
                const int32_t in_x = left + kx * w->dilation_w;
                if (in_x < 0 || in_x >= w->in_w) {
                    tp_fill(&column[kx * w->in_c], in_zero, w->in_c);
                } else {
                    tp_copy(&column[kx * w->in_c], &input[(in_y * w->in_w + in_x) * w->in_c], w->in_c);
                }
            }
        }
        column += row_codes;
    }
}

/* weights [out_c, length], even number of rows, length a multiple of 4, zeros behind the last tap; scratch [2, length].
 * Where the number of pixels is odd, the last one has a stale neighbour, whose result is not stored. */
TP_KERNEL void tp_conv_2d_dsp(const struct tp_window *w, int32_t length, const int8_t *input, const int8_t *weights,
                              const struct tp_channel *channels, int32_t in_zero, int32_t out_zero, int32_t low,
                              int32_t high, int8_t *scratch, int8_t *output)
{
    const int32_t out_c = w->out_c;
    const int32_t steps = tp_dot_steps(w->out_h * w->out_w * out_c * length);
    int32_t y = 0;
    int32_t x = 0;
    for (int32_t left = w->out_h * w->out_w; left > 0; left -= 2) {
        const bool pair = left > 1;
        int8_t *column = scratch;
        for (int32_t i = pair ? 2 : 1; i > 0; i--) {
            tp_gather(w, input, in_zero, y, x, column);
            column += length;
            x++;
            if (x == w->out_w) {
                x = 0;
                y++;
            }
        }
        for (int32_t c = 0; c < out_c; c += 2) {
            const struct tp_channel *const first = &channels[c];
            const struct tp_channel *const second = &channels[c + 1];
            const bool single = c + 1 == out_c; /* then the second row of weights is a filler */
            int32_t sum[4] = {first->bias, first->bias, second->bias, second->bias};
            tp_dot_2x2(scratch, &weights[c * length], length, steps, sum);
            int32_t q = tp_requantize_s8(sum[0], first->multiplier, first->shift, out_zero);
            output[c] = tp_activation_s8(q, low, high);
            if (pair) {
                q = tp_requantize_s8(sum[1], first->multiplier, first->shift, out_zero);
                output[out_c + c] = tp_activation_s8(q, low, high);
            }
            if (!single) {
                q = tp_requantize_s8(sum[2], second->multiplier, second->shift, out_zero);
                output[c + 1] = tp_activation_s8(q, low, high);
                if (pair) {
                    q = tp_requantize_s8(sum[3], second->multiplier, second->shift, out_zero);
                    output[out_c + c + 1] = tp_activation_s8(q, low, high);
                }
            }
        }
        output += 2 * out_c;
    }
}

#endif
