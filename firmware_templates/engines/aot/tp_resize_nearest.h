/* SPDX-License-Identifier: 0BSD */
/* RESIZE_NEAREST_NEIGHBOR in portable C. */
#ifndef TP_RESIZE_NEAREST_H
#define TP_RESIZE_NEAREST_H

#include "tp_kernels.h"

/* input [.., in_w, channels]; output [out_h, out_w, channels]; `rows`, `columns`: which one of the input it is. */
TP_KERNEL void tp_resize_nearest(int32_t out_h, int32_t out_w, int32_t in_w, int32_t channels, const int32_t *rows,
                                 const int32_t *columns, const int8_t *input, int8_t *output)
{
    for (int32_t y = 0; y < out_h; y++) {
        for (int32_t x = 0; x < out_w; x++) {
            const int8_t *from = &input[(rows[y] * in_w + columns[x]) * channels];
            for (int32_t c = 0; c < channels; c++) {
                *output++ = from[c];
            }
        }
    }
}

#endif
