/* SPDX-License-Identifier: 0BSD */
/* PAD and PADV2 over four dimensions, of elements of any size. */
#ifndef TP_PAD_H
#define TP_PAD_H

#include <string.h>

#include "tp_kernels.h"

TP_KERNEL void tp_pad(const int32_t in_shape[4], const int32_t out_shape[4], const int32_t before[4],
                      const void *value, int32_t size, const void *input, void *output)
{
    const char *in = (const char *)input;
    char *out = (char *)output;
    for (int32_t i = 0; i < out_shape[0]; i++) {
        const bool in_i = i >= before[0] && i - before[0] < in_shape[0];
        for (int32_t j = 0; j < out_shape[1]; j++) {
            const bool in_j = in_i && j >= before[1] && j - before[1] < in_shape[1];
            for (int32_t k = 0; k < out_shape[2]; k++) {
                const bool in_k = in_j && k >= before[2] && k - before[2] < in_shape[2];
                for (int32_t l = 0; l < out_shape[3]; l++) {
                    const bool inside = in_k && l >= before[3] && l - before[3] < in_shape[3];
                    __builtin_memcpy(out, inside ? in : (const char *)value, (size_t)size);
                    in += inside ? size : 0;
                    out += size;
                }
            }
        }
    }
}

#endif
