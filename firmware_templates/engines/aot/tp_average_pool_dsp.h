/* SPDX-License-Identifier: 0BSD */
/* AVERAGE_POOL_2D with the DSP instructions: four channels at a time. Positions outside the image do not take part. */
#ifndef TP_AVERAGE_POOL_DSP_H
#define TP_AVERAGE_POOL_DSP_H

#include "tp_dsp.h"

/* Input [in_h, in_w, in_c], in_c in fours; output [out_h, out_w, in_c]. Windows of at most 255 positions, so that sums
 * fit halfwords. The average is rounded to the nearest, ties away from 0. */
TP_KERNEL void tp_average_pool_dsp(const struct tp_window *w, const int8_t *input, int32_t low, int32_t high,
                                   int8_t *output)
{
    for (int32_t y = 0; y < w->out_h; y++) {
        const int32_t top = y * w->stride_h - w->pad_h;
        const int32_t first_y = top < 0 ? 0 : top;
        const int32_t last_y = top + w->kernel_h < w->in_h ? top + w->kernel_h : w->in_h;
        for (int32_t x = 0; x < w->out_w; x++) {
            const int32_t left = x * w->stride_w - w->pad_w;
            const int32_t first_x = left < 0 ? 0 : left;
            const int32_t last_x = left + w->kernel_w < w->in_w ? left + w->kernel_w : w->in_w;
            const int32_t count = (last_y - first_y) * (last_x - first_x);
            for (int32_t c = 0; c < w->in_c; c += 4) {
                int16x2_t even = 0;
                int16x2_t odd = 0;
                for (int32_t in_y = first_y; in_y < last_y; in_y++) {
                    const int8_t *codes = &input[(in_y * w->in_w + first_x) * w->in_c + c];
#pragma GCC unroll 4
                    for (int32_t in_x = first_x; in_x < last_x; in_x++) {
                        const int32_t word = tp_load4(codes);
                        __asm__("sxtab16 %0, %0, %2\n\t"
                                "sxtab16 %1, %1, %2, ror #8"
                                : "+r"(even), "+r"(odd)
                                : "r"(word));
                        codes += w->in_c;
                    }
                }
                const int32_t sums[4] = {(int16_t)even, (int16_t)odd, even >> 16, odd >> 16};
                for (int32_t i = 0; i < 4; i++) {
                    const int32_t sum = sums[i];
                    const int32_t average = (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
                    *output++ = (int8_t)tp_clamp(average, low, high);
                }
            }
        }
    }
}

#endif
