/* SPDX-License-Identifier: 0BSD */
/* CAST, one loop for each pair of types. The output may lie over an input that is already read. */
#ifndef TP_CAST_H
#define TP_CAST_H

#include "tp_whole.h"

/* `convert`: what becomes of a number before C converts it. */
#define TP_CAST(count, from, to, convert, input, output)                         \
    do {                                                                         \
        typedef from TP_ALIASING given;                                          \
        typedef to TP_ALIASING made;                                             \
        for (int32_t i = 0; i < (count); i++) {                                  \
            ((made *)(output))[i] = (made)convert(((const given *)(input))[i]);  \
        }                                                                        \
    } while (0)

#endif
