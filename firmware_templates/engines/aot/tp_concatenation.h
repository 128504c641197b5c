/* SPDX-License-Identifier: 0BSD */
/* CONCATENATION: one input to its place in the output. */
#ifndef TP_CONCATENATION_H
#define TP_CONCATENATION_H

#include <string.h>

#include "tp_kernels.h"

/* `rows` pieces of `part` bytes, which stand `whole` bytes apart in the output. */
TP_KERNEL void tp_concatenation(int32_t rows, int32_t part, int32_t whole, const void *input, void *output)
{
    for (int32_t row = 0; row < rows; row++) {
        memcpy((char *)output + row * whole, (const char *)input + row * part, (size_t)part);
    }
}

#endif
