/* SPDX-License-Identifier: 0BSD */
/* SELECT_V2 of elements of any size, broadcasting included. */
#ifndef TP_SELECT_H
#define TP_SELECT_H

#include <string.h>

#include "tp_kernels.h"

/* `strides`, of condition, first and second choice: elements to the next index of each dimension; 0 where one repeats.
 * Choices and output have elements of `size` bytes. */
TP_KERNEL void tp_select(const int32_t shape[4], const int32_t strides[3][4], int32_t size, const uint8_t *condition,
                         const void *first, const void *second, void *output)
{
    char *out = (char *)output;
    for (int32_t i = 0; i < shape[0]; i++) {
        for (int32_t j = 0; j < shape[1]; j++) {
            for (int32_t k = 0; k < shape[2]; k++) {
                int32_t at[3];
                for (int32_t n = 0; n < 3; n++) {
                    at[n] = i * strides[n][0] + j * strides[n][1] + k * strides[n][2];
                }
                for (int32_t l = 0; l < shape[3]; l++) {
                    const char *one = (const char *)first + (at[1] + l * strides[1][3]) * size;
                    const char *other = (const char *)second + (at[2] + l * strides[2][3]) * size;
                    memcpy(out, condition[at[0] + l * strides[0][3]] != 0U ? one : other, (size_t)size);
                    out += size;
                }
            }
        }
    }
}

#endif
