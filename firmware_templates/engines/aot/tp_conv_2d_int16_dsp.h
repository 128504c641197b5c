/* SPDX-License-Identifier: 0BSD */
/* CONV_2D and FULLY_CONNECTED of int16 by int8 weights with SMLAD: four channels at a time, four products of each. */
#ifndef TP_CONV_2D_INT16_DSP_H
#define TP_CONV_2D_INT16_DSP_H

#include "tp_int16_dsp.h"

/* Adds to `sum` the products of four codes and four weights. Widening these gives them in the order 0, 2, 1, 3: pairs
 * beside those of the codes. */
TP_KERNEL int32_t tp_four_products(int32_t first_pair, int32_t second_pair, const int8_t *weights, int32_t sum)
{
    const int32_t four = tp_load4(weights);
    return __smlad(second_pair, tp_odd(four), __smlad(first_pair, tp_even(four), sum));
}

/* weights [out_c / 4, kernel_h, kernel_w, in_c / groups / 4, 4, 4], zeros where out_c is no multiple of four. */
TP_KERNEL void tp_conv_2d_int16_dsp(const struct tp_window *w, int32_t groups, const int16_t *input,
                                    const int8_t *weights, const struct tp_channel *channels, bool wide, int32_t low,
                                    int32_t high, int16_t *output)
{
    const int32_t depth = w->in_c / groups;
    const int32_t each = w->out_c / groups;
    for (int32_t y = 0; y < w->out_h; y++) {
        const int32_t in_y = y * w->stride_h - w->pad_h;
        const int32_t first_y = tp_first_inside(in_y, w->dilation_h);
        const int32_t end_y = tp_end_inside(in_y, w->dilation_h, w->kernel_h, w->in_h);
        for (int32_t x = 0; x < w->out_w; x++) {
            const int32_t in_x = x * w->stride_w - w->pad_w;
            const int32_t first_x = tp_first_inside(in_x, w->dilation_w);
            const int32_t end_x = tp_end_inside(in_x, w->dilation_w, w->kernel_w, w->in_w);
            for (int32_t c = 0; c < w->out_c; c += 4) {
                int32_t sum_0 = channels[c].bias;
                int32_t sum_1 = channels[c + 1].bias;
                int32_t sum_2 = channels[c + 2].bias;
                int32_t sum_3 = channels[c + 3].bias;
                for (int32_t i = first_y; i < end_y; i++) {
                    for (int32_t j = first_x; j < end_x; j++) {
                        const int32_t pixel = (in_y + i * w->dilation_h) * w->in_w + in_x + j * w->dilation_w;
                        const int16_t *codes = &input[pixel * w->in_c + c / each * depth];
                        const int8_t *taps = &weights[((c / 4 * w->kernel_h + i) * w->kernel_w + j) * depth * 4];
                        for (const int16_t *const end = &codes[depth]; codes != end; codes += 4) {
                            const int32_t first_pair = tp_load4((const int8_t *)codes);
                            const int32_t second_pair = tp_load4((const int8_t *)&codes[2]);
                            sum_0 = tp_four_products(first_pair, second_pair, taps, sum_0);
                            sum_1 = tp_four_products(first_pair, second_pair, &taps[4], sum_1);
                            sum_2 = tp_four_products(first_pair, second_pair, &taps[8], sum_2);
                            sum_3 = tp_four_products(first_pair, second_pair, &taps[12], sum_3);
                            taps += 16;
                        }
                    }
                }
                const int32_t live = w->out_c % 4 == 0 || w->out_c - c > 4 ? 4 : w->out_c - c;
                output[0] = tp_code_int16(sum_0, &channels[c], wide, low, high);
                if (live > 1) {
                    output[1] = tp_code_int16(sum_1, &channels[c + 1], wide, low, high);
                }
                if (live > 2) {
                    output[2] = tp_code_int16(sum_2, &channels[c + 2], wide, low, high);
                }
                if (live > 3) {
                    output[3] = tp_code_int16(sum_3, &channels[c + 3], wide, low, high);
                }
                output += live;
            }
        }
    }
}

#endif
