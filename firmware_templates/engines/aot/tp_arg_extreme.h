/* SPDX-License-Identifier: 0BSD */
/* ARG_MAX and ARG_MIN in portable C. */
#ifndef TP_ARG_EXTREME_H
#define TP_ARG_EXTREME_H

#include "tp_kernels.h"

/* Where along `depth` of [outer, depth, inner] the element stands that is `better` (> or <) than all before it. */
#define TP_ARG_EXTREME(outer, depth, inner, type, better, input, output)             \
    do {                                                                             \
        typedef type TP_ALIASING given;                                              \
        typedef int32_t TP_ALIASING made;                                            \
        for (int32_t i = 0; i < (outer) * (inner); i++) {                            \
            const int32_t first = i / (inner) * (inner) * (depth) + i % (inner);     \
            const given *column = (const given *)(input) + first;                    \
            int32_t best = 0;                                                        \
            for (int32_t j = 1; j < (depth); j++) {                                  \
                best = column[j * (inner)] better column[best * (inner)] ? j : best; \
            }                                                                        \
            ((made *)(output))[i] = best;                                            \
        }                                                                            \
    } while (0)

#endif
