/* SPDX-License-Identifier: 0BSD */
/* CONV_2D and FULLY_CONNECTED with Helium: a row of a window is codes that lie one after the other, and four channels
 * take them at once. */
#ifndef TP_CONV_2D_MVE_H
#define TP_CONV_2D_MVE_H

#include "tp_mve.h"

/* All channels of a pixel, from `count` rows of `length` codes; behind a row nothing is read. weights [fours of
 * channels, rows, sixteens of codes, 4, 16], zeros up to whole ones; biases with the input zero point in them. */
TP_KERNEL void tp_pixel_mve(const int8_t *const *rows, int32_t count, int32_t length, const int8_t *weights,
                            const int32_t *fours, int32_t channels, const struct tp_mve_range *range, int8_t *output)
{
    for (int32_t c = 0; c < channels; c += 4) {
        int32_t sum_0 = 0;
        int32_t sum_1 = 0;
        int32_t sum_2 = 0;
        int32_t sum_3 = 0;
#pragma GCC unroll 3
        for (int32_t row = 0; row < count; row++) {
            const int8_t *const from = rows[row];
#pragma GCC unroll 4
            for (int32_t k = 0; k < length; k += 16) {
                const int8x16_t codes =
                    k + 16 <= length ? vldrbq_s8(&from[k]) : vldrbq_z_s8(&from[k], vctp8q((uint32_t)(length - k)));
                sum_0 = vmladavaq_s8(sum_0, codes, vldrbq_s8(weights));
                sum_1 = vmladavaq_s8(sum_1, codes, vldrbq_s8(weights + 16));
                sum_2 = vmladavaq_s8(sum_2, codes, vldrbq_s8(weights + 32));
                sum_3 = vmladavaq_s8(sum_3, codes, vldrbq_s8(weights + 48));
                weights += 64;
            }
        }
        const int32x4_t made = tp_codes_mve((int32x4_t){sum_0, sum_1, sum_2, sum_3}, fours, range);
        if (channels % 4 == 0) {
            vstrbq_s32(&output[c], made);
        } else {
            vstrbq_p_s32(&output[c], made, vctp32q((uint32_t)(channels - c)));
        }
        fours += TP_FOUR;
    }
}

/* 1x1, stride 1. */
TP_KERNEL void tp_conv_1x1_mve(int32_t pixels, int32_t in_c, int32_t out_c, const int8_t *input, const int8_t *weights,
                               const int32_t *fours, int32_t out_zero, int32_t low, int32_t high, int8_t *output)
{
    const struct tp_mve_range range = {out_zero, low, high};

    for (int32_t pixel = 0; pixel < pixels; pixel++) {
        tp_pixel_mve(&input, 1, in_c, weights, fours, out_c, &range, output);
        input += in_c;
        output += out_c;
    }
}

TP_KERNEL void tp_copy_mve(int8_t *to, const int8_t *from, int32_t bytes)
{
    for (int32_t k = 0; k < bytes; k += 16) {
        const mve_pred16_t some = vctp8q((uint32_t)(bytes - k));
        vstrbq_p_s8(&to[k], vldrbq_z_s8(&from[k], some), some);
    }
}

TP_KERNEL void tp_fill_mve(int8_t *to, int32_t code, int32_t bytes)
{
    for (int32_t k = 0; k < bytes; k += 16) {
        vstrbq_p_s8(&to[k], vdupq_n_s8((int8_t)code), vctp8q((uint32_t)(bytes - k)));
    }
}

/* A row of the window at column `left` of the image, whose row `from` is, or NULL above and below it: that itself
 * where all of it is inside and not `copied`, else a copy at `to` with zero points around. */
TP_KERNEL const int8_t *tp_row_mve(const struct tp_window *w, const int8_t *from, int32_t left, int32_t in_zero,
                                   bool copied, int8_t *to)
{
    const int32_t bytes = w->kernel_w * w->in_c;
    const int32_t over = (left + w->kernel_w - w->in_w) * w->in_c;
    const int32_t before = left < 0 ? -left * w->in_c : 0;
    const int32_t inside = bytes - before - (over > 0 ? over : 0);

    if (from == NULL) {
        tp_fill_mve(to, in_zero, bytes);
        return to;
    }
    if (inside == bytes && !copied) {
        return &from[left * w->in_c];
    }
    if (inside < bytes) {
        tp_fill_mve(to, in_zero, bytes);
    }
    tp_copy_mve(to + before, &from[left * w->in_c + before], inside);
    return to;
}

/* Any window without dilation; `copies` holds one, `rows` kernel_h pointers. `gathers`: its rows are short, and taken
 * as a single one. */
TP_KERNEL void tp_conv_2d_mve(const struct tp_window *w, const int8_t *input, const int8_t *weights,
                              const int32_t *fours, int32_t in_zero, int32_t out_zero, int32_t low, int32_t high,
                              bool gathers, const int8_t **rows, int8_t *copies, int8_t *output)
{
    const struct tp_mve_range range = {out_zero, low, high};
    const int32_t row_bytes = w->kernel_w * w->in_c;

    for (int32_t y = 0; y < w->out_h; y++) {
        const int32_t top = y * w->stride_h - w->pad_h;
        for (int32_t x = 0; x < w->out_w; x++) {
            for (int32_t row = 0; row < w->kernel_h; row++) {
                const bool is_inside = top + row >= 0 && top + row < w->in_h;
                const int8_t *const from = is_inside ? &input[(top + row) * w->in_w * w->in_c] : NULL;
                int8_t *const copy = &copies[row * row_bytes];
                rows[row] = tp_row_mve(w, from, x * w->stride_w - w->pad_w, in_zero, gathers, copy);
            }
            if (gathers) {
                const int8_t *const whole = copies;
                tp_pixel_mve(&whole, 1, w->kernel_h * row_bytes, weights, fours, w->out_c, &range, output);
            } else {
                tp_pixel_mve(rows, w->kernel_h, row_bytes, weights, fours, w->out_c, &range, output);
            }
            output += w->out_c;
        }
    }
}

#endif
