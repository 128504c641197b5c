/* SPDX-License-Identifier: 0BSD */
/* TRANSPOSE_CONV of int16 in portable C: each output pixel gathers what the input pixels that reach it add. */
#ifndef TP_TRANSPOSE_CONV_INT16_H
#define TP_TRANSPOSE_CONV_INT16_H

#include "tp_transpose_conv.h"
#include "tp_weighted_int16.h"

/* input [in_h, in_w, in_c]; weights [out_c, kernel_h, kernel_w, in_c]; output [out_h, out_w, out_c]. */
TP_KERNEL void tp_transpose_conv_int16(const struct tp_window *w, const int16_t *input, const int8_t *weights,
                                       const int64_t *bias, const struct tp_rescaling *factors, bool narrow, bool wide,
                                       int32_t low, int32_t high, int16_t *output)
{
    for (int32_t y = 0; y < w->out_h; y++) {
        for (int32_t x = 0; x < w->out_w; x++) {
            for (int32_t c = 0; c < w->out_c; c++) {
                int64_t sum = bias[c];
                for (int32_t ky = 0; ky < w->kernel_h; ky++) {
                    const int32_t in_y = tp_under(y + w->pad_h, ky, w->stride_h, w->in_h);
                    for (int32_t kx = 0; in_y >= 0 && kx < w->kernel_w; kx++) {
                        const int32_t in_x = tp_under(x + w->pad_w, kx, w->stride_w, w->in_w);
                        if (in_x >= 0) {
                            const int16_t *pixel = &input[(in_y * w->in_w + in_x) * w->in_c];
                            const int8_t *tap = &weights[((c * w->kernel_h + ky) * w->kernel_w + kx) * w->in_c];
                            sum += tp_products(w->in_c, pixel, tap, narrow);
                        }
                    }
                }
                *output++ = tp_weighted_code(sum, factors[c], wide, low, high);
            }
        }
    }
}

#endif
