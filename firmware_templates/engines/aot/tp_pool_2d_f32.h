/* SPDX-License-Identifier: 0BSD */
/* AVERAGE_POOL_2D, MAX_POOL_2D and L2_POOL_2D of floats. Positions outside the image do not take part. */
#ifndef TP_POOL_2D_F32_H
#define TP_POOL_2D_F32_H

#include "tp_float.h"

/* What a window is reduced to: `start` and `each` make one float of all, `end` is told how many they were. */
struct tp_pooling {
    float start;
    float (*each)(float sum, float x);
    float (*end)(float sum, float count);
};

TP_KERNEL float tp_pool_add(float sum, float x)
{
    return sum + x;
}

TP_KERNEL float tp_pool_add_square(float sum, float x)
{
    return sum + x * x;
}

TP_KERNEL float tp_pool_average(float sum, float count)
{
    return sum / count;
}

TP_KERNEL float tp_pool_root(float sum, float count)
{
    return tp_sqrt_f32(sum / count);
}

TP_KERNEL float tp_pool_plain(float sum, float count)
{
    (void)count;
    return sum;
}

/* input [in_h, in_w, in_c]; output [out_h, out_w, in_c], which also holds what is being reduced. */
TP_KERNEL void tp_pool_2d_f32(const struct tp_window *w, struct tp_pooling pooling, const float *input, float low,
                              float high, float *output)
{
    for (int32_t y = 0; y < w->out_h; y++) {
        const int32_t top = y * w->stride_h - w->pad_h;
        const int32_t first_y = top < 0 ? 0 : top;
        const int32_t last_y = top + w->kernel_h < w->in_h ? top + w->kernel_h : w->in_h;
        for (int32_t x = 0; x < w->out_w; x++) {
            const int32_t left = x * w->stride_w - w->pad_w;
            const int32_t first_x = left < 0 ? 0 : left;
            const int32_t last_x = left + w->kernel_w < w->in_w ? left + w->kernel_w : w->in_w;
            const float count = (float)((last_y - first_y) * (last_x - first_x));
            for (int32_t c = 0; c < w->in_c; c++) {
                output[c] = pooling.start;
            }
            for (int32_t in_y = first_y; in_y < last_y; in_y++) {
                for (int32_t in_x = first_x; in_x < last_x; in_x++) {
                    const float *pixel = &input[(in_y * w->in_w + in_x) * w->in_c];
                    for (int32_t c = 0; c < w->in_c; c++) {
                        output[c] = pooling.each(output[c], pixel[c]);
                    }
                }
            }
            for (int32_t c = 0; c < w->in_c; c++) {
                output[c] = tp_clamp_f32(pooling.end(output[c], count), low, high);
            }
            output += w->in_c;
        }
    }
}

#endif
