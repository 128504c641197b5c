/* SPDX-License-Identifier: 0BSD */
/* What kernels of int16 by int8 weights with the DSP instructions share: codes of sums that fit 32 bits. */
#ifndef TP_INT16_DSP_H
#define TP_INT16_DSP_H

#include "tp_dsp.h"

/* `wide`: TFLM's rounding of 64-bit sums, (sum * m + 2^(n - 1)) >> n with m of 15 bits, is that of the upper word where
 * the multiplier is m * 2^(32 - n). Else tp_requantize of |sum| < 2^30, shift >= 1, as in tp_requantize_s8. */
TP_KERNEL int16_t tp_code_int16(int32_t sum, const struct tp_channel *channel, bool wide, int32_t low, int32_t high)
{
    int32_t q;
    if (wide) {
        __asm__("ssat %0, #16, %1" : "=r"(q) : "r"(tp_high_word(sum, channel->multiplier)));
    } else {
        const int32_t y = tp_high_word((int32_t)((uint32_t)sum << 1), channel->multiplier) + (sum >> 31);
        __asm__("ssat %0, #16, %1, asr #1" : "=r"(q) : "r"((y >> (channel->shift - 1)) + 1));
    }
    if (low > INT16_MIN) {
        q = q < low ? low : q;
    }
    if (high < INT16_MAX) {
        q = q > high ? high : q;
    }
    return (int16_t)q;
}

/* The first tap that is not before an image, `dilation` apart from `start` on; and the end of the `taps` in it. */
TP_KERNEL int32_t tp_first_inside(int32_t start, int32_t dilation)
{
    return start < 0 ? (dilation - 1 - start) / dilation : 0;
}

TP_KERNEL int32_t tp_end_inside(int32_t start, int32_t dilation, int32_t taps, int32_t size)
{
    const int32_t end = start < size ? (size - start + dilation - 1) / dilation : 0;
    return end < taps ? end : taps;
}

#endif
