/* SPDX-License-Identifier: 0BSD */
/* 1x1 convolutions and fully connected layers in portable C: two channels at a time. */
#ifndef TP_CONV_1X1_H
#define TP_CONV_1X1_H

#include "tp_kernels.h"

TP_KERNEL int8_t tp_conv_1x1_code(int32_t sum, const struct tp_channel *channel, int32_t out_zero, int32_t low,
                                  int32_t high)
{
    const int32_t total = (int32_t)((uint32_t)channel->bias + (uint32_t)sum);
    return (int8_t)tp_clamp(tp_requantize(total, channel->multiplier, channel->shift) + out_zero, low, high);
}

/* weights [out_c, in_c]; biases with the input zero point in them. */
TP_KERNEL void tp_conv_1x1(int32_t pixels, int32_t in_c, int32_t out_c, const int8_t *input, const int8_t *weights,
                           const struct tp_channel *channels, int32_t out_zero, int32_t low, int32_t high,
                           int8_t *output)
{
    for (int32_t pixel = 0; pixel < pixels; pixel++) {
        const int8_t *row = weights;
        int32_t c = 0;
        for (; c + 2 <= out_c; c += 2) {
            int32_t first = 0;
            int32_t second = 0;
            for (int32_t k = 0; k < in_c; k++) {
                const int32_t code = input[k];
                first += code * row[k];
                second += code * row[in_c + k];
            }
            output[c] = tp_conv_1x1_code(first, &channels[c], out_zero, low, high);
            output[c + 1] = tp_conv_1x1_code(second, &channels[c + 1], out_zero, low, high);
            row += 2 * in_c;
        }
        if (c < out_c) {
            int32_t sum = 0;
            for (int32_t k = 0; k < in_c; k++) {
                sum += input[k] * row[k];
            }
            output[c] = tp_conv_1x1_code(sum, &channels[c], out_zero, low, high);
        }
        input += in_c;
        output += out_c;
    }
}

#endif
