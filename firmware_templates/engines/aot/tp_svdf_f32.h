/* SPDX-License-Identifier: 0BSD */
/* SVDF of floats. The state may lie over what it was. */
#ifndef TP_SVDF_F32_H
#define TP_SVDF_F32_H

#include "tp_float.h"

struct tp_svdf_f32 {
    int32_t batch, inputs, units, rank, frames;
    float low, high;
};

/* C's fmin and then fmax, which give the bound for a NaN; nothing where the bound is infinite. */
TP_KERNEL float tp_svdf_clamp(float x, float low, float high)
{
    const float capped = high < TP_INFINITY && !(x < high) ? high : x;
    return low > -TP_INFINITY && !(capped > low) ? low : capped;
}

/* Shifts the frames of a filter, appends the newest, and weights them along time. */
TP_KERNEL float tp_svdf_filter_f32(int32_t frames, const float *time, const float *before, float *after, float newest)
{
    float sum = 0.0f;
    for (int32_t frame = 0; frame < frames; frame++) {
        const float kept = frame == frames - 1 ? newest : before[frame + 1];
        after[frame] = kept;
        sum += time[frame] * kept;
    }
    return sum;
}

TP_KERNEL void tp_svdf_f32(const struct tp_svdf_f32 *svdf, const float *features, const float *time, const float *bias,
                           const float *input, const float *before, float *output, float *after)
{
    int32_t at = 0;
    for (int32_t row = 0; row < svdf->batch; row++) {
        for (int32_t unit = 0; unit < svdf->units; unit++) {
            float sum = bias[unit];
            for (int32_t filter = unit * svdf->rank; filter < (unit + 1) * svdf->rank; filter++) {
                float newest = 0.0f;
                for (int32_t i = 0; i < svdf->inputs; i++) {
                    newest += features[filter * svdf->inputs + i] * input[i];
                }
                sum += tp_svdf_filter_f32(svdf->frames, &time[filter * svdf->frames], &before[at], &after[at], newest);
                at += svdf->frames;
            }
            *output++ = tp_svdf_clamp(sum, svdf->low, svdf->high);
        }
        input += svdf->inputs;
    }
}

#endif
