/* SPDX-License-Identifier: 0BSD */
/* CUMSUM of floats. In place. */
#ifndef TP_CUMSUM_F32_H
#define TP_CUMSUM_F32_H

#include "tp_float.h"

/* Along `depth` of [outer, depth, inner]. */
TP_KERNEL void tp_cumsum_f32(int32_t outer, int32_t depth, int32_t inner, bool exclusive, bool reverse,
                             const float *input, float *output)
{
    for (int32_t i = 0; i < outer; i++) {
        for (int32_t j = 0; j < inner; j++) {
            float sum = 0.0f;
            for (int32_t k = 0; k < depth; k++) {
                const int32_t at = (i * depth + (reverse ? depth - 1 - k : k)) * inner + j;
                const float next = sum + input[at];
                output[at] = exclusive ? sum : next;
                sum = next;
            }
        }
    }
}

#endif
