/* SPDX-License-Identifier: 0BSD */
/* CONV_2D, FULLY_CONNECTED and DEPTHWISE_CONV_2D of int16 by int8 weights. */
#ifndef TP_WEIGHTED_INT16_H
#define TP_WEIGHTED_INT16_H

#include "tp_kernels.h"

/* `wide`: sums have 64 bits; else what 32 bits keep of them. */
TP_KERNEL int16_t tp_weighted_code(int64_t sum, struct tp_rescaling factor, bool wide, int32_t low, int32_t high)
{
    const int32_t q = wide ? tp_requantize_wide(sum, factor.multiplier, factor.shift)
                           : tp_requantize((int32_t)sum, factor.multiplier, factor.shift);
    return (int16_t)tp_clamp(q, low, high);
}

/* Products of `count` codes and weights, the codes `stride` apart from one weight to the next. `narrow`: their sum has
 * 32 bits. */
TP_KERNEL int64_t tp_products(int32_t count, const int16_t *codes, const int8_t *weights, bool narrow)
{
    int32_t short_sum = 0;
    int64_t sum = 0;
    for (int32_t i = 0; i < count; i++) {
        if (narrow) {
            short_sum += codes[i] * weights[i];
        } else {
            sum += codes[i] * weights[i];
        }
    }
    return narrow ? short_sum : sum;
}

/* weights [out_c, kernel_h, kernel_w, in_c / groups]. */
TP_KERNEL void tp_conv_2d_int16(const struct tp_window *w, int32_t groups, const int16_t *input, const int8_t *weights,
                                const int64_t *bias, const struct tp_rescaling *factors, bool narrow, bool wide,
                                int32_t low, int32_t high, int16_t *output)
{
    const int32_t depth = w->in_c / groups;
    const int32_t each = w->out_c / groups;
    for (int32_t y = 0; y < w->out_h; y++) {
        for (int32_t x = 0; x < w->out_w; x++) {
            for (int32_t c = 0; c < w->out_c; c++) {
                const int8_t *row = &weights[c * w->kernel_h * w->kernel_w * depth];
                int64_t sum = bias[c];
                for (int32_t i = 0; i < w->kernel_h; i++) {
                    const int32_t in_y = y * w->stride_h - w->pad_h + i * w->dilation_h;
                    for (int32_t j = 0; j < w->kernel_w; j++) {
                        const int32_t in_x = x * w->stride_w - w->pad_w + j * w->dilation_w;
                        if (in_y >= 0 && in_y < w->in_h && in_x >= 0 && in_x < w->in_w) {
                            const int16_t *codes = &input[(in_y * w->in_w + in_x) * w->in_c + c / each * depth];
                            sum += tp_products(depth, codes, &row[(i * w->kernel_w + j) * depth], narrow);
                        }
                    }
                }
                *output++ = tp_weighted_code(sum, factors[c], wide, low, high);
            }
        }
    }
}

/* weights [kernel_h, kernel_w, out_c]. */
TP_KERNEL void tp_depthwise_conv_2d_int16(const struct tp_window *w, const int16_t *input, const int8_t *weights,
                                          const int64_t *bias, const struct tp_rescaling *factors, bool narrow,
                                          bool wide, int32_t low, int32_t high, int16_t *output)
{
    const int32_t each = w->out_c / w->in_c;
    for (int32_t y = 0; y < w->out_h; y++) {
        for (int32_t x = 0; x < w->out_w; x++) {
            for (int32_t c = 0; c < w->out_c; c++) {
                int32_t short_sum = 0;
                int64_t sum = bias[c];
                for (int32_t i = 0; i < w->kernel_h; i++) {
                    const int32_t in_y = y * w->stride_h - w->pad_h + i * w->dilation_h;
                    for (int32_t j = 0; j < w->kernel_w; j++) {
                        const int32_t in_x = x * w->stride_w - w->pad_w + j * w->dilation_w;
                        if (in_y >= 0 && in_y < w->in_h && in_x >= 0 && in_x < w->in_w) {
                            const int32_t product = input[(in_y * w->in_w + in_x) * w->in_c + c / each] *
                                                    weights[(i * w->kernel_w + j) * w->out_c + c];
                            if (narrow) {
                                short_sum += product;
                            } else {
                                sum += product;
                            }
                        }
                    }
                }
                *output++ = tp_weighted_code(sum + short_sum, factors[c], wide, low, high);
            }
        }
    }
}

#endif
