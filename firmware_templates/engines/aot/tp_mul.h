/* SPDX-License-Identifier: 0BSD */
/* MUL in portable C, broadcasting included. In place where both inputs are walked alike. */
#ifndef TP_MUL_H
#define TP_MUL_H

#include "tp_kernels.h"

/* Codes of so many bytes. `stride_a`, `stride_b`: elements to the next index of each dimension; 0 where the input
 * repeats. */
TP_KERNEL void tp_mul(const int32_t shape[4], const int32_t stride_a[4], const void *input_a, int32_t zero_a,
                      const int32_t stride_b[4], const void *input_b, int32_t zero_b, int32_t multiplier,
                      int32_t shift, int32_t out_zero, int32_t low, int32_t high, int32_t bytes, void *output)
{
    int32_t at = 0;
    for (int32_t i = 0; i < shape[0]; i++) {
        for (int32_t j = 0; j < shape[1]; j++) {
            for (int32_t k = 0; k < shape[2]; k++) {
                const int32_t a = i * stride_a[0] + j * stride_a[1] + k * stride_a[2];
                const int32_t b = i * stride_b[0] + j * stride_b[1] + k * stride_b[2];
                for (int32_t l = 0; l < shape[3]; l++) {
                    const int32_t product = (tp_code(input_a, bytes, a + l * stride_a[3]) - zero_a) *
                                            (tp_code(input_b, bytes, b + l * stride_b[3]) - zero_b);
                    const int32_t q = tp_requantize(product, multiplier, shift) + out_zero;
                    tp_set_code(output, bytes, at++, tp_clamp(q, low, high));
                }
            }
        }
    }
}

#endif
