/* SPDX-License-Identifier: 0BSD */
/* MEAN: dimensions merged into kept, reduced, kept, reduced, kept. The division is part of the multiplier. */
#ifndef TP_MEAN_H
#define TP_MEAN_H

#include "tp_kernels.h"

/* Codes of so many bytes. */
TP_KERNEL void tp_mean(const int32_t shape[5], const void *input, int32_t in_zero, int32_t multiplier, int32_t shift,
                       int32_t out_zero, int32_t bytes, void *output)
{
    const int32_t low = bytes == 1 ? INT8_MIN : INT16_MIN, high = bytes == 1 ? INT8_MAX : INT16_MAX;
    int32_t at = 0;
    const int32_t reduced = shape[1] * shape[3];
    for (int32_t i = 0; i < shape[0]; i++) {
        for (int32_t k = 0; k < shape[2]; k++) {
            for (int32_t m = 0; m < shape[4]; m++) {
                int32_t sum = 0;
                for (int32_t j = 0; j < shape[1]; j++) {
                    for (int32_t l = 0; l < shape[3]; l++) {
                        const int32_t from = (((i * shape[1] + j) * shape[2] + k) * shape[3] + l) * shape[4] + m;
                        sum += tp_code(input, bytes, from);
                    }
                }
                const int32_t q = tp_requantize(sum - in_zero * reduced, multiplier, shift) + out_zero;
                tp_set_code(output, bytes, at++, tp_clamp(q, low, high));
            }
        }
    }
}

#endif
