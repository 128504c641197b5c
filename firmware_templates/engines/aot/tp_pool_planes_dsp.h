/* SPDX-License-Identifier: 0BSD */
/* AVERAGE_POOL_2D of a whole image that lies in planes: four codes a step. */
#ifndef TP_POOL_PLANES_DSP_H
#define TP_POOL_PLANES_DSP_H

#include "tp_dsp.h"

/* input: `channels` planes of `pixels` codes, each filled to whole words. The average is rounded to the nearest, ties
 * away from 0. USADA8 adds four codes that are counted from 0. */
TP_KERNEL void tp_pool_planes_dsp(int32_t pixels, int32_t channels, const int8_t *input, int32_t low, int32_t high,
                                  int8_t *output)
{
    for (int32_t c = 0; c < channels; c++) {
        uint32_t sum = 0;
        int32_t i = 0;
#pragma GCC unroll 4
        for (; i + 4 <= pixels; i += 4) {
            sum = __usada8((uint32_t)tp_load4(&input[i]) ^ 0x80808080U, 0U, sum);
        }
        int32_t total = (int32_t)sum - 128 * i;
        for (; i < pixels; i++) {
            total += input[i];
        }
        const int32_t average = (total > 0 ? total + pixels / 2 : total - pixels / 2) / pixels;
        output[c] = (int8_t)tp_clamp(average, low, high);
        input += (pixels + 3) / 4 * 4;
    }
}

#endif
