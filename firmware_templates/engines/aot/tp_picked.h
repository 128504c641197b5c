/* SPDX-License-Identifier: 0BSD */
/* Copies from places that tables give, in portable C: gathers and mirrored edges. */
#ifndef TP_PICKED_H
#define TP_PICKED_H

#include <string.h>

#include "tp_kernels.h"

/* `counts`: indices of each dimension of the output; `offsets`: what each of them adds, one dimension after the other.
 * `run` neighbours are copied; all in elements of `size` bytes. */
TP_KERNEL void tp_picked(const int32_t counts[4], const int32_t *offsets, int32_t run, int32_t size, const void *input,
                         void *output)
{
    const char *in = (const char *)input;
    char *out = (char *)output;
    const int32_t *second = &offsets[counts[0]];
    const int32_t *third = &second[counts[1]];
    const int32_t *fourth = &third[counts[2]];
    for (int32_t i = 0; i < counts[0]; i++) {
        for (int32_t j = 0; j < counts[1]; j++) {
            for (int32_t k = 0; k < counts[2]; k++) {
                for (int32_t l = 0; l < counts[3]; l++) {
                    memcpy(out, in + (offsets[i] + second[j] + third[k] + fourth[l]) * size, (size_t)(run * size));
                    out += run * size;
                }
            }
        }
    }
}

#endif
