/* SPDX-License-Identifier: 0BSD */
/* SVDF in portable C. The state may lie over what it was. */
#ifndef TP_SVDF_H
#define TP_SVDF_H

#include "tp_kernels.h"

struct tp_svdf {
    int32_t batch, inputs, units, rank, frames;
    int32_t in_zero, state_zero, out_zero;
    int32_t multiplier, shift;         /* to the state; shifts count to the right */
    int32_t out_multiplier, out_shift; /* to the output */
    bool wide;                         /* state and time weights are int16, else int8 */
};

/* Code `i` of a state, or of time weights. */
TP_KERNEL int32_t tp_svdf_code(const struct tp_svdf *svdf, const void *codes, int32_t i)
{
    return svdf->wide ? ((const int16_t *)codes)[i] : ((const int8_t *)codes)[i];
}

/* Sums wrap, and so does a new code that the zero point carries out of its type. */
TP_KERNEL void tp_svdf_keep(const struct tp_svdf *svdf, int32_t code, void *codes, int32_t i)
{
    if (svdf->wide) {
        ((int16_t *)codes)[i] = (int16_t)code;
    } else {
        ((int8_t *)codes)[i] = (int8_t)code;
    }
}

/* The newest code of a filter. */
TP_KERNEL int32_t tp_svdf_feature(const struct tp_svdf *svdf, const int8_t *weights, const int8_t *input)
{
    const int32_t low = svdf->wide ? INT16_MIN : INT8_MIN;
    const int32_t high = svdf->wide ? INT16_MAX : INT8_MAX;
    int32_t sum = 0;
    for (int32_t i = 0; i < svdf->inputs; i++) {
        sum += weights[i] * (input[i] - svdf->in_zero);
    }
    return svdf->state_zero + tp_clamp(tp_requantize(sum, svdf->multiplier, svdf->shift), low, high);
}

/* Shifts the frames of the filter whose first code is `at`, appends the newest, and weights them along time. */
TP_KERNEL uint32_t tp_svdf_filter(const struct tp_svdf *svdf, const void *time, int32_t first, const void *before,
                                  void *after, int32_t at, int32_t newest)
{
    uint32_t sum = 0;
    for (int32_t frame = 0; frame < svdf->frames; frame++) {
        const bool last = frame == svdf->frames - 1;
        tp_svdf_keep(svdf, last ? newest : tp_svdf_code(svdf, before, at + frame + 1), after, at + frame);
        const int32_t code = tp_svdf_code(svdf, after, at + frame) - svdf->state_zero;
        sum += (uint32_t)tp_svdf_code(svdf, time, first + frame) * (uint32_t)code;
    }
    return sum;
}

TP_KERNEL void tp_svdf(const struct tp_svdf *svdf, const int8_t *features, const void *time, const int32_t *bias,
                       const int8_t *input, const void *before, int8_t *output, void *after)
{
    int32_t at = 0;
    for (int32_t row = 0; row < svdf->batch; row++) {
        for (int32_t unit = 0; unit < svdf->units; unit++) {
            uint32_t sum = (uint32_t)bias[unit];
            for (int32_t filter = unit * svdf->rank; filter < (unit + 1) * svdf->rank; filter++) {
                const int32_t newest = tp_svdf_feature(svdf, &features[filter * svdf->inputs], input);
                sum += tp_svdf_filter(svdf, time, filter * svdf->frames, before, after, at, newest);
                at += svdf->frames;
            }
            const int32_t code = tp_requantize((int32_t)sum, svdf->out_multiplier, svdf->out_shift);
            *output++ = (int8_t)tp_clamp(code + svdf->out_zero, INT8_MIN, INT8_MAX);
        }
        input += svdf->inputs;
    }
}

#endif
