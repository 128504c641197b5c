/* SPDX-License-Identifier: 0BSD */
/* Parts by computed indices, of elements of any size. */
#ifndef TP_TAKEN_H
#define TP_TAKEN_H

#include <string.h>

#include "tp_kernels.h"

/* Of `input` [outer, size] with parts of `bytes`, those at `count` indices; beyond an end it is the end's. */
TP_KERNEL void tp_taken(int32_t outer, int32_t size, int32_t bytes, int32_t count, const void *input,
                        const int32_t *indices, void *output)
{
    typedef int32_t TP_ALIASING given;
    const char *in = (const char *)input;
    char *out = (char *)output;
    for (int32_t i = 0; i < outer; i++) {
        for (int32_t j = 0; j < count; j++) {
            const int32_t at = tp_clamp(((const given *)indices)[j], 0, size - 1);
            memcpy(out, in + (i * size + at) * bytes, (size_t)bytes);
            out += bytes;
        }
    }
}

#endif
