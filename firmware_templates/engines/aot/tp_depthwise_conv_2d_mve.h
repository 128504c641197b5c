/* SPDX-License-Identifier: 0BSD */
/* DEPTHWISE_CONV_2D with Helium, sixteen channels at a time: one output for each input channel. */
#ifndef TP_DEPTHWISE_CONV_2D_MVE_H
#define TP_DEPTHWISE_CONV_2D_MVE_H

#include "tp_mve.h"

/* Sums of sixteen channels: lane j of `of[i]` is channel 4 j + i. */
struct tp_sixteen {
    int32x4_t of[4];
};

/* Sixteen codes, or the `left` that there are. */
TP_KERNEL int8x16_t tp_load_mve(const int8_t *codes, int32_t left)
{
    return left >= 16 ? vldrbq_s8(codes) : vldrbq_z_s8(codes, vctp8q((uint32_t)left));
}

/* weights [count, 16]. */
TP_KERNEL struct tp_sixteen tp_taps_mve(const int8_t *const *taps, int32_t count, int32_t c, int32_t left,
                                        const int8_t *weights)
{
    const int32x4_t none = vdupq_n_s32(0);
    struct tp_sixteen sums = {{none, none, none, none}};

    for (int32_t tap = 0; tap < count; tap++) {
        const int8x16_t codes = tp_load_mve(&taps[tap][c], left);
        const int8x16_t by = vldrbq_s8(&weights[16 * tap]);
        const int16x8_t even = vmullbq_int_s8(codes, by);
        const int16x8_t odd = vmulltq_int_s8(codes, by);
        sums.of[0] = vaddq_s32(sums.of[0], vmovlbq_s16(even));
        sums.of[1] = vaddq_s32(sums.of[1], vmovlbq_s16(odd));
        sums.of[2] = vaddq_s32(sums.of[2], vmovltq_s16(even));
        sums.of[3] = vaddq_s32(sums.of[3], vmovltq_s16(odd));
    }
    return sums;
}

TP_KERNEL void tp_store_sixteen_mve(int8_t *output, const struct tp_sixteen *sums, const int32_t *fours,
                                    const struct tp_mve_range *range, int32_t left)
{
    int32x4_t codes = tp_codes_mve(sums->of[0], fours, range);

    codes = vsliq_n_s32(codes, tp_codes_mve(sums->of[1], fours + TP_FOUR, range), 8);
    codes = vsliq_n_s32(codes, tp_codes_mve(sums->of[2], fours + 2 * TP_FOUR, range), 16);
    codes = vsliq_n_s32(codes, tp_codes_mve(sums->of[3], fours + 3 * TP_FOUR, range), 24);
    if (left >= 16) {
        vstrbq_s8(output, vreinterpretq_s8_s32(codes));
    } else {
        vstrbq_p_s8(output, vreinterpretq_s8_s32(codes), vctp8q((uint32_t)left));
    }
}

/* `zeros`: as many input zero points as there are channels, for taps outside the image; `taps`: kernel_h * kernel_w
 * pointers. weights [sixteens of channels, kernel_h, kernel_w, 16], zeros up to whole ones; biases with the input
 * zero point in them. */
TP_KERNEL void tp_depthwise_conv_2d_mve(const struct tp_window *w, const int8_t *input, const int8_t *weights,
                                        const int32_t *fours, const int8_t *zeros, int32_t out_zero, int32_t low,
                                        int32_t high, const int8_t **taps, int8_t *output)
{
    const struct tp_mve_range range = {out_zero, low, high};
    const int32_t channels = w->out_c;
    const int32_t count = w->kernel_h * w->kernel_w;

    for (int32_t y = 0; y < w->out_h; y++) {
        for (int32_t x = 0; x < w->out_w; x++) {
            for (int32_t tap = 0; tap < count; tap++) {
                const int32_t row = y * w->stride_h - w->pad_h + tap / w->kernel_w * w->dilation_h;
                const int32_t column = x * w->stride_w - w->pad_w + tap % w->kernel_w * w->dilation_w;
                const bool inside = row >= 0 && row < w->in_h && column >= 0 && column < w->in_w;
                taps[tap] = inside ? &input[(row * w->in_w + column) * channels] : zeros;
            }
            for (int32_t c = 0; c < channels; c += 16) {
                const int32_t left = channels % 16 == 0 ? 16 : channels - c;
                const struct tp_sixteen sums = tp_taps_mve(taps, count, c, left, &weights[c * count]);
                tp_store_sixteen_mve(&output[c], &sums, &fours[c * 4], &range, left);
            }
            output += channels;
        }
    }
}

#endif
