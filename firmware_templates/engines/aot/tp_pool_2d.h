/* SPDX-License-Identifier: 0BSD */
/* AVERAGE_POOL_2D and MAX_POOL_2D in portable C. Positions outside the image do not take part. */
#ifndef TP_POOL_2D_H
#define TP_POOL_2D_H

#include "tp_kernels.h"

/* Codes of so many bytes; input [in_h, in_w, in_c]; output [out_h, out_w, in_c]. The average is rounded to the nearest,
 * ties away from 0. */
TP_KERNEL void tp_pool_2d(const struct tp_window *w, bool maximum, const void *input, int32_t low, int32_t high,
                          int32_t bytes, void *output)
{
    int32_t at = 0;
    for (int32_t y = 0; y < w->out_h; y++) {
        const int32_t top = y * w->stride_h - w->pad_h;
        const int32_t first_y = top < 0 ? 0 : top;
        const int32_t last_y = top + w->kernel_h < w->in_h ? top + w->kernel_h : w->in_h;
        for (int32_t x = 0; x < w->out_w; x++) {
            const int32_t left = x * w->stride_w - w->pad_w;
            const int32_t first_x = left < 0 ? 0 : left;
            const int32_t last_x = left + w->kernel_w < w->in_w ? left + w->kernel_w : w->in_w;
            const int32_t count = (last_y - first_y) * (last_x - first_x);
            for (int32_t c = 0; c < w->in_c; c++) {
                int32_t sum = 0;
                int32_t largest = INT16_MIN;
                for (int32_t in_y = first_y; in_y < last_y; in_y++) {
                    for (int32_t in_x = first_x; in_x < last_x; in_x++) {
                        const int32_t q = tp_code(input, bytes, (in_y * w->in_w + in_x) * w->in_c + c);
                        sum += q;
                        largest = q > largest ? q : largest;
                    }
                }
                const int32_t average = (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
                tp_set_code(output, bytes, at++, tp_clamp(maximum ? largest : average, low, high));
            }
        }
    }
}

#endif
