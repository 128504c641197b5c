/* SPDX-License-Identifier: 0BSD */
/* QUANTIZE from codes to codes, and RELU on its own: another scale and zero point, then a clamp. In place. */
#ifndef TP_RESCALE_H
#define TP_RESCALE_H

#include "tp_kernels.h"

/* tp_rescale_FROM_TO; the types may alias, since the output may lie over an input that is already read. */
#define TP_RESCALE(from, to)                                                                                           \
    TP_KERNEL void tp_rescale_##from##_##to(int32_t count, const from##_t *input, int32_t in_zero, int32_t multiplier, \
                                            int32_t shift, int32_t out_zero, int32_t low, int32_t high,                \
                                            to##_t *output)                                                            \
    {                                                                                                                  \
        typedef from##_t TP_ALIASING given;                                                                            \
        typedef to##_t TP_ALIASING made;                                                                               \
        for (int32_t i = 0; i < count; i++) {                                                                          \
            const int32_t q = tp_requantize(((const given *)input)[i] - in_zero, multiplier, shift) + out_zero;        \
            ((made *)output)[i] = (to##_t)tp_clamp(q, low, high);                                                      \
        }                                                                                                              \
    }

TP_RESCALE(int8, int8)
TP_RESCALE(int8, uint8)
TP_RESCALE(int8, int16)
TP_RESCALE(int8, int32)
TP_RESCALE(uint8, int8)
TP_RESCALE(int16, int8)
TP_RESCALE(int16, int16)
TP_RESCALE(int16, int32)
TP_RESCALE(int32, int8)
TP_RESCALE(int32, int16)

#endif
