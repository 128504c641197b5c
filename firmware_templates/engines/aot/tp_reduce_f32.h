/* SPDX-License-Identifier: 0BSD */
/* MEAN, SUM, REDUCE_MAX and REDUCE_MIN of floats: dimensions merged into kept, reduced, kept, reduced, kept. */
#ifndef TP_REDUCE_F32_H
#define TP_REDUCE_F32_H

#include "tp_float.h"

TP_KERNEL float tp_reduce_sum(float sum, float x)
{
    return x + sum;
}

TP_KERNEL float tp_reduce_max(float largest, float x)
{
    return x > largest ? x : largest;
}

TP_KERNEL float tp_reduce_min(float smallest, float x)
{
    return x < smallest ? x : smallest;
}

/* `start` and `each` make one float of all that stand along the reduced dimensions, which is divided by `divisor`. */
TP_KERNEL void tp_reduce_f32(const int32_t shape[5], float start, float (*each)(float made, float x), float divisor,
                             const float *input, float *output)
{
    for (int32_t i = 0; i < shape[0]; i++) {
        for (int32_t k = 0; k < shape[2]; k++) {
            for (int32_t m = 0; m < shape[4]; m++) {
                float made = start;
                for (int32_t j = 0; j < shape[1]; j++) {
                    for (int32_t l = 0; l < shape[3]; l++) {
                        made = each(made, input[(((i * shape[1] + j) * shape[2] + k) * shape[3] + l) * shape[4] + m]);
                    }
                }
                *output++ = made / divisor;
            }
        }
    }
}

#endif
