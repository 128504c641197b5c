/* SPDX-License-Identifier: 0BSD */
/* CUMSUM in portable C. In place. */
#ifndef TP_CUMSUM_H
#define TP_CUMSUM_H

#include "tp_kernels.h"

/* Along `depth` of [outer, depth, inner]. The sum has 19 fractional bits, starts at minus one zero point as TFLM's,
 * and overflows as its does. */
TP_KERNEL void tp_cumsum(int32_t outer, int32_t depth, int32_t inner, bool exclusive, bool reverse,
                         const int8_t *input, int32_t in_zero, int32_t multiplier, int32_t shift, int32_t out_zero,
                         int8_t *output)
{
    for (int32_t i = 0; i < outer; i++) {
        for (int32_t j = 0; j < inner; j++) {
            uint32_t sum = (uint32_t)-in_zero << 19;
            for (int32_t k = 0; k < depth; k++) {
                const int32_t at = (i * depth + (reverse ? depth - 1 - k : k)) * inner + j;
                const uint32_t next = sum + ((uint32_t)(input[at] - in_zero) << 19);
                const int32_t q = tp_requantize((int32_t)(exclusive ? sum : next), multiplier, shift) + out_zero;
                output[at] = (int8_t)tp_clamp(q, INT8_MIN, INT8_MAX);
                sum = next;
            }
        }
    }
}

#endif
