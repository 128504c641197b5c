/* SPDX-License-Identifier: 0BSD */
/* REDUCE_MAX and REDUCE_MIN: dimensions merged into kept, reduced, kept, reduced, kept. */
#ifndef TP_REDUCE_EXTREME_H
#define TP_REDUCE_EXTREME_H

#include "tp_kernels.h"

TP_KERNEL void tp_reduce_extreme(const int32_t shape[5], bool maximum, const int8_t *input, int8_t *output)
{
    for (int32_t i = 0; i < shape[0]; i++) {
        for (int32_t k = 0; k < shape[2]; k++) {
            for (int32_t m = 0; m < shape[4]; m++) {
                int8_t extreme = maximum ? INT8_MIN : INT8_MAX;
                for (int32_t j = 0; j < shape[1]; j++) {
                    for (int32_t l = 0; l < shape[3]; l++) {
                        const int8_t q = input[(((i * shape[1] + j) * shape[2] + k) * shape[3] + l) * shape[4] + m];
                        extreme = (maximum ? q > extreme : q < extreme) ? q : extreme;
                    }
                }
                *output++ = extreme;
            }
        }
    }
}

#endif
