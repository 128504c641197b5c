/* SPDX-License-Identifier: 0BSD */
/* AVERAGE_POOL_2D and MAX_POOL_2D of a whole image that lies in planes. */
#ifndef TP_POOL_PLANES_H
#define TP_POOL_PLANES_H

#include "tp_kernels.h"

/* input: `channels` planes of `pixels` codes, each filled to whole words. The average is rounded to the nearest, ties
 * away from 0. */
TP_KERNEL void tp_pool_planes(int32_t pixels, int32_t channels, bool maximum, const int8_t *input, int32_t low,
                              int32_t high, int8_t *output)
{
    for (int32_t c = 0; c < channels; c++) {
        int32_t sum = 0;
        int32_t largest = INT8_MIN;
        for (int32_t i = 0; i < pixels; i++) {
            sum += input[i];
            largest = input[i] > largest ? input[i] : largest;
        }
        const int32_t average = (sum > 0 ? sum + pixels / 2 : sum - pixels / 2) / pixels;
        output[c] = (int8_t)tp_clamp(maximum ? largest : average, low, high);
        input += (pixels + 3) / 4 * 4;
    }
}

#endif
