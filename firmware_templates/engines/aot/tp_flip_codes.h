/* SPDX-License-Identifier: 0BSD */
/* QUANTIZE between int8 and uint8 where every code moves by 128: four at a time. In place. */
#ifndef TP_FLIP_CODES_H
#define TP_FLIP_CODES_H

#include <string.h>

#include "tp_kernels.h"

TP_KERNEL void tp_flip_codes(int32_t count, const void *input, void *output)
{
    const char *in = (const char *)input;
    char *out = (char *)output;
    int32_t i = 0;
    for (; i + 4 <= count; i += 4) {
        uint32_t four;
        __builtin_memcpy(&four, in + i, 4);
        four ^= 0x80808080U;
        __builtin_memcpy(out + i, &four, 4);
    }
    for (; i < count; i++) {
        out[i] = (char)(in[i] ^ 0x80);
    }
}

#endif
