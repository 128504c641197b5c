/* SPDX-License-Identifier: 0BSD */
/* ADD_N in portable C. In place over any of its inputs. */
#ifndef TP_ADD_N_H
#define TP_ADD_N_H

#include "tp_kernels.h"

/* `zeros`: the sum of codes that stands for zero. The sum has 19 fractional bits before it is rescaled. */
TP_KERNEL void tp_add_n(int32_t elements, int32_t count, const int8_t *const inputs[], int32_t zeros,
                        int32_t multiplier, int32_t shift, int32_t out_zero, int8_t *output)
{
    for (int32_t i = 0; i < elements; i++) {
        int32_t sum = -zeros;
        for (int32_t j = 0; j < count; j++) {
            sum += inputs[j][i];
        }
        const int32_t q = tp_requantize(sum * (1 << 19), multiplier, shift) + out_zero;
        output[i] = (int8_t)tp_clamp(q, INT8_MIN, INT8_MAX);
    }
}

#endif
