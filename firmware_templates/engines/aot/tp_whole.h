/* SPDX-License-Identifier: 0BSD */
/* Floats as integers, with C's undefined cases defined as Arm's VCVT does them. */
#ifndef TP_WHOLE_H
#define TP_WHOLE_H

#include "tp_kernels.h"

/* x without its fraction; beyond 32 bits the last number, 0 for no number. */
TP_KERNEL int32_t tp_truncate(float x)
{
    if (x >= 2147483648.0f) {
        return INT32_MAX;
    }
    if (x <= -2147483648.0f) {
        return INT32_MIN;
    }
    return x == x ? (int32_t)x : 0;
}

/* The same of unsigned numbers. */
TP_KERNEL uint32_t tp_truncate_unsigned(float x)
{
    if (x >= 4294967296.0f) {
        return UINT32_MAX;
    }
    return x > 0.0f ? (uint32_t)x : 0U;
}

/* The nearest integer, ties away from zero; beyond 32 bits as tp_truncate. */
TP_KERNEL int32_t tp_round(float x)
{
    const int32_t whole = tp_truncate(x);
    const float rest = x - (float)whole;
    if (whole == INT32_MAX || whole == INT32_MIN) {
        return whole;
    }
    return whole + (rest >= 0.5f ? 1 : 0) - (rest <= -0.5f ? 1 : 0);
}

#endif
