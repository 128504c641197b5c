/* SPDX-License-Identifier: 0BSD */
/* MAXIMUM and MINIMUM in portable C, broadcasting included. In place where both inputs are walked alike. */
#ifndef TP_LARGER_H
#define TP_LARGER_H

#include "tp_kernels.h"

/* tp_larger_TYPE. `stride_a`, `stride_b`: elements to the next index of each dimension; 0 where the input repeats. */
#define TP_LARGER(type)                                                                                                \
    TP_KERNEL void tp_larger_##type(const int32_t shape[4], const int32_t stride_a[4], const type##_t *input_a,        \
                                    const int32_t stride_b[4], const type##_t *input_b, bool maximum,                  \
                                    type##_t *output)                                                                  \
    {                                                                                                                  \
        for (int32_t i = 0; i < shape[0]; i++) {                                                                       \
            for (int32_t j = 0; j < shape[1]; j++) {                                                                   \
                for (int32_t k = 0; k < shape[2]; k++) {                                                               \
                    const type##_t *at_a = &input_a[i * stride_a[0] + j * stride_a[1] + k * stride_a[2]];              \
                    const type##_t *at_b = &input_b[i * stride_b[0] + j * stride_b[1] + k * stride_b[2]];              \
                    for (int32_t l = 0; l < shape[3]; l++) {                                                           \
                        const type##_t a = at_a[l * stride_a[3]];                                                      \
                        const type##_t b = at_b[l * stride_b[3]];                                                      \
                        *output++ = (maximum ? a > b : a < b) ? a : b;                                                 \
                    }                                                                                                  \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }

TP_LARGER(int8)
TP_LARGER(int16)
TP_LARGER(int32)
TP_LARGER(int64)

#endif
