/* SPDX-License-Identifier: 0BSD */
/* FULLY_CONNECTED, one row: four outputs at a time, so that the input is widened once for four. */
#ifndef TP_FULLY_CONNECTED_DSP_H
#define TP_FULLY_CONNECTED_DSP_H

#include "tp_dsp.h"

/* The last `count` codes (1 to 3) of a row as a word, the others 0. */
TP_KERNEL int32_t tp_load_tail(const int8_t *from, int32_t count)
{
    uint32_t word = 0;
    for (int32_t i = 0; i < count; i++) {
        word |= (uint32_t)(uint8_t)from[i] << (8 * i);
    }
    return (int32_t)word;
}

/* input [in_c]; weights [out_c, in_c], both filled with zeros to multiples of 4. The input zero point is folded into
 * the bias. */
TP_KERNEL void tp_fully_connected_dsp(int32_t in_c, int32_t out_c, const int8_t *input, const int8_t *weights,
                                      const struct tp_channel *channels, int32_t out_zero, int32_t low, int32_t high,
                                      int8_t *output)
{
    const int32_t length = (in_c + 3) / 4 * 4;
    for (int32_t c = 0; c < out_c; c += 4) {
        const int32_t live = out_c % 4 == 0 || out_c - c > 4 ? 4 : out_c - c;
        int32_t s0 = channels[0].bias;
        int32_t s1 = channels[1].bias;
        int32_t s2 = channels[2].bias;
        int32_t s3 = channels[3].bias;
        const int8_t *from = input;
        const int8_t *const end = input + in_c / 4 * 4;
#pragma GCC unroll 2
        while (from != end) {
            const int32_t x = tp_load4(from);
            const int32_t w0 = tp_load4(weights);
            const int32_t w1 = tp_load4(weights + length);
            const int32_t w2 = tp_load4(weights + 2 * length);
            const int32_t w3 = tp_load4(weights + 3 * length);
            from += 4;
            weights += 4;
            const int16x2_t even = tp_even(x);
            const int16x2_t odd = tp_odd(x);
            s0 = __smlad(even, tp_even(w0), s0);
            s0 = __smlad(odd, tp_odd(w0), s0);
            s1 = __smlad(even, tp_even(w1), s1);
            s1 = __smlad(odd, tp_odd(w1), s1);
            s2 = __smlad(even, tp_even(w2), s2);
            s2 = __smlad(odd, tp_odd(w2), s2);
            s3 = __smlad(even, tp_even(w3), s3);
            s3 = __smlad(odd, tp_odd(w3), s3);
        }
        if (in_c % 4 != 0) {
            const int32_t x = tp_load_tail(from, in_c % 4);
            const int32_t w0 = tp_load4(weights);
            const int32_t w1 = tp_load4(weights + length);
            const int32_t w2 = tp_load4(weights + 2 * length);
            const int32_t w3 = tp_load4(weights + 3 * length);
            weights += 4;
            const int16x2_t even = tp_even(x);
            const int16x2_t odd = tp_odd(x);
            s0 = __smlad(odd, tp_odd(w0), __smlad(even, tp_even(w0), s0));
            s1 = __smlad(odd, tp_odd(w1), __smlad(even, tp_even(w1), s1));
            s2 = __smlad(odd, tp_odd(w2), __smlad(even, tp_even(w2), s2));
            s3 = __smlad(odd, tp_odd(w3), __smlad(even, tp_even(w3), s3));
        }
        weights += 3 * length;
        int32_t q = tp_requantize_s8(s0, channels[0].multiplier, channels[0].shift, out_zero);
        output[0] = tp_activation_s8(q, low, high);
        if (live > 1) {
            q = tp_requantize_s8(s1, channels[1].multiplier, channels[1].shift, out_zero);
            output[1] = tp_activation_s8(q, low, high);
        }
        if (live > 2) {
            q = tp_requantize_s8(s2, channels[2].multiplier, channels[2].shift, out_zero);
            output[2] = tp_activation_s8(q, low, high);
        }
        if (live > 3) {
            q = tp_requantize_s8(s3, channels[3].multiplier, channels[3].shift, out_zero);
            output[3] = tp_activation_s8(q, low, high);
        }
        channels += 4;
        output += 4;
    }
}

#endif
