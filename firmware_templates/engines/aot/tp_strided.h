/* SPDX-License-Identifier: 0BSD */
/* Strided copies in portable C, of elements of any size: TRANSPOSE and slices. */
#ifndef TP_STRIDED_H
#define TP_STRIDED_H

#include <string.h>

#include "tp_kernels.h"

/* `shape`: of the output; `stride`: how far apart its neighbours along each dimension stand in the input; both in
 * elements of `size` bytes. */
TP_KERNEL void tp_strided(const int32_t shape[5], const int32_t stride[5], int32_t start, int32_t size,
                          const void *input, void *output)
{
    const char *in = (const char *)input;
    char *out = (char *)output;
    for (int32_t i = 0; i < shape[0]; i++) {
        for (int32_t j = 0; j < shape[1]; j++) {
            for (int32_t k = 0; k < shape[2]; k++) {
                for (int32_t l = 0; l < shape[3]; l++) {
                    const int32_t from = start + i * stride[0] + j * stride[1] + k * stride[2] + l * stride[3];
                    for (int32_t m = 0; m < shape[4]; m++) {
                        __builtin_memcpy(out, in + (from + m * stride[4]) * size, (size_t)size);
                        out += size;
                    }
                }
            }
        }
    }
}

#endif
