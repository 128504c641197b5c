/* SPDX-License-Identifier: 0BSD */
/* DYNAMIC_UPDATE_SLICE of elements of any size. In place of the whole. */
#ifndef TP_UPDATE_SLICE_H
#define TP_UPDATE_SLICE_H

#include <string.h>

#include "tp_kernels.h"

/* Writes `update` of shape `part` into `output` of `shape`, from `starts` on; `dimensions` of both. */
TP_KERNEL void tp_write_part(const int32_t *shape, const int32_t *part, int32_t dimensions, int32_t size,
                             const int32_t *starts, const char *update, char *output)
{
    const int32_t row = part[dimensions - 1] * size;
    int32_t rows = 1;
    for (int32_t d = 0; d < dimensions - 1; d++) {
        rows *= part[d];
    }
    for (int32_t i = 0; i < rows; i++) {
        int32_t rest = i, at = starts[dimensions - 1], stride = shape[dimensions - 1];
        for (int32_t d = dimensions - 2; d >= 0; d--) {
            at += (starts[d] + rest % part[d]) * stride;
            rest /= part[d];
            stride *= shape[d];
        }
        memcpy(output + at * size, update + i * row, (size_t)row);
    }
}

/* `type`: of the indices; those at which the part would not fit are moved until it does. */
#define TP_UPDATE_SLICE(shape, part, dimensions, size, type, input, update, indices, output)      \
    do {                                                                                          \
        typedef type TP_ALIASING given;                                                           \
        int32_t starts[dimensions];                                                               \
        int32_t elements = 1;                                                                     \
        for (int32_t d = 0; d < (dimensions); d++) {                                              \
            const type at = ((const given *)(indices))[d];                                        \
            const int32_t most = (shape)[d] - (part)[d];                                          \
            starts[d] = at < 0 ? 0 : (at > most ? most : (int32_t)at);                            \
            elements *= (shape)[d];                                                               \
        }                                                                                         \
        if ((const void *)(input) != (const void *)(output)) {                                    \
            memmove((output), (input), (size_t)(elements * (size)));                              \
        }                                                                                         \
        tp_write_part(shape, part, dimensions, size, starts, (const char *)(update), (char *)(output)); \
    } while (0)

#endif
