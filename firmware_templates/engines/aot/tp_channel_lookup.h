/* SPDX-License-Identifier: 0BSD */
/* Functions of one int8 code, a table for each channel. In place. */
#ifndef TP_CHANNEL_LOOKUP_H
#define TP_CHANNEL_LOOKUP_H

#include "tp_kernels.h"

/* input and output [rows, channels]; table [channels, 256], from code -128 on. */
TP_KERNEL void tp_channel_lookup(int32_t rows, int32_t channels, const int8_t *input, const int8_t *table,
                                 int8_t *output)
{
    for (int32_t row = 0; row < rows; row++) {
        for (int32_t c = 0; c < channels; c++) {
            *output++ = table[c * 256 + *input++ + 128];
        }
    }
}

#endif
