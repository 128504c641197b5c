/* SPDX-License-Identifier: 0BSD */
/* DEPTHWISE_CONV_2D of int16 by int8 weights with the DSP instructions: four channels at a time. */
#ifndef TP_DEPTHWISE_CONV_2D_INT16_DSP_H
#define TP_DEPTHWISE_CONV_2D_INT16_DSP_H

#include "tp_int16_dsp.h"

/* Channels in fours, an output channel for each; weights [channels / 4, kernel_h, kernel_w, 4]. */
TP_KERNEL void tp_depthwise_conv_2d_int16_dsp(const struct tp_window *w, const int16_t *input, const int8_t *weights,
                                              const struct tp_channel *channels, bool wide, int32_t low, int32_t high,
                                              int16_t *output)
{
    for (int32_t y = 0; y < w->out_h; y++) {
        const int32_t in_y = y * w->stride_h - w->pad_h;
        const int32_t first_y = tp_first_inside(in_y, w->dilation_h);
        const int32_t end_y = tp_end_inside(in_y, w->dilation_h, w->kernel_h, w->in_h);
        for (int32_t x = 0; x < w->out_w; x++) {
            const int32_t in_x = x * w->stride_w - w->pad_w;
            const int32_t first_x = tp_first_inside(in_x, w->dilation_w);
            const int32_t end_x = tp_end_inside(in_x, w->dilation_w, w->kernel_w, w->in_w);
            for (int32_t c = 0; c < w->in_c; c += 4) {
                int32_t sum_0 = channels[c].bias;
                int32_t sum_1 = channels[c + 1].bias;
                int32_t sum_2 = channels[c + 2].bias;
                int32_t sum_3 = channels[c + 3].bias;
                for (int32_t i = first_y; i < end_y; i++) {
                    const int32_t column = in_x + first_x * w->dilation_w;
                    const int16_t *codes = &input[((in_y + i * w->dilation_h) * w->in_w + column) * w->in_c + c];
                    const int8_t *taps = &weights[(c / 4 * w->kernel_h + i) * w->kernel_w * 4];
                    for (int32_t j = first_x; j < end_x; j++) {
                        const int32_t four = tp_load4(&taps[4 * j]);
                        const int32_t first_pair = tp_load4((const int8_t *)codes);
                        const int32_t second_pair = tp_load4((const int8_t *)&codes[2]);
                        sum_0 = __smlabb(first_pair, tp_even(four), sum_0);
                        sum_1 = __smlatb(first_pair, tp_odd(four), sum_1);
                        sum_2 = __smlabt(second_pair, tp_even(four), sum_2);
                        sum_3 = __smlatt(second_pair, tp_odd(four), sum_3);
                        codes += w->dilation_w * w->in_c;
                    }
                }
                output[0] = tp_code_int16(sum_0, &channels[c], wide, low, high);
                output[1] = tp_code_int16(sum_1, &channels[c + 1], wide, low, high);
                output[2] = tp_code_int16(sum_2, &channels[c + 2], wide, low, high);
                output[3] = tp_code_int16(sum_3, &channels[c + 3], wide, low, high);
                output += 4;
            }
        }
    }
}

#endif
