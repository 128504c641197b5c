/* SPDX-License-Identifier: 0BSD */
/* QUANTIZE from float. The output may lie over an input that is already read. */
#ifndef TP_QUANTIZE_H
#define TP_QUANTIZE_H

#include "tp_whole.h"

/* tp_quantize_TO: the nearest code of input / scale, between the type's ends. */
#define TP_QUANTIZE(to, low, high)                                                                                   \
    TP_KERNEL void tp_quantize_##to(int32_t count, const float *input, float scale, int32_t zero, to##_t *output)    \
    {                                                                                                                \
        typedef float TP_ALIASING given;                                                                             \
        typedef to##_t TP_ALIASING made;                                                                             \
        for (int32_t i = 0; i < count; i++) {                                                                        \
            const int32_t steps = tp_clamp(tp_round(((const given *)input)[i] / scale), -(1 << 20), 1 << 20);        \
            ((made *)output)[i] = (to##_t)tp_clamp(steps + zero, low, high);                                         \
        }                                                                                                            \
    }

TP_QUANTIZE(int8, INT8_MIN, INT8_MAX)
TP_QUANTIZE(int16, INT16_MIN, INT16_MAX)

#endif
