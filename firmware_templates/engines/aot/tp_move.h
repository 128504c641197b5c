/* SPDX-License-Identifier: 0BSD */
/* A run of bytes in another place; the two may overlap in any way. */
#ifndef TP_MOVE_H
#define TP_MOVE_H

#include <string.h>

#include "tp_kernels.h"

TP_KERNEL void tp_move(size_t bytes, const void *input, size_t start, void *output)
{
    memmove(output, (const int8_t *)input + start, bytes);
}

#endif
