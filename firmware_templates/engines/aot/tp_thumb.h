/* SPDX-License-Identifier: 0BSD */
/* How functions in the 16-bit instructions of Armv6-M begin and end: four sums in r8-r11, which nothing but ADD, CMP
 * and MOV reach. r3: where they come from, and go to at the end. */
#ifndef TP_THUMB_H
#define TP_THUMB_H

#include "tp_kernels.h"

/* Registers are saved, the sums loaded; r4-r7 are free. */
#define TP_THUMB_START                                                                                                 \
    ".syntax unified\n\t"                                                                                              \
    "push {r4-r7, lr}\n\t"                                                                                             \
    "mov r4, r8\n\t"                                                                                                   \
    "mov r5, r9\n\t"                                                                                                   \
    "mov r6, r10\n\t"                                                                                                  \
    "mov r7, r11\n\t"                                                                                                  \
    "push {r3-r7}\n\t"                                                                                                 \
    "ldmia r3!, {r4-r7}\n\t" TP_THUMB_TO_HIGH

#define TP_THUMB_TO_HIGH                                                                                               \
    "mov r8, r4\n\t"                                                                                                   \
    "mov r9, r5\n\t"                                                                                                   \
    "mov r10, r6\n\t"                                                                                                  \
    "mov r11, r7\n\t"

#define TP_THUMB_END                                                                                                   \
    "mov r0, r8\n\t"                                                                                                   \
    "mov r1, r9\n\t"                                                                                                   \
    "mov r2, r10\n\t"                                                                                                  \
    "mov r3, r11\n\t"                                                                                                  \
    "pop {r4}\n\t"                                                                                                     \
    "stmia r4!, {r0-r3}\n\t"                                                                                           \
    "pop {r4-r7}\n\t" TP_THUMB_TO_HIGH "pop {r4-r7, pc}\n\t"

#endif
