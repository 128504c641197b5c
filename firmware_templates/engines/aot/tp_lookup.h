/* SPDX-License-Identifier: 0BSD */
/* One output per code, from a table of 256. In place. */
#ifndef TP_LOOKUP_H
#define TP_LOOKUP_H

#include "tp_kernels.h"

/* `table`: the output of every code, from -128 to 127. */
TP_KERNEL void tp_lookup(int32_t count, const int8_t *input, const int8_t *table, int8_t *output)
{
    for (int32_t i = 0; i < count; i++) {
        output[i] = table[input[i] - INT8_MIN];
    }
}

#endif
