/* SPDX-License-Identifier: 0BSD */
/* 3x3 convolutions of stride 1 by Winograd's F(4x4, 3x3), exact in integers: 36 products for 16 outputs, not 144.
 *
 * With B', G', A' of Lavin and Gray ("Fast algorithms for convolutional neural networks", 2015), rows scaled until
 * they are whole: V = B' d B of every 6x6 tile of the input (codes + 128), U = G' w G made at compile time, M = sum
 * over the input channels of U * V at each of 36 positions, Z = A' M A. Z is 576 * Y, divided by 2^(k_i + k_j) with
 * k of a row or column 0, 1, 2, 2. |V| <= 17,340 and |U| <= 6,272 fit 16 bits; Z is exact modulo 2^32, and the
 * division by 9 is a multiplication by its inverse there; |Y| < 2^25 is proven from the weights.
 *
 * Every 32-bit instruction of a loop stands on a word: see the fetch queue in docs/virtual_board.md. */
#ifndef TP_CONV_WINOGRAD_DSP_H
#define TP_CONV_WINOGRAD_DSP_H

#include "tp_rounding_dsp.h"

#if !defined(__ARM_FP)
#error "compile for a core with an FPU (-mfpu, -mfloat-abi): its registers hold what loops need rarely"
#endif

/* From codes to V, for tiles side by side. */
struct tp_winograd_input {
    const uint8_t *codes; /* #0: the first of six rows */
    uint32_t *v;          /* #4: of the first tile, [position, tile / 4, pair of channels, tile % 4] */
    uint32_t *columns;    /* #8: scratch, 24 bytes a column */
    int32_t fours;        /* #12: input channels / 4 */
    int32_t tiles;        /* #16 */
    int32_t bytes;        /* #20: of all columns in a row */
};

/* r0-r5: six values of two channels, high * 2^16 + low, a signed low one borrowing from the high one; B' of them. */
#define TP_WINOGRAD_B                                                                                                  \
    "sub.w r6, r4, r2\n\t"                                                                                             \
    "sub.w r7, r3, r1\n\t"                                                                                             \
    "sub.w r8, r0, r2\n\t"                                                                                             \
    "sub.w r5, r5, r3\n\t"                                                                                             \
    "sub.w r4, r4, r2, lsl #2\n\t"                                                                                     \
    "sub.w r3, r3, r1, lsl #2\n\t"                                                                                     \
    "add.w r0, r6, r8, lsl #2\n\t"                                                                                     \
    "add.w r1, r4, r3\n\t"                                                                                             \
    "sub.w r2, r4, r3\n\t"                                                                                             \
    "add.w r3, r6, r7, lsl #1\n\t"                                                                                     \
    "sub.w r4, r6, r7, lsl #1\n\t"                                                                                     \
    "sub.w r5, r5, r7, lsl #2\n\t"

/* A column of a tile becomes V of six positions. */
#define TP_WINOGRAD_INPUT_COLUMN                                                                                       \
    "ldr.w r1, [r12, #24]\n\t"                                                                                         \
    "ldr.w r2, [r12, #48]\n\t"                                                                                         \
    "ldr.w r3, [r12, #72]\n\t"                                                                                         \
    "ldr.w r4, [r12, #96]\n\t"                                                                                         \
    "ldr.w r5, [r12, #120]\n\t"                                                                                        \
    "ldr.w r0, [r12], #4\n\t"                                                                                          \
    "add.w r4, r4, #0x8000\n\t"                                                                                        \
    "add.w r5, r5, #0x8000\n\t" TP_WINOGRAD_B                                                                          \
    "addw r6, lr, #3 * .Lposition\n\t"                                                                                 \
    "eor.w r0, r0, #0x8000\n\t"                                                                                        \
    "eor.w r1, r1, #0x8000\n\t"                                                                                        \
    "eor.w r2, r2, #0x8000\n\t"                                                                                        \
    "eor.w r3, r3, #0x8000\n\t"                                                                                        \
    "eor.w r4, r4, #0x8000\n\t"                                                                                        \
    "eor.w r5, r5, #0x8000\n\t"                                                                                        \
    "str.w r1, [lr, #.Lposition]\n\t"                                                                                  \
    "str.w r2, [lr, #2 * .Lposition]\n\t"                                                                              \
    "str.w r0, [lr]\n\t"                                                                                               \
    "str.w r4, [r6, #.Lposition]\n\t"                                                                                  \
    "str.w r5, [r6, #2 * .Lposition]\n\t"                                                                              \
    "str.w r3, [r6]\n\t"                                                                                               \
    "addw lr, r6, #3 * .Lposition\n\t"

/* Channels 0 and 2 of four, or, rotated, 1 and 3. First columns: r12, r9: codes of rows 0 to 2 and 3 to 5, lr:
 * columns, r10: end. Then rows of tiles: r12: columns, r9: their end in the tile; lr: V; r10: V of the tile; r11:
 * tiles left. 2^15, put in at two of six values, makes low halves unsigned; EOR takes it out. */
#define TP_WINOGRAD_CHANNELS(rotation)                                                                                 \
    "vmov r12, s0\n\t"                                                                                                 \
    "vmov lr, s2\n\t"                                                                                                  \
    "vmov r9, s5\n\t"                                                                                                  \
    "add.w r10, r12, r9\n\t"                                                                                           \
    "movw r9, #3 * .Lrow\n\t"                                                                                          \
    "add.w r9, r9, r12\n\t"                                                                                            \
    "2:\n\t"                                                                                                           \
    "ldr.w r1, [r12, #.Lrow]\n\t"                                                                                      \
    "ldr.w r2, [r12, #2 * .Lrow]\n\t"                                                                                  \
    "ldr.w r0, [r12], #.Lchannels\n\t"                                                                                 \
    "ldr.w r4, [r9, #.Lrow]\n\t"                                                                                       \
    "ldr.w r5, [r9, #2 * .Lrow]\n\t"                                                                                   \
    "ldr.w r3, [r9], #.Lchannels\n\t"                                                                                  \
    "uxtb16.w r0, r0" rotation "\n\t"                                                                                  \
    "uxtb16.w r1, r1" rotation "\n\t"                                                                                  \
    "uxtb16.w r2, r2" rotation "\n\t"                                                                                  \
    "uxtb16.w r3, r3" rotation "\n\t"                                                                                  \
    "uxtb16.w r4, r4" rotation "\n\t"                                                                                  \
    "uxtb16.w r5, r5" rotation "\n\t" TP_WINOGRAD_B                                                                    \
    "stmia.w lr!, {r0-r5}\n\t"                                                                                         \
    "cmp.w r12, r10\n\t"                                                                                               \
    "bne.w 2b\n\t"                                                                                                     \
    "vmov r12, s2\n\t"                                                                                                 \
    "vmov r10, s1\n\t"                                                                                                 \
    "vmov r11, s4\n\t"                                                                                                 \
    "3:\n\t"                                                                                                           \
    "add.w r9, r12, #24\n\t"                                                                                           \
    "mov.w lr, r10\n\t"                                                                                                \
    "4:\n\t" TP_WINOGRAD_INPUT_COLUMN TP_WINOGRAD_INPUT_COLUMN                                                         \
    "cmp.w r12, r9\n\t"                                                                                                \
    "bne.w 4b\n\t"                                                                                                     \
    "add.w r12, r12, #72\n\t"                                                                                          \
    "add.w r10, r10, #4\n\t"                                                                                           \
    "tst.w r10, #15\n\t"                                                                                               \
    "it.n eq\n\t"                                                                                                      \
    "addweq r10, r10, #8 * .Lchannels - 16\n\t"                                                                        \
    "nop.n\n\t"                                                                                                        \
    "subs.w r11, r11, #1\n\t"                                                                                          \
    "bne.w 3b\n\t"                                                                                                     \
    "vmov r1, s1\n\t"                                                                                                  \
    "add.w r1, r1, #16\n\t"                                                                                            \
    "vmov s1, r1\n\t"

/* Defines `name`(input). channels: of the input; row: bytes of a row in the buffer; position: bytes of V. */
#define TP_WINOGRAD_INPUT(name, channels, row, position)                                                               \
    TP_ASSEMBLY name(const struct tp_winograd_input *input __attribute__((unused)))                                    \
    {                                                                                                                  \
        __asm__(".set .Lchannels, " #channels "\n\t"                                                                   \
                ".set .Lrow, " #row "\n\t"                                                                             \
                ".set .Lposition, " #position "\n\t"                                                                   \
                ".balign 4\n\t"                                                                                        \
                "push.w {r4-r11, lr}\n\t"                                                                              \
                "vldmia r0, {s0-s5}\n\t"                                                                               \
                "1:\n\t" TP_WINOGRAD_CHANNELS("") TP_WINOGRAD_CHANNELS(", ror #8")                                     \
                "vmov r0, s0\n\t"                                                                                      \
                "add.w r0, r0, #4\n\t"                                                                                 \
                "vmov s0, r0\n\t"                                                                                      \
                "vmov r3, s3\n\t"                                                                                      \
                "subs.w r3, r3, #1\n\t"                                                                                \
                "vmov s3, r3\n\t"                                                                                      \
                "bne.w 1b\n\t"                                                                                         \
                "pop.w {r4-r11, pc}");                                                                                 \
    }

/* M of two output channels. */
struct tp_winograd_products {
    const uint32_t *v;     /* #0 */
    const int16_t *u;      /* #4: [position, pair of input channels, output channel, input channel of the pair] */
    const int16_t *u_end;  /* #8 */
    int32_t *m;            /* #12: [position, tile, output channel] */
};

/* A pair of input channels: r2, r3: U of the output channels; r0, r1: V of two tiles. */
#define TP_WINOGRAD_STEP(mac, r6, r7, r8, r9, r10, r11, r12, lr)                                                       \
    "ldr r2, [r5, #.Lat]\n\t"                                                                                          \
    "ldr r3, [r5, #.Lat + 4]\n\t"                                                                                      \
    "ldr r0, [r4, #2 * .Lat]\n\t"                                                                                      \
    "ldr r1, [r4, #2 * .Lat + 4]\n\t" mac " r6, r0, r2" r6 "\n\t" mac " r7, r0, r3" r7 "\n\t" mac                      \
    " r8, r1, r2" r8 "\n\t" mac " r9, r1, r3" r9 "\n\t"                                                                \
    "ldr r0, [r4, #2 * .Lat + 8]\n\t"                                                                                  \
    "ldr r1, [r4, #2 * .Lat + 12]\n\t" mac " r10, r0, r2" r10 "\n\t" mac " r11, r0, r3" r11 "\n\t" mac                 \
    " r12, r1, r2" r12 "\n\t" mac " lr, r1, r3" lr "\n\t"                                                              \
    ".set .Lat, .Lat + 8\n\t"

/* Defines `name`(products). pairs: of input channels; steps: so many at a time; fours: of tiles, of which two are
 * unrolled where they are short enough for the cache of instructions.
 * r6-r12, lr: sums of four tiles and two channels; r4: V, r5: U; s0: end of U; s1: end of V at this position; s2: M;
 * s3: end of U at this position. */
#define TP_WINOGRAD_PRODUCTS(name, pairs, steps, fours)                                                                \
    TP_ASSEMBLY name(const struct tp_winograd_products *products __attribute__((unused)))                              \
    {                                                                                                                  \
        __asm__(".set .Lpairs, " #pairs "\n\t"                                                                         \
                ".set .Lsteps, " #steps "\n\t"                                                                         \
                ".set .Lbytes, 16 * .Lpairs * " #fours "\n\t"                                                          \
                ".set .Lblocks, 1 + ((.Lpairs <= 8) && (" #fours " % 2 == 0))\n\t"                                     \
                ".balign 4\n\t"                                                                                        \
                "push.w {r4-r11, lr}\n\t"                                                                              \
                "ldr.w r4, [r0, #0]\n\t"                                                                               \
                "ldr.w r5, [r0, #4]\n\t"                                                                               \
                "ldr.w r1, [r0, #8]\n\t"                                                                               \
                "ldr.w r2, [r0, #12]\n\t"                                                                              \
                "vmov s0, r1\n\t"                                                                                      \
                "vmov s2, r2\n\t"                                                                                      \
                "addw r3, r4, #.Lbytes\n\t"                                                                            \
                "vmov s1, r3\n\t"                                                                                      \
                "addw r3, r5, #8 * .Lpairs\n\t"                                                                        \
                "vmov s3, r3\n\t"                                                                                      \
                "1:\n\t"                                                                                               \
                ".rept .Lblocks\n\t"                                                                                   \
                ".set .Lat, 0\n\t" TP_WINOGRAD_STEP("smuad", "", "", "", "", "", "", "", "")                           \
                "2:\n\t"                                                                                               \
                ".rept .Lsteps - 1\n\t" TP_WINOGRAD_SUM                                                                \
                ".endr\n\t"                                                                                            \
                "add.w r4, r4, #16 * .Lsteps\n\t"                                                                      \
                ".if .Lpairs > .Lsteps\n\t"                                                                            \
                "add.w r5, r5, #8 * .Lsteps\n\t"                                                                       \
                "vmov r3, s3\n\t"                                                                                      \
                "cmp.w r5, r3\n\t"                                                                                     \
                "beq.w 3f\n\t"                                                                                         \
                ".set .Lat, 0\n\t" TP_WINOGRAD_SUM                                                                     \
                "b.w 2b\n\t"                                                                                           \
                "3:\n\t"                                                                                               \
                "subw r5, r5, #8 * .Lpairs\n\t"                                                                        \
                ".endif\n\t"                                                                                           \
                "vmov r0, s2\n\t"                                                                                      \
                "stmia.w r0!, {r6, r7, r8, r9, r10, r11, r12, lr}\n\t"                                                 \
                "vmov s2, r0\n\t"                                                                                      \
                ".endr\n\t"                                                                                            \
                "vmov r3, s1\n\t"                                                                                      \
                "cmp.w r4, r3\n\t"                                                                                     \
                "bne.w 1b\n\t"                                                                                         \
                "addw r5, r5, #8 * .Lpairs\n\t"                                                                        \
                "addw r3, r3, #.Lbytes\n\t"                                                                            \
                "vmov s1, r3\n\t"                                                                                      \
                "addw r3, r5, #8 * .Lpairs\n\t"                                                                        \
                "vmov s3, r3\n\t"                                                                                      \
                "vmov r0, s0\n\t"                                                                                      \
                "cmp.w r5, r0\n\t"                                                                                     \
                "bne.w 1b\n\t"                                                                                         \
                "pop.w {r4-r11, pc}");                                                                                 \
    }
#define TP_WINOGRAD_SUM TP_WINOGRAD_STEP("smlad", ", r6", ", r7", ", r8", ", r9", ", r10", ", r11", ", r12", ", lr")

/* From M to the outputs of one channel, for tiles side by side. */
struct tp_winograd_output {
    const int32_t *m; /* #0 */
    int8_t *output;   /* #4 */
    int32_t tiles;    /* #8 */
    int32_t row;      /* #12: bytes from a row of outputs to the next */
};

/* A' of r1-r6, but for powers of 2: into a, b, c, d. Free: r7, r8. */
#define TP_WINOGRAD_A(a, b, c, d, low, high)                                                                           \
    "add.w r7, r2, r3\n\t"                                                                                             \
    "sub.w r8, r2, r3\n\t"                                                                                             \
    "add.w " low ", r4, r5\n\t"                                                                                        \
    "sub.w " high ", r4, r5\n\t"                                                                                       \
    "add.w " c ", r7, " low "\n\t"                                                                                     \
    "add.w " b ", " high ", r8, lsl #1\n\t"                                                                            \
    "add.w " a ", " low ", r7, lsl #2\n\t"                                                                             \
    "add.w r1, r1, r1, lsl #1\n\t"                                                                                     \
    "add.w " a ", " a ", r1, lsl #1\n\t"                                                                               \
    "add.w r6, r6, r6, lsl #1\n\t"                                                                                     \
    "add.w " d ", r8, " high ", lsl #1\n\t"                                                                            \
    "add.w " d ", " d ", r6, lsl #1\n\t"

/* A column of M: what its rows become goes onto the stack. */
#define TP_WINOGRAD_COLUMN                                                                                             \
    "ldr.w r2, [r0, #6 * .Lcolumn]\n\t"                                                                                \
    "ldr.w r3, [r0, #12 * .Lcolumn]\n\t"                                                                               \
    "ldr.w r4, [r0, #18 * .Lcolumn]\n\t"                                                                               \
    "ldr.w r5, [r0, #24 * .Lcolumn]\n\t"                                                                               \
    "ldr.w r6, [r0, #30 * .Lcolumn]\n\t"                                                                               \
    "ldr.w r1, [r0], #.Lcolumn\n\t" TP_WINOGRAD_A("r9", "r3", "r2", "r4", "r9", "r10")                                 \
    "str.w r3, [r11, #24]\n\t"                                                                                         \
    "str.w r2, [r11, #48]\n\t"                                                                                         \
    "str.w r4, [r11, #72]\n\t"                                                                                         \
    "str.w r9, [r11], #4\n\t"

/* One output of a row and column whose k add up to `k`. Z / 9 = 64 Y / 2^k by the inverse of 9. With ties, twice Y by
 * a shift, then TFLM's rounding (tp_rounding_dsp.h). Without: x = 2^s * 2 Y, s = 5 - k >= 1, is rounded down where
 * TFLM rounds 2 Y to the nearest, and both pass a whole h at once: x * multiplier / 2^32 >= 2^s * h - 2^(s - 1). So
 * the constant is 2^s * that of twice Y, and half of 2^s more. */
#define TP_WINOGRAD_ROUND(z, k, constant, at)                                                                          \
    "mul.w " z ", " z ", r10\n\t"                                                                                      \
    ".if .Lties\n\t"                                                                                                   \
    "asr.w " z ", " z ", #5 - (" k ")\n\t"                                                                             \
    "smmlar r7, " z ", r12, lr\n\t"                                                                                    \
    "add.w r7, r7, " z ", asr #31\n\t"                                                                                 \
    "ssat r7, #8, r7, asr #.Lshift\n\t"                                                                                \
    "strb.w r7, [r0, #" at " * .Lapart]\n\t"                                                                           \
    ".else\n\t"                                                                                                        \
    "smmla " z ", " z ", r12, " constant "\n\t"                                                                        \
    "ssat " z ", #8, " z ", asr #.Lshift + 5 - (" k ")\n\t"                                                            \
    "strb.w " z ", [r0, #" at " * .Lapart]\n\t"                                                                        \
    ".endif\n\t"

/* A row of a tile, whose k is `k`; its six columns are on top of the stack. */
#define TP_WINOGRAD_ROW(k)                                                                                             \
    "pop.w {r1-r6}\n\t"                                                                                                \
    "add.w r2, r2, r11, asr #" k "\n\t" TP_WINOGRAD_A("r2", "r4", "r9", "r5", "r2", "r3")                              \
    ".ifeq .Lties\n\t"                                                                                                 \
    "asr.w r7, lr, #1\n\t"                                                                                             \
    "asr.w r8, lr, #2\n\t"                                                                                             \
    ".endif\n\t" TP_WINOGRAD_ROUND("r2", k, "lr", "0") TP_WINOGRAD_ROUND("r4", k " + 1", "r7", "1")                    \
        TP_WINOGRAD_ROUND("r9", k " + 2", "r8", "2") TP_WINOGRAD_ROUND("r5", k " + 2", "r8", "3")
#define TP_WINOGRAD_NEXT_ROW                                                                                           \
    "vmov r7, s3\n\t"                                                                                                  \
    "add.w r0, r0, r7\n\t"
/* The constant, from a row of one k to the next. */
#define TP_WINOGRAD_HALF                                                                                               \
    ".ifeq .Lties\n\t"                                                                                                 \
    "asr.w lr, lr, #1\n\t"                                                                                             \
    ".endif\n\t"

/* Defines `name`(output, channel). apart: channels of the output; tiles: of the group; shift: of the channel; ties: the
 * sign of a result matters to its rounding, see tp_rounding_dsp.h.
 * s0: M; s1: where the next tile goes; s2: tiles left; s3: row; r10: the inverse of 9 modulo 2^32; r11: bias; r12:
 * multiplier; lr: constant. The loop over tiles, and who calls for the next row of them, fit the 1 KB of the
 * cache of instructions; so with ties, which take more code, columns are not done in twos. */
#define TP_WINOGRAD_OUTPUT(name, apart, tiles, shift, ties)                                                            \
    TP_ASSEMBLY name(const struct tp_winograd_output *output __attribute__((unused)),                                  \
                     const struct tp_winograd_channel *channel __attribute__((unused)))                                \
    {                                                                                                                  \
        __asm__(".set .Lapart, " #apart "\n\t"                                                                         \
                ".set .Lcolumn, 8 * " #tiles "\n\t"                                                                    \
                ".set .Lshift, " #shift "\n\t"                                                                         \
                ".set .Lties, " #ties "\n\t"                                                                           \
                ".balign 4\n\t"                                                                                        \
                "push.w {r4-r11, lr}\n\t"                                                                              \
                "vldmia r0, {s0-s3}\n\t"                                                                               \
                "vldmia r1, {s4-s6}\n\t"                                                                               \
                "1:\n\t"                                                                                               \
                "sub.w sp, sp, #96\n\t"                                                                                \
                "vmov r0, s0\n\t"                                                                                      \
                "mov.w r11, sp\n\t"                                                                                    \
                "add.w r12, sp, #24\n\t"                                                                               \
                "2:\n\t"                                                                                               \
                ".rept 2 - .Lties\n\t" TP_WINOGRAD_COLUMN ".endr\n\t"                                                  \
                "cmp.w r11, r12\n\t"                                                                                   \
                "bne.w 2b\n\t"                                                                                         \
                "subw r0, r0, #6 * .Lcolumn - 8\n\t"                                                                   \
                "vmov s0, r0\n\t"                                                                                      \
                "vmov r0, s1\n\t"                                                                                      \
                "vmov r12, s5\n\t"                                                                                     \
                "vmov lr, s6\n\t"                                                                                      \
                "vmov r11, s4\n\t"                                                                                     \
                "movw r10, #0x8e39\n\t"                                                                                \
                "movt r10, #0x38e3\n\t"                                                                                \
                TP_WINOGRAD_ROW("0") TP_WINOGRAD_HALF TP_WINOGRAD_NEXT_ROW TP_WINOGRAD_ROW("1") TP_WINOGRAD_HALF       \
                TP_WINOGRAD_NEXT_ROW TP_WINOGRAD_ROW("2") TP_WINOGRAD_NEXT_ROW TP_WINOGRAD_ROW("2")                    \
                "vmov r0, s1\n\t"                                                                                      \
                "addw r0, r0, #4 * .Lapart\n\t"                                                                        \
                "vmov s1, r0\n\t"                                                                                      \
                "vmov r3, s2\n\t"                                                                                      \
                "subs.w r3, r3, #1\n\t"                                                                                \
                "vmov s2, r3\n\t"                                                                                      \
                "bne.w 1b\n\t"                                                                                         \
                "pop.w {r4-r11, pc}");                                                                                 \
    }

/* `count` codes, in fours; each is XORed with one of `mask`. */
TP_KERNEL void tp_winograd_move(uint8_t *to, const uint8_t *from, int32_t count, uint32_t mask)
{
    uint32_t a;
    uint32_t b;
    uint32_t c;
    uint32_t d;
    const uint8_t *const end = &from[count];
    while (end - from >= 32) {
        __asm__ volatile(".balign 4\n\t"
                         ".rept 2\n\t"
                         "ldr.w %[b], [%[from], #4]\n\t"
                         "ldr.w %[c], [%[from], #8]\n\t"
                         "ldr.w %[d], [%[from], #12]\n\t"
                         "ldr.w %[a], [%[from]], #16\n\t"
                         "eor.w %[b], %[b], %[mask]\n\t"
                         "eor.w %[c], %[c], %[mask]\n\t"
                         "eor.w %[d], %[d], %[mask]\n\t"
                         "eor.w %[a], %[a], %[mask]\n\t"
                         "str.w %[b], [%[to], #4]\n\t"
                         "str.w %[c], [%[to], #8]\n\t"
                         "str.w %[d], [%[to], #12]\n\t"
                         "str.w %[a], [%[to]], #16\n\t"
                         ".endr"
                         : [from] "+r"(from), [to] "+r"(to), [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d)
                         : [mask] "r"(mask)
                         : "memory");
    }
    for (; from != end; from += 4) {
        a = (uint32_t)tp_load4((const int8_t *)from) ^ mask;
        __builtin_memcpy(to, &a, sizeof a);
        to += 4;
    }
}

/* One row of the image, counted from -128, with what stands beside it; of zeros outside the image. */
TP_KERNEL void tp_winograd_codes(const struct tp_window *w, const int8_t *input, int32_t in_zero, int32_t y,
                                 uint8_t *row)
{
    const int32_t columns = w->out_w + 2;
    const int32_t zero = in_zero + 128;
    if (y < 0 || y >= w->in_h) {
        tp_fill((int8_t *)row, zero, columns * w->in_c);
        return;
    }
    const int32_t bytes = w->in_w * w->in_c;
    tp_fill((int8_t *)row, zero, w->pad_w * w->in_c);
    row += w->pad_w * w->in_c;
    tp_winograd_move(row, (const uint8_t *)&input[y * bytes], bytes, 0x80808080U);
    tp_fill((int8_t *)&row[bytes], zero, (columns - w->pad_w - w->in_w) * w->in_c);
}

typedef void tp_winograd_input_function(const struct tp_winograd_input *);
typedef void tp_winograd_products_function(const struct tp_winograd_products *);
typedef void (*tp_winograd_output_function)(const struct tp_winograd_output *, const struct tp_winograd_channel *);

/* Input channels in fours, output channels in twos, output rows and columns in fours. cut_tiles x cut_rows tiles are
 * done at a time, filled up to `tiles`, a multiple of 4; `pairs` of output channels get their M, then their outputs, so
 * that code is fetched anew as rarely. scratch: what aligns to 16 bytes, by whose bits tiles are told apart; six rows
 * of codes, V, and columns or M. finish: of each of `channels`, two of which share U. */
TP_LARGE_KERNEL void tp_conv_winograd_dsp(const struct tp_window *w, int32_t cut_tiles, int32_t cut_rows, int32_t tiles,
                                          int32_t pairs, tp_winograd_input_function *transform,
                                          tp_winograd_products_function *multiply,
                                          const tp_winograd_output_function *finish, const int8_t *input,
                                          const int16_t *u, const struct tp_winograd_channel *channels, int32_t in_zero,
                                          int32_t low, int32_t high, int8_t *scratch, int8_t *output)
{
    const int32_t row = (w->out_w + 2) * w->in_c;
    const int32_t u_size = 36 * 2 * w->in_c;
    uint8_t *const codes = (uint8_t *)&scratch[-(uintptr_t)scratch % 16];
    uint32_t *const v = (uint32_t *)(void *)&codes[6 * row];
    int32_t *const m = (int32_t *)&v[18 * tiles * w->in_c];
    for (int32_t y = 0; y < w->out_h / 4; y += cut_rows) {
        const int32_t rows = y + cut_rows < w->out_h / 4 ? cut_rows : w->out_h / 4 - y;
        for (int32_t x = 0; x < w->out_w / 4; x += cut_tiles) {
            for (int32_t r = 0; r < rows; r++) {
                if (x == 0) {
                    /* The last two rows of the tiles above are the first two here. */
                    const int32_t kept = y + r > 0 ? 2 : 0;
                    tp_winograd_move(codes, &codes[4 * row], kept * row, 0);
                    for (int32_t i = kept; i < 6; i++) {
                        tp_winograd_codes(w, input, in_zero, 4 * (y + r) + i - w->pad_h, &codes[i * row]);
                    }
                }
                const int32_t tile = r * cut_tiles;
                const struct tp_winograd_input call = {
                    .codes = &codes[4 * x * w->in_c],
                    .v = &v[tile / 4 * 2 * w->in_c + tile % 4],
                    .columns = (uint32_t *)m,
                    .bytes = (4 * cut_tiles + 2) * w->in_c,
                    .tiles = cut_tiles,
                    .fours = w->in_c / 4,
                };
                transform(&call);
            }
            for (int32_t c = 0; c < w->out_c; c += 2 * pairs) {
                const int32_t left = (w->out_c - c) / 2;
                const int32_t now = pairs < left ? pairs : left;
                for (int32_t i = 0; i < now; i++) {
                    const int16_t *const from = &u[(c / 2 + i) * u_size];
                    const struct tp_winograd_products call = {v, from, &from[u_size], &m[i * 72 * tiles]};
                    multiply(&call);
                }
                for (int32_t i = 0; i < 2 * now; i++) {
                    const struct tp_winograd_channel *const channel = &channels[c + i];
                    for (int32_t r = 0; r < rows; r++) {
                        const struct tp_winograd_output made = {
                            .m = &m[i / 2 * 72 * tiles + i % 2 + r * 2 * cut_tiles],
                            .output = &output[(4 * (y + r) * w->out_w + 4 * x) * w->out_c + channel->output],
                            .tiles = cut_tiles,
                            .row = w->out_w * w->out_c,
                        };
                        finish[c + i](&made, channel);
                    }
                }
            }
        }
        tp_clamp_codes_dsp(&output[4 * y * w->out_w * w->out_c], 4 * rows * w->out_w * w->out_c, low, high);
    }
}

#endif
