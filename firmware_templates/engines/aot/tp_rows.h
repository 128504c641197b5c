/* SPDX-License-Identifier: 0BSD */
/* Layers that are done together, row by row: of what lies between them only some rows are there at once. */
#ifndef TP_ROWS_H
#define TP_ROWS_H

#include "tp_kernels.h"

/* Rows `first` up to `end` of an image, `bytes` each, in their order. Whole words. */
struct tp_rows {
    int8_t *at;
    int32_t bytes;
    int32_t first, end;
};

TP_KERNEL int32_t tp_least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

TP_KERNEL int32_t tp_most(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

/* Row y, which is there. */
TP_KERNEL int8_t *tp_row(const struct tp_rows *rows, int32_t y)
{
    return &rows->at[(y - rows->first) * rows->bytes];
}

/* Where the row behind the last one goes, which is there from now on. */
TP_KERNEL int8_t *tp_next_row(struct tp_rows *rows)
{
    rows->end++;
    return tp_row(rows, rows->end - 1);
}

/* Forgets the rows before row y, those not yet made among them, and moves the others to the start. The barrier keeps
 * the compiler from calling memmove, which newlib-nano does byte by byte. */
TP_KERNEL void tp_forget_rows(struct tp_rows *rows, int32_t y)
{
    if (y <= rows->first) {
        return;
    }
    const int8_t *const from = tp_row(rows, y);
    const int32_t bytes = (rows->end - y) * rows->bytes;
#pragma GCC unroll 4
    for (int32_t i = 0; i < bytes; i += 4) {
        int32_t word;
        __builtin_memcpy(&word, &from[i], sizeof word);
        __asm__("" : "+r"(word));
        __builtin_memcpy(&rows->at[i], &word, sizeof word);
    }
    rows->first = y;
    rows->end = tp_most(rows->end, y);
}

#endif
