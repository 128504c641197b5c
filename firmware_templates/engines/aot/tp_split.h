/* SPDX-License-Identifier: 0BSD */
/* SPLIT and SPLIT_V: one output from its place in the input. */
#ifndef TP_SPLIT_H
#define TP_SPLIT_H

#include <string.h>

#include "tp_kernels.h"

/* `rows` pieces of `part` bytes, which stand `whole` bytes apart in the input. */
TP_KERNEL void tp_split(int32_t rows, int32_t part, int32_t whole, const void *input, void *output)
{
    for (int32_t row = 0; row < rows; row++) {
        memcpy((char *)output + row * part, (const char *)input + row * whole, (size_t)part);
    }
}

#endif
