/* SPDX-License-Identifier: 0BSD */
/* An image from one layout to another. */
#ifndef TP_LAID_H
#define TP_LAID_H

#include "tp_kernels.h"

/* shape: height, width, channels; from, to: bytes to the next one of each. */
TP_KERNEL void tp_laid(const int32_t shape[3], const int32_t from[3], const int8_t *input, const int32_t to[3],
                       int8_t *output)
{
    for (int32_t y = 0; y < shape[0]; y++) {
        for (int32_t c = 0; c < shape[2]; c++) {
            const int8_t *in = &input[y * from[0] + c * from[2]];
            int8_t *out = &output[y * to[0] + c * to[2]];
            for (int32_t x = 0; x < shape[1]; x++) {
                *out = *in;
                in += from[1];
                out += to[1];
            }
        }
    }
}

#endif
