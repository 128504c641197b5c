/* SPDX-License-Identifier: 0BSD */
/* Works on two inputs, code by code, broadcasting included. In place where both inputs are walked alike. */
#ifndef TP_BROADCAST_H
#define TP_BROADCAST_H

#include "tp_kernels.h"

/* The code that comes of one code of each input; inlined, as every kernel is. */
typedef int32_t tp_of_two(const void *numbers, int32_t a, int32_t b);

/* `stride_a`, `stride_b`: elements to the next index of each dimension; 0 where the input repeats. */
TP_KERNEL void tp_broadcast(const int32_t shape[4], const int32_t stride_a[4], const int8_t *input_a,
                            const int32_t stride_b[4], const int8_t *input_b, tp_of_two *made, const void *numbers,
                            int8_t *output)
{
    for (int32_t i = 0; i < shape[0]; i++) {
        for (int32_t j = 0; j < shape[1]; j++) {
            for (int32_t k = 0; k < shape[2]; k++) {
                const int8_t *a = &input_a[i * stride_a[0] + j * stride_a[1] + k * stride_a[2]];
                const int8_t *b = &input_b[i * stride_b[0] + j * stride_b[1] + k * stride_b[2]];
                for (int32_t l = 0; l < shape[3]; l++) {
                    *output++ = (int8_t)made(numbers, a[l * stride_a[3]], b[l * stride_b[3]]);
                }
            }
        }
    }
}

#endif
