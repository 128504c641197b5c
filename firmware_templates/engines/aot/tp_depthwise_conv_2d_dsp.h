/* SPDX-License-Identifier: 0BSD */
/* Depthwise convolution, four channels and two pixels at a time, on rows that were padded in scratch.
 *
 * Scratch is a ring of as many rows as a window reaches, each padded left and right with the input zero point: the
 * inner loop knows no edges, the zero point is folded into the bias, and the output may overwrite the input row by row.
 */
#ifndef TP_DEPTHWISE_CONV_2D_DSP_H
#define TP_DEPTHWISE_CONV_2D_DSP_H

#include "tp_dsp.h"

/* One padded row; outside the image it is all zero point. */
TP_KERNEL void tp_depthwise_row(const struct tp_window *w, int32_t padded_w, const int8_t *input, int32_t in_zero,
                                int32_t in_y, int8_t *row)
{
    if (in_y < 0 || in_y >= w->in_h) {
        tp_fill(row, in_zero, padded_w * w->in_c);
        return;
    }
    const int32_t copied = padded_w - w->pad_w < w->in_w ? padded_w - w->pad_w : w->in_w;
    const int32_t behind = padded_w - w->pad_w - copied;
    tp_fill(row, in_zero, w->pad_w * w->in_c);
    tp_copy(&row[w->pad_w * w->in_c], &input[in_y * w->in_w * w->in_c], copied * w->in_c);
    tp_fill(&row[(w->pad_w + copied) * w->in_c], in_zero, behind * w->in_c);
}

/* Four channels of `pixels` (1 or 2) neighbours, of which the first `live` are stored. `from`: the first row's place in
 * the ring, `wrap`: rows until the ring starts again, `filled_c`: channels of the weights. With a depth multiplier, the
 * input channels of the second to fourth stand `apart` from that of the first; else the four are loaded as one word. */
TP_KERNEL void tp_depthwise_pixels(const struct tp_window *w, int32_t depth_multiplier, int32_t filled_c,
                                   int32_t padded_w, int32_t pixels, const int8_t *from, int32_t wrap,
                                   const int32_t apart[3], const int8_t *weights, const struct tp_channel *channels,
                                   int32_t out_zero, int32_t low, int32_t high, int32_t live, int8_t *output)
{
    const int32_t row_codes = padded_w * w->in_c;
    const int32_t reach_h = (w->kernel_h - 1) * w->dilation_h + 1;
    const int32_t step = w->stride_w * w->in_c;
    int32_t a0 = channels[0].bias;
    int32_t a1 = channels[1].bias;
    int32_t a2 = channels[2].bias;
    int32_t a3 = channels[3].bias;
    int32_t b0 = a0;
    int32_t b1 = a1;
    int32_t b2 = a2;
    int32_t b3 = a3;
    for (int32_t ky = 0; ky < w->kernel_h; ky++) {
#pragma GCC unroll 3
        for (int32_t kx = 0; kx < w->kernel_w; kx++) {
            const int32_t tap = tp_load4(&weights[kx * filled_c]);
            const int16x2_t tap_even = tp_even(tap);
            const int16x2_t tap_odd = tp_odd(tap);
            const int32_t at = kx * w->dilation_w * w->in_c;
            if (depth_multiplier == 1) {
                const int32_t xa = tp_load4(&from[at]);
                const int16x2_t xa_even = tp_even(xa);
                const int16x2_t xa_odd = tp_odd(xa);
                a0 = __smlabb(xa_even, tap_even, a0);
                a1 = __smlabb(xa_odd, tap_odd, a1);
                a2 = __smlatt(xa_even, tap_even, a2);
                a3 = __smlatt(xa_odd, tap_odd, a3);
                if (pixels == 2) {
                    const int32_t xb = tp_load4(&from[at + step]);
                    const int16x2_t xb_even = tp_even(xb);
                    const int16x2_t xb_odd = tp_odd(xb);
                    b0 = __smlabb(xb_even, tap_even, b0);
                    b1 = __smlabb(xb_odd, tap_odd, b1);
                    b2 = __smlatt(xb_even, tap_even, b2);
                    b3 = __smlatt(xb_odd, tap_odd, b3);
                }
            } else {
                a0 = __smlabb(from[at], tap_even, a0);
                a1 = __smlabb(from[at + apart[0]], tap_odd, a1);
                a2 = __smlabt(from[at + apart[1]], tap_even, a2);
                a3 = __smlabt(from[at + apart[2]], tap_odd, a3);
                if (pixels == 2) {
                    b0 = __smlabb(from[at + step], tap_even, b0);
                    b1 = __smlabb(from[at + step + apart[0]], tap_odd, b1);
                    b2 = __smlabt(from[at + step + apart[1]], tap_even, b2);
                    b3 = __smlabt(from[at + step + apart[2]], tap_odd, b3);
                }
            }
        }
        weights += w->kernel_w * filled_c;
        if (w->dilation_h == 1) {
            wrap--;
            from += wrap == 0 ? row_codes - reach_h * row_codes : row_codes;
        } else {
            wrap -= w->dilation_h;
            const bool again = wrap <= 0 && wrap > -w->dilation_h;
            from += again ? (w->dilation_h - reach_h) * row_codes : w->dilation_h * row_codes;
        }
    }
    int32_t q = tp_requantize_s8(a0, channels[0].multiplier, channels[0].shift, out_zero);
    output[0] = tp_activation_s8(q, low, high);
    if (live > 1) {
        q = tp_requantize_s8(a1, channels[1].multiplier, channels[1].shift, out_zero);
        output[1] = tp_activation_s8(q, low, high);
    }
    if (live > 2) {
        q = tp_requantize_s8(a2, channels[2].multiplier, channels[2].shift, out_zero);
        output[2] = tp_activation_s8(q, low, high);
    }
    if (live > 3) {
        q = tp_requantize_s8(a3, channels[3].multiplier, channels[3].shift, out_zero);
        output[3] = tp_activation_s8(q, low, high);
    }
    if (pixels < 2) {
        return;
    }
    q = tp_requantize_s8(b0, channels[0].multiplier, channels[0].shift, out_zero);
    output[w->out_c] = tp_activation_s8(q, low, high);
    if (live > 1) {
        q = tp_requantize_s8(b1, channels[1].multiplier, channels[1].shift, out_zero);
        output[w->out_c + 1] = tp_activation_s8(q, low, high);
    }
    if (live > 2) {
        q = tp_requantize_s8(b2, channels[2].multiplier, channels[2].shift, out_zero);
        output[w->out_c + 2] = tp_activation_s8(q, low, high);
    }
    if (live > 3) {
        q = tp_requantize_s8(b3, channels[3].multiplier, channels[3].shift, out_zero);
        output[w->out_c + 3] = tp_activation_s8(q, low, high);
    }
}

/* All channels of `pixels` (1 or 2) neighbours. */
TP_KERNEL void tp_depthwise_channels(const struct tp_window *w, int32_t depth_multiplier, int32_t padded_w,
                                     int32_t pixels, const int8_t *from, int32_t wrap, const int8_t *weights,
                                     const struct tp_channel *channels, int32_t out_zero, int32_t low, int32_t high,
                                     int8_t *output)
{
    const int32_t filled_c = (w->out_c + 3) / 4 * 4;
    for (int32_t c = 0; c < w->out_c; c += 4) {
        const int32_t live = w->out_c % 4 == 0 || w->out_c - c > 4 ? 4 : w->out_c - c;
        const int32_t first = c / depth_multiplier;
        int32_t apart[3] = {0, 0, 0}; /* all four are of one input channel */
        if (depth_multiplier == 2 && w->out_c % 4 == 0) {
            apart[1] = 1;
            apart[2] = 1;
        } else if (depth_multiplier % 4 != 0) {
            for (int32_t i = 1; i < 4; i++) { /* a filler reads what the last channel reads */
                apart[i - 1] = (c + (i < live ? i : live - 1)) / depth_multiplier - first;
            }
        }
        tp_depthwise_pixels(w, depth_multiplier, filled_c, padded_w, pixels, &from[first], wrap, apart, &weights[c],
                            &channels[c], out_zero, low, high, live, &output[c]);
    }
}

/* input [in_h, in_w, in_c]; weights [kernel_h, kernel_w, out_c], zeros up to a multiple of 4 channels; scratch [reach
 * of kernel_h, padded_w, in_c] and, where in_c is no multiple of 4, 3 bytes that are loaded and not used; padded_w what
 * the windows of one row of output reach. */
TP_LARGE_KERNEL void tp_depthwise_conv_2d_dsp(const struct tp_window *w, int32_t depth_multiplier, int32_t padded_w,
                                              const int8_t *input, const int8_t *weights,
                                              const struct tp_channel *channels, int32_t in_zero, int32_t out_zero,
                                              int32_t low, int32_t high, int8_t *scratch, int8_t *output)
{
    const int32_t row_codes = padded_w * w->in_c;
    const int32_t reach_h = (w->kernel_h - 1) * w->dilation_h + 1;
    int32_t filled = 0; /* rows of the padded image that were copied so far */
    int32_t slot = 0;   /* where in the ring the next one goes */
    for (int32_t y = 0; y < w->out_h; y++) {
        const int32_t needed = y * w->stride_h + reach_h;
        while (filled < needed) {
            tp_depthwise_row(w, padded_w, input, in_zero, filled - w->pad_h, &scratch[slot * row_codes]);
            filled++;
            slot = slot + 1 < reach_h ? slot + 1 : 0;
        }
        const int8_t *from = &scratch[slot * row_codes]; /* the oldest row is the window's first */
        int32_t x = 0;
        for (; x + 2 <= w->out_w; x += 2) {
            tp_depthwise_channels(w, depth_multiplier, padded_w, 2, from, reach_h - slot, weights, channels, out_zero,
                                  low, high, output);
            from += 2 * w->stride_w * w->in_c;
            output += 2 * w->out_c;
        }
        if (x < w->out_w) {
            tp_depthwise_channels(w, depth_multiplier, padded_w, 1, from, reach_h - slot, weights, channels, out_zero,
                                  low, high, output);
            output += w->out_c;
        }
    }
}

#endif
