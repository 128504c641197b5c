/* SPDX-License-Identifier: 0BSD */
/* Helium: what the kernels for it share. Four outputs are requantized at once, each as tp_requantize does it. */
#ifndef TP_MVE_H
#define TP_MVE_H

#include <arm_mve.h>

#include "tp_kernels.h"

/* Of four channels: biases, multipliers, left shifts, right shifts as negative numbers. */
#define TP_FOUR 16

struct tp_mve_range {
    int32_t out_zero, low, high;
};

/* x * multiplier / 2^31 rounds ties up in VQRDMULH as in tp_multiply_high; VRSHL does too, so that a negative number is
 * made smaller by one first: ties away from zero. */
TP_KERNEL int32x4_t tp_requantize_mve(int32x4_t x, const int32_t *four)
{
    const int32x4_t right = vldrwq_s32(&four[12]);
    int32x4_t scaled = vshlq_s32(vaddq_s32(x, vldrwq_s32(four)), vldrwq_s32(&four[8]));

    scaled = vqrdmulhq_s32(scaled, vldrwq_s32(&four[4]));
    scaled = vqaddq_s32(scaled, vshrq_n_s32(vandq_s32(scaled, right), 31));
    return vrshlq_s32(scaled, right);
}

/* Codes of four channels, each in the low byte of its lane. */
TP_KERNEL int32x4_t tp_codes_mve(int32x4_t x, const int32_t *four, const struct tp_mve_range *range)
{
    const int32x4_t codes = vaddq_n_s32(tp_requantize_mve(x, four), range->out_zero);

    return vminq_s32(vmaxq_s32(codes, vdupq_n_s32(range->low)), vdupq_n_s32(range->high));
}

#endif
