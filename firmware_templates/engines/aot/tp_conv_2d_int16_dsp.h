/* SPDX-License-Identifier: 0BSD */
/* CONV_2D and FULLY_CONNECTED of int16 by int8 weights with SMLAD: four products of a run of channels at a time. */
#ifndef TP_CONV_2D_INT16_DSP_H
#define TP_CONV_2D_INT16_DSP_H

#include "tp_dsp.h"
#include "tp_weighted_int16.h"

/* Products of `count` codes and weights, a multiple of four; weights of four in the order 0, 2, 1, 3, so that widening
 * them gives pairs in the order of the codes. What 32 bits keep of the sum. */
TP_KERNEL int32_t tp_products_dsp(int32_t count, const int16_t *codes, const int8_t *weights)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < count; i += 4) {
        const int32_t four = tp_load4(&weights[i]);
        sum = __smlad(tp_load4((const int8_t *)&codes[i]), tp_even(four), sum);
        sum = __smlad(tp_load4((const int8_t *)&codes[i + 2]), tp_odd(four), sum);
    }
    return sum;
}

/* weights [out_c, kernel_h, kernel_w, in_c / groups], reordered; no sum of products leaves 32 bits. */
TP_KERNEL void tp_conv_2d_int16_dsp(const struct tp_window *w, int32_t groups, const int16_t *input,
                                    const int8_t *weights, const int64_t *bias, const struct tp_rescaling *factors,
                                    bool wide, int32_t low, int32_t high, int16_t *output)
{
    const int32_t depth = w->in_c / groups;
    const int32_t each = w->out_c / groups;
    for (int32_t y = 0; y < w->out_h; y++) {
        for (int32_t x = 0; x < w->out_w; x++) {
            for (int32_t c = 0; c < w->out_c; c++) {
                const int8_t *row = &weights[c * w->kernel_h * w->kernel_w * depth];
                int32_t sum = 0;
                for (int32_t i = 0; i < w->kernel_h; i++) {
                    const int32_t in_y = y * w->stride_h - w->pad_h + i * w->dilation_h;
                    for (int32_t j = 0; j < w->kernel_w; j++) {
                        const int32_t in_x = x * w->stride_w - w->pad_w + j * w->dilation_w;
                        if (in_y >= 0 && in_y < w->in_h && in_x >= 0 && in_x < w->in_w) {
                            const int16_t *codes = &input[(in_y * w->in_w + in_x) * w->in_c + c / each * depth];
                            sum += tp_products_dsp(depth, codes, &row[(i * w->kernel_w + j) * depth]);
                        }
                    }
                }
                *output++ = tp_weighted_code(sum + bias[c], factors[c], wide, low, high);
            }
        }
    }
}

#endif
