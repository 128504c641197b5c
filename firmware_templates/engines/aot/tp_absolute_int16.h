/* SPDX-License-Identifier: 0BSD */
/* ABS of int16. In place. */
#ifndef TP_ABSOLUTE_INT16_H
#define TP_ABSOLUTE_INT16_H

#include "tp_kernels.h"

TP_KERNEL void tp_absolute_int16(int32_t count, int32_t multiplier, int32_t shift, const int16_t *input,
                                 int16_t *output)
{
    for (int32_t i = 0; i < count; i++) {
        const int32_t size = input[i] < 0 ? -input[i] : input[i];
        output[i] = (int16_t)tp_clamp(tp_requantize(size, multiplier, shift), INT16_MIN, INT16_MAX);
    }
}

#endif
