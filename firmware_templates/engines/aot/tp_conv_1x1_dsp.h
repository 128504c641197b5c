/* SPDX-License-Identifier: 0BSD */
/* 1x1 convolution, stride 1: two pixels times two channels at a time, no copy of the input.
 *
 * The pair of channels stands in the outer loop: its weights stay in the flash accelerator's cache while the pixels,
 * which lie in RAM, pass by. The input zero point is folded into the bias.
 */
#ifndef TP_CONV_1X1_DSP_H
#define TP_CONV_1X1_DSP_H

#include "tp_dsp.h"

/* input [pixels, in_c]; weights [out_c, in_c], even number of rows; output [pixels, out_c]; in_c a multiple of 4, at
 * least 2 pixels. With an odd number, the last but one pixel is computed twice. */
TP_KERNEL void tp_conv_1x1_dsp(int32_t pixels, int32_t in_c, int32_t out_c, const int8_t *input, const int8_t *weights,
                               const struct tp_channel *channels, int32_t out_zero, int32_t low, int32_t high,
                               int8_t *output)
{
    const int32_t steps = tp_dot_steps(pixels * in_c * out_c);
    const int8_t *const last = input + (pixels - 2) * in_c;
    for (int32_t c = 0; c < out_c; c += 2) {
        const struct tp_channel first = channels[c];
        const struct tp_channel second = channels[c + 1];
        const bool single = c + 1 == out_c; /* then the second row of weights is a filler */
        const int8_t *from = input;
        int8_t *out = &output[c];
        for (;;) {
            int32_t sum[4] = {first.bias, first.bias, second.bias, second.bias};
            tp_dot_2x2(from, &weights[c * in_c], in_c, steps, sum);
            int32_t q = tp_requantize_s8(sum[0], first.multiplier, first.shift, out_zero);
            out[0] = tp_activation_s8(q, low, high);
            q = tp_requantize_s8(sum[1], first.multiplier, first.shift, out_zero);
            out[out_c] = tp_activation_s8(q, low, high);
            if (!single) {
                q = tp_requantize_s8(sum[2], second.multiplier, second.shift, out_zero);
                out[1] = tp_activation_s8(q, low, high);
                q = tp_requantize_s8(sum[3], second.multiplier, second.shift, out_zero);
                out[out_c + 1] = tp_activation_s8(q, low, high);
            }
            from += 2 * in_c;
            out += 2 * out_c;
            if (from > last) {
                if (from != last + in_c) {
                    break;
                }
                from = last;
                out -= out_c;
            }
        }
    }
}

#endif
