/* SPDX-License-Identifier: 0BSD */
/* Sigmoid and tanh of 16 bits: TFLM's table of sigmoid(i / 24) x 65536, interpolated. */
#ifndef TP_SIGMOID_H
#define TP_SIGMOID_H

#include "tp_kernels.h"

/* The table at distance / 2^bits, times 2^bits; `beyond` where it ends. */
TP_KERNEL int32_t tp_sigmoid_table(const uint16_t table[256], uint32_t distance, uint32_t bits, int32_t beyond)
{
    const uint32_t at = distance >> bits;
    if (at >= 255U) {
        return beyond;
    }
    const uint32_t low = table[at];
    const uint32_t rest = distance & ((1U << bits) - 1U);
    return (int32_t)((low << bits) + rest * (table[at + 1U] - low));
}

/* Of x * multiplier / 2^right in steps of 1 / (3 * 4096), times 32768. */
TP_KERNEL int32_t tp_sigmoid(const uint16_t table[256], int32_t x, int32_t multiplier, int32_t right)
{
    const int32_t given = (x * multiplier + ((1 << right) >> 1)) >> right;
    const uint32_t distance = given < 0 ? 0U - (uint32_t)given : (uint32_t)given;
    const int32_t made = tp_sigmoid_table(table, distance, 9U, 0x7FFF << 10);
    return (given >= 0 ? made + (1 << 9) : (1 << 25) - made + (1 << 9) - 1) >> 10;
}

TP_KERNEL int32_t tp_tanh(const uint16_t table[256], int32_t x, int32_t multiplier, int32_t right)
{
    const int32_t given = (x * multiplier + ((1 << right) >> 1)) >> right;
    const uint32_t distance = given < 0 ? 0U - (uint32_t)given : (uint32_t)given;
    const int32_t made = tp_sigmoid_table(table, distance, 8U, 0xFFFF << 8);
    return (given >= 0 ? made - (1 << 23) + (1 << 7) : (1 << 23) - made + (1 << 7) - 1) >> 8;
}

/* LOGISTIC and TANH of int16; in place. */
TP_KERNEL void tp_logistic_int16(int32_t count, const uint16_t table[256], const int16_t *input, int32_t multiplier,
                                 int32_t right, int16_t *output)
{
    for (int32_t i = 0; i < count; i++) {
        output[i] = (int16_t)tp_sigmoid(table, input[i], multiplier, right);
    }
}

TP_KERNEL void tp_tanh_int16(int32_t count, const uint16_t table[256], const int16_t *input, int32_t multiplier,
                             int32_t right, int16_t *output)
{
    for (int32_t i = 0; i < count; i++) {
        output[i] = (int16_t)tp_tanh(table, input[i], multiplier, right);
    }
}

#endif
