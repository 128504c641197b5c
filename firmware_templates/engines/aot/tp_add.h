/* SPDX-License-Identifier: 0BSD */
/* ADD and SUB in portable C, broadcasting included. In place where both inputs are walked alike. */
#ifndef TP_ADD_H
#define TP_ADD_H

#include "tp_kernels.h"

/* One side of the sum. `stride`: elements to the next index of each dimension; 0 where the input repeats. */
struct tp_addend {
    int32_t stride[4];
    int32_t zero, multiplier, shift;
};

/* The code of one input in the common scale, which is 2^left times finer than half the larger input scale. */
TP_KERNEL int32_t tp_add_scaled(const struct tp_addend *side, int32_t left, int32_t q)
{
    return tp_requantize((q - side->zero) * (1 << left), side->multiplier, side->shift);
}

/* a + sign * b, in codes of so many bytes. */
TP_KERNEL void tp_add(const int32_t shape[4], const struct tp_addend *a, const void *input_a, const struct tp_addend *b,
                    const void *input_b, int32_t left, int32_t sign, int32_t multiplier, int32_t shift,
                    int32_t out_zero, int32_t low, int32_t high, int32_t bytes, void *output)
{
    int32_t at = 0;
    for (int32_t i = 0; i < shape[0]; i++) {
        for (int32_t j = 0; j < shape[1]; j++) {
            for (int32_t k = 0; k < shape[2]; k++) {
                const int32_t at_a = i * a->stride[0] + j * a->stride[1] + k * a->stride[2];
                const int32_t at_b = i * b->stride[0] + j * b->stride[1] + k * b->stride[2];
                for (int32_t l = 0; l < shape[3]; l++) {
                    const int32_t sum =
                        tp_add_scaled(a, left, tp_code(input_a, bytes, at_a + l * a->stride[3])) +
                        sign * tp_add_scaled(b, left, tp_code(input_b, bytes, at_b + l * b->stride[3]));
                    const int32_t q = tp_requantize(sum, multiplier, shift) + out_zero;
                    tp_set_code(output, bytes, at++, tp_clamp(q, low, high));
                }
            }
        }
    }
}

#endif
