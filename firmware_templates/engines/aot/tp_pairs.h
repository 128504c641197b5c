/* SPDX-License-Identifier: 0BSD */
/* What comes of two inputs of any types, element by element, broadcasting included. In place where both are walked
 * alike and the output's elements are no larger. */
#ifndef TP_PAIRS_H
#define TP_PAIRS_H

#include "tp_kernels.h"

/* `stride_a`, `stride_b`: elements to the next index of each dimension; 0 where the input repeats. `expression`: of `a`
 * and `b`, an element of each. */
#define TP_PAIRS(shape, stride_a, type_a, input_a, stride_b, type_b, input_b, type, expression, output)              \
    do {                                                                                                             \
        typedef type_a TP_ALIASING given_a;                                                                          \
        typedef type_b TP_ALIASING given_b;                                                                          \
        typedef type TP_ALIASING made;                                                                               \
        made *to = (made *)(output);                                                                                 \
        for (int32_t i = 0; i < (shape)[0]; i++) {                                                                   \
            for (int32_t j = 0; j < (shape)[1]; j++) {                                                               \
                for (int32_t k = 0; k < (shape)[2]; k++) {                                                           \
                    const int32_t at_a = i * (stride_a)[0] + j * (stride_a)[1] + k * (stride_a)[2];                  \
                    const int32_t at_b = i * (stride_b)[0] + j * (stride_b)[1] + k * (stride_b)[2];                  \
                    for (int32_t l = 0; l < (shape)[3]; l++) {                                                       \
                        const type_a a = ((const given_a *)(input_a))[at_a + l * (stride_a)[3]];                     \
                        const type_b b = ((const given_b *)(input_b))[at_b + l * (stride_b)[3]];                     \
                        *to++ = (type)(expression);                                                                  \
                    }                                                                                                \
                }                                                                                                    \
            }                                                                                                        \
        }                                                                                                            \
    } while (0)

#endif
