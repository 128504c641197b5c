/* SPDX-License-Identifier: 0BSD */
/* PRELU in portable C, broadcasting included. In place where input and slopes are walked alike. */
#ifndef TP_PRELU_H
#define TP_PRELU_H

#include "tp_kernels.h"

/* Codes of so many bytes, slopes of one. `factors`: multiplier and right shift of what is not negative, then of
 * products with a slope. */
TP_KERNEL void tp_prelu(const int32_t shape[4], const int32_t stride[4], const void *input, int32_t zero,
                        const int32_t slope_stride[4], const int8_t *slopes, int32_t slope_zero,
                        const int32_t factors[4], int32_t out_zero, int32_t bytes, void *output)
{
    const int32_t low = bytes == 1 ? INT8_MIN : INT16_MIN, high = bytes == 1 ? INT8_MAX : INT16_MAX;
    int32_t to = 0;
    for (int32_t i = 0; i < shape[0]; i++) {
        for (int32_t j = 0; j < shape[1]; j++) {
            for (int32_t k = 0; k < shape[2]; k++) {
                const int32_t from = i * stride[0] + j * stride[1] + k * stride[2];
                const int8_t *at = &slopes[i * slope_stride[0] + j * slope_stride[1] + k * slope_stride[2]];
                for (int32_t l = 0; l < shape[3]; l++) {
                    const int32_t x = tp_code(input, bytes, from + l * stride[3]) - zero;
                    const int32_t slope = at[l * slope_stride[3]] - slope_zero;
                    const int32_t q = x >= 0 ? tp_requantize(x, factors[0], factors[1])
                                             : tp_requantize(x * slope, factors[2], factors[3]);
                    tp_set_code(output, bytes, to++, tp_clamp(q + out_zero, low, high));
                }
            }
        }
    }
}

#endif
