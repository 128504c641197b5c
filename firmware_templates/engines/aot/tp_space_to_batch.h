/* SPDX-License-Identifier: 0BSD */
/* SPACE_TO_BATCH_ND in portable C. */
#ifndef TP_SPACE_TO_BATCH_H
#define TP_SPACE_TO_BATCH_H

#include <string.h>

#include "tp_kernels.h"

/* Images [batch, height, width, channels]; each output image holds one pixel of every block of `tall` by `broad`.
 * Outside of the input, which starts at row `above` and column `left`, there is `value`; elements take `size` bytes. */
TP_KERNEL void tp_space_to_batch(const int32_t in_shape[4], const int32_t out_shape[4], int32_t tall, int32_t broad,
                                 int32_t above, int32_t left, const void *value, int32_t size, const void *input,
                                 void *output)
{
    const char *in = (const char *)input;
    char *out = (char *)output;
    for (int32_t n = 0; n < tall * broad * in_shape[0]; n++) {
        const int32_t image = n % in_shape[0], place = n / in_shape[0];
        for (int32_t row = 0; row < out_shape[1]; row++) {
            const int32_t y = row * tall + place / broad - above;
            for (int32_t column = 0; column < out_shape[2]; column++) {
                const int32_t x = column * broad + place % broad - left;
                const bool inside = y >= 0 && y < in_shape[1] && x >= 0 && x < in_shape[2];
                for (int32_t c = 0; c < in_shape[3]; c++) {
                    const int32_t at = ((image * in_shape[1] + y) * in_shape[2] + x) * in_shape[3] + c;
                    memcpy(out, inside ? in + at * size : (const char *)value, (size_t)size);
                    out += size;
                }
            }
        }
    }
}

#endif
