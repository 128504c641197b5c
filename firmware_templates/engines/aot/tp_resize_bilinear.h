/* SPDX-License-Identifier: 0BSD */
/* RESIZE_BILINEAR in portable C, with weights in 1024ths. */
#ifndef TP_RESIZE_BILINEAR_H
#define TP_RESIZE_BILINEAR_H

#include "tp_kernels.h"

/* input [.., in_w, channels]; output [out_h, out_w, channels]. `rows`, `columns`: three numbers for each of the output,
 * between which two of the input it stands and the weight of the second one. Rounded to the nearest, ties away from 0.
 */
TP_KERNEL void tp_resize_bilinear(int32_t out_h, int32_t out_w, int32_t in_w, int32_t channels,
                                  const int32_t *rows, const int32_t *columns, const int8_t *input, int8_t *output)
{
    for (int32_t y = 0; y < out_h; y++) {
        const int8_t *top = &input[rows[3 * y] * in_w * channels];
        const int8_t *bottom = &input[rows[3 * y + 1] * in_w * channels];
        const int32_t down = rows[3 * y + 2];
        for (int32_t x = 0; x < out_w; x++) {
            const int32_t left = columns[3 * x] * channels;
            const int32_t right = columns[3 * x + 1] * channels;
            const int32_t across = columns[3 * x + 2];
            for (int32_t c = 0; c < channels; c++) {
                const int32_t a = top[left + c] * (1024 - down) + bottom[left + c] * down;
                const int32_t b = top[right + c] * (1024 - down) + bottom[right + c] * down;
                const int32_t sum = a * (1024 - across) + b * across;
                *output++ = (int8_t)((sum > 0 ? sum + (1 << 19) : sum - (1 << 19)) / (1 << 20));
            }
        }
    }
}

#endif
