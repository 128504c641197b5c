/* SPDX-License-Identifier: 0BSD */
/* RESIZE_NEAREST_NEIGHBOR in portable C, of elements of any size. */
#ifndef TP_RESIZE_NEAREST_H
#define TP_RESIZE_NEAREST_H

#include <string.h>

#include "tp_kernels.h"

/* input [.., in_w, pixels of `bytes`]; output [out_h, out_w, pixels]; `rows`, `columns`: which of the input it is. */
TP_KERNEL void tp_resize_nearest(int32_t out_h, int32_t out_w, int32_t in_w, int32_t bytes, const int32_t *rows,
                                 const int32_t *columns, const void *input, void *output)
{
    char *out = (char *)output;
    for (int32_t y = 0; y < out_h; y++) {
        for (int32_t x = 0; x < out_w; x++) {
            memcpy(out, (const char *)input + (rows[y] * in_w + columns[x]) * bytes, (size_t)bytes);
            out += bytes;
        }
    }
}

#endif
