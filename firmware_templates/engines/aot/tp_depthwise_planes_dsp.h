/* SPDX-License-Identifier: 0BSD */
/* Depthwise 3x3 convolution with a ReLU, plane by plane: every channel's image lies by itself.
 *
 * A plane is copied into scratch, where the input zero point stands around it; the output may then lie over the input.
 * Two neighbours of a row of outputs are computed at once, down a pair of columns: a word holds the codes that they
 * see of a row, and every row is loaded once (stride 1), or once and a half (stride 2). All channels of a function
 * shift alike, since taps are scaled by 2^(1 + s), s per channel; requantization as in tp_conv_pairs_dsp.h.
 */
#ifndef TP_DEPTHWISE_PLANES_DSP_H
#define TP_DEPTHWISE_PLANES_DSP_H

#include "tp_dsp.h"

#if !defined(__ARM_FP)
#error "compile for a core with an FPU (-mfpu, -mfloat-abi): its registers hold what loops need rarely"
#endif

/* Defines `name`(channel, from, to): the plane `to` [h, w] of the padded plane `from`, whose rows are `row` bytes
 * apart. w is at least 2. Where it is odd, the last but one column is computed twice. `skip`: 1 where the first and the
 * last row of the padded plane hold nothing but zero points, with stride 1: what they add is in the starts of the first
 * and of the last row of outputs (h is then at least 2). */
#define TP_DEPTHWISE_FUNCTION(name, stride, h, w, row, skip, shift)                                                    \
    TP_ASSEMBLY name(const struct tp_depthwise_plane *channel __attribute__((unused)),                                 \
                     const int8_t *from __attribute__((unused)), int8_t *to __attribute__((unused)))                   \
    {                                                                                                                  \
        __asm__(".set .Lh, " #h "\n\t.set .Lw, " #w "\n\t.set .Lrow, " #row "\n\t.set .Lskip, " #skip                  \
                "\n\t.set .Lshift, " #shift                                                                            \
                "\n\t" TP_DEPTHWISE_START TP_DEPTHWISE_##stride TP_DEPTHWISE_END(stride));                             \
    }

/* Registers: r0: the codes above; r1: the word's codes 0 and 2, lr: 1 and 3; r2-r4: taps 0 and 2 of the rows above, of
 * the pixel and below; r5, r6: their taps 1 (r6: low half, the third one; high half, rounds left of the loop);
 * r7, r8: sums of the left and the right output; r9, r10: those of the next row of outputs; r11, r12: multiplier and
 * what is added before the shift. s0: start of the sums, s7: in the first row, s8: in the last one; s1: the last pair
 * of columns; s2: outputs of the pair; s4: the pair; s5: outputs; s6: start of the plane. */
#define TP_DEPTHWISE_START                                                                                             \
    ".balign 4\n\t"                                                                                                    \
    "push.w {r4-r11, lr}\n\t"                                                                                          \
    "vmov s5, r2\n\t"                                                                                                  \
    "vmov s6, r1\n\t"                                                                                                  \
    "vldr s0, [r0, #20]\n\t"                                                                                           \
    "vldr s7, [r0, #24]\n\t"                                                                                           \
    "vldr s8, [r0, #28]\n\t"                                                                                           \
    "ldr.w r11, [r0, #32]\n\t"                                                                                         \
    "ldr.w r12, [r0, #36]\n\t"                                                                                         \
    "ldmia.w r0, {r2-r6}\n\t"                                                                                          \
    "mov.w r0, r1\n\t"

/* The next pair of columns; the last one of an odd number is moved to the left, for it would reach beyond the row. */
#define TP_DEPTHWISE_END(stride)                                                                                       \
    "vmov r0, s4\n\t"                                                                                                  \
    "vmov r1, s1\n\t"                                                                                                  \
    "add.w r0, r0, #2 * " #stride "\n\t"                                                                               \
    "cmp.w r0, r1\n\t"                                                                                                 \
    "bls.w 1b\n\t"                                                                                                     \
    ".if .Lw % 2\n\t"                                                                                                  \
    "sub.w r0, r0, #" #stride "\n\t"                                                                                   \
    "cmp.w r0, r1\n\t"                                                                                                 \
    "beq.w 1b\n\t"                                                                                                     \
    ".endif\n\t"                                                                                                       \
    "pop.w {r4-r11, pc}\n\t"

#define TP_DEPTHWISE_BEGIN(left, right, start)                                                                         \
    "vmov " left ", " start "\n\t"                                                                                     \
    "vmov " right ", " start "\n\t"

#define TP_DEPTHWISE_ROW_0(left)                                                                                       \
    "smlad " left ", r1, r2, " left "\n\t"                                                                             \
    "smlabb " left ", lr, r5, " left "\n\t"

#define TP_DEPTHWISE_ROW_1(left)                                                                                       \
    "smlad " left ", r1, r3, " left "\n\t"                                                                             \
    "smlabt " left ", lr, r5, " left "\n\t"

#define TP_DEPTHWISE_ROW_2(left)                                                                                       \
    "smlad " left ", r1, r4, " left "\n\t"                                                                             \
    "smlabb " left ", lr, r6, " left "\n\t"

#define TP_DEPTHWISE_QUANTIZE(left, right)                                                                             \
    "smmla " left ", " left ", r11, r12\n\t"                                                                           \
    "smmla " right ", " right ", r11, r12\n\t"                                                                         \
    "ssat " left ", #8, " left ", asr #.Lshift\n\t"                                                                    \
    "ssat " right ", #8, " right ", asr #.Lshift\n\t"                                                                  \
    "bfi " left ", " right ", #8, #8\n\t"

/* Stride 1. Row .Lr of the padded plane is the first of outputs' row .Lr (sums in `left`, `right`), the second of the
 * row before (in `left_1`, `right_1`) and the last of the one before that, whose sums it ends. .Lat: the row in r0. */
#define TP_DEPTHWISE_1_ROW(left, right, left_1, right_1)                                                               \
    ".set .Lseen, (.Lr >= .Lskip) && (.Lr < .Lh + 2 - .Lskip)\n\t"                                                     \
    ".if .Lseen\n\t"                                                                                                   \
    "ldr.w r1, [r0, #(.Lr - .Lat) * .Lrow]\n\t"                                                                        \
    "sxtb16.w lr, r1, ror #8\n\t"                                                                                      \
    "sxtb16.w r1, r1\n\t"                                                                                              \
    ".endif\n\t"                                                                                                       \
    ".if (.Lr >= 1) && (.Lr <= .Lh)\n\t" TP_DEPTHWISE_ROW_1(left_1)                                                    \
    "smlad " right_1 ", lr, r3, " right_1 "\n\t"                                                                       \
    ".if .Lr < 2\n\t"                                                                                                  \
    "smlatt " right_1 ", r1, r5, " right_1 "\n\t"                                                                      \
    ".endif\n\t"                                                                                                       \
    ".endif\n\t"                                                                                                       \
    ".if .Lseen && (.Lr >= 2)\n\t" TP_DEPTHWISE_ROW_2(left)                                                            \
    "smlad " right ", lr, r4, " right "\n\t"                                                                           \
    "smlatb " right ", r1, r6, " right "\n\t"                                                                          \
    ".endif\n\t"                                                                                                       \
    ".if (.Lr >= 2) && (.Lr < .Lh + 2)\n\t" TP_DEPTHWISE_QUANTIZE(left, right)                                         \
    "vmov " right ", s2\n\t"                                                                                           \
    ".if .Lr <= .Lh\n\t" /* between an address and its use */                                                          \
    "smlatt " right_1 ", r1, r5, " right_1 "\n\t"                                                                      \
    ".endif\n\t"                                                                                                       \
    "strh.w " left ", [" right ", #(.Lr - .Lto) * .Lw]\n\t"                                                            \
    ".if .Lr == .Llast\n\t"                                                                                            \
    "addw " right ", " right ", #.Lround * .Lw\n\t"                                                                    \
    "vmov s2, " right "\n\t"                                                                                           \
    ".endif\n\t"                                                                                                       \
    ".endif\n\t"                                                                                                       \
    ".if .Lskip && (.Lr == 0)\n\t" TP_DEPTHWISE_BEGIN(left, right, "s7")                                               \
    ".elseif .Lskip && (.Lr == .Lh - 1)\n\t" TP_DEPTHWISE_BEGIN(left, right, "s8")                                     \
    ".elseif .Lr < .Lh\n\t" TP_DEPTHWISE_BEGIN(left, right, "s0")                                                      \
    ".endif\n\t"                                                                                                       \
    ".if .Lseen && (.Lr < .Lh)\n\t" TP_DEPTHWISE_ROW_0(left)                                                           \
    "smlad " right ", lr, r2, " right "\n\t"                                                                           \
    "smlatb " right ", r1, r5, " right "\n\t"                                                                          \
    ".endif\n\t"                                                                                                       \
    ".set .Lr, .Lr + 1\n\t"

#define TP_DEPTHWISE_1_ROWS                                                                                            \
    TP_DEPTHWISE_1_ROW("r7", "r8", "r9", "r10")                                                                        \
    TP_DEPTHWISE_1_ROW("r9", "r10", "r7", "r8")

/* Up to eight rows are unrolled; of more, .Lround a round between the first two and the last 3 to 6. Rounds of four
 * cost the least, but fill the cache of instructions: what copies the next plane is then read from flash again, and
 * with six rows left all of it. .Llast: the last row of a round. */
#define TP_DEPTHWISE_1                                                                                                 \
    "addw r7, r0, #.Lw - 2\n\t"                                                                                        \
    "vmov s1, r7\n\t"                                                                                                  \
    "vmov r7, s5\n\t"                                                                                                  \
    "sub.w r7, r7, r0\n\t"                                                                                             \
    "vmov s5, r7\n\t"                                                                                                  \
    ".if (.Lh % 4 == 2) || (.Lh < 40)\n\t"                                                                             \
    ".set .Lround, 2\n\t"                                                                                              \
    ".else\n\t"                                                                                                        \
    ".set .Lround, 4\n\t"                                                                                              \
    ".endif\n\t"                                                                                                       \
    "1:\n\t"                                                                                                           \
    "vmov s4, r0\n\t"                                                                                                  \
    "vmov r1, s5\n\t"                                                                                                  \
    "add.w r1, r1, r0\n\t"                                                                                             \
    "vmov s2, r1\n\t"                                                                                                  \
    ".set .Lr, 0\n\t"                                                                                                  \
    ".set .Lat, 0\n\t"                                                                                                 \
    ".set .Lto, 2\n\t"                                                                                                 \
    ".set .Llast, -1\n\t"                                                                                              \
    ".if .Lh > 8\n\t"                                                                                                  \
    "movt r6, #(.Lh - 3) / .Lround - 1\n\t" TP_DEPTHWISE_1_ROWS "addw r0, r0, #2 * .Lrow\n\t"                          \
    ".set .Lat, 2\n\t"                                                                                                 \
    ".set .Llast, .Lround + 1\n\t"                                                                                     \
    "2:\n\t"                                                                                                           \
    ".rept .Lround / 2\n\t" TP_DEPTHWISE_1_ROWS ".endr\n\t"                                                            \
    "addw r0, r0, #.Lround * .Lrow\n\t"                                                                                \
    "subs.w r6, r6, #0x10000\n\t"                                                                                      \
    "bpl.w 2b\n\t"                                                                                                     \
    ".set .Llast, -1\n\t"                                                                                              \
    ".set .Lr, 2 + (.Lh - 3) / .Lround * .Lround\n\t"                                                                  \
    ".set .Lat, .Lr\n\t"                                                                                               \
    ".set .Lto, .Lr\n\t"                                                                                               \
    ".rept 3\n\t" TP_DEPTHWISE_1_ROWS ".endr\n\t"                                                                      \
    ".else\n\t"                                                                                                        \
    ".rept (.Lh + 3) / 2\n\t" TP_DEPTHWISE_1_ROWS ".endr\n\t"                                                          \
    ".endif\n\t"

/* Stride 2: the right output sees codes 2, 3 and 4 of a row; code 4 and 2 stand in r9. r10: the outputs. */
#define TP_DEPTHWISE_2_LOAD(at)                                                                                        \
    "ldr.w r1, [r0, #" at "]\n\t"                                                                                      \
    "ldrsb.w r9, [r0, #" at " + 4]\n\t"                                                                                \
    "sxtb16.w lr, r1, ror #8\n\t"                                                                                      \
    "sxtb16.w r1, r1\n\t"                                                                                              \
    "pkhtb r9, r1, r9\n\t"

#define TP_DEPTHWISE_2_ROW_0                                                                                           \
    TP_DEPTHWISE_BEGIN("r7", "r8", "s0") TP_DEPTHWISE_ROW_0("r7")                                                      \
    "smladx r8, r9, r2, r8\n\t"                                                                                        \
    "smlatb r8, lr, r5, r8\n\t"

/* The row of outputs whose second row of codes is `second`, and what its last row adds to the next one. */
#define TP_DEPTHWISE_2_ROWS(second, third)                                                                             \
    TP_DEPTHWISE_2_LOAD(second) TP_DEPTHWISE_ROW_1("r7")                                                               \
    "smladx r8, r9, r3, r8\n\t"                                                                                        \
    "smlatt r8, lr, r5, r8\n\t" TP_DEPTHWISE_2_LOAD(third) TP_DEPTHWISE_ROW_2("r7")                                    \
    "smladx r8, r9, r4, r8\n\t"                                                                                        \
    "smlatb r8, lr, r6, r8\n\t" TP_DEPTHWISE_QUANTIZE("r7", "r8")                                                      \
    "strh.w r7, [r10], #.Lw\n\t"

/* Four or two rows of outputs a round, but of few rows: then what copies the planes must stay in the cache of
 * instructions. */
#define TP_DEPTHWISE_2                                                                                                 \
    "addw r7, r0, #2 * (.Lw - 2)\n\t"                                                                                  \
    "vmov s1, r7\n\t"                                                                                                  \
    ".set .Lround, 1\n\t"                                                                                              \
    ".if (.Lh >= 8) && (.Lh % 2 == 0)\n\t"                                                                             \
    ".set .Lround, 2\n\t"                                                                                              \
    ".endif\n\t"                                                                                                       \
    ".if (.Lh >= 8) && (.Lh % 4 == 0)\n\t"                                                                             \
    ".set .Lround, 4\n\t"                                                                                              \
    ".endif\n\t"                                                                                                       \
    "1:\n\t"                                                                                                           \
    "vmov s4, r0\n\t"                                                                                                  \
    "vmov r1, s6\n\t"                                                                                                  \
    "vmov r10, s5\n\t"                                                                                                 \
    "sub.w r1, r0, r1\n\t"                                                                                             \
    "add.w r10, r10, r1, lsr #1\n\t"                                                                                   \
    "movt r6, #.Lh / .Lround - 1\n\t" TP_DEPTHWISE_2_LOAD("0") TP_DEPTHWISE_2_ROW_0 "2:\n\t"                           \
    ".set .Lat, 0\n\t"                                                                                                 \
    ".rept .Lround\n\t" TP_DEPTHWISE_2_ROWS(".Lat + .Lrow", ".Lat + 2 * .Lrow")                                        \
    TP_DEPTHWISE_2_ROW_0                                                                                               \
    ".set .Lat, .Lat + 2 * .Lrow\n\t"                                                                                  \
    ".endr\n\t"                                                                                                        \
    "addw r0, r0, #2 * .Lround * .Lrow\n\t"                                                                            \
    "subs.w r6, r6, #0x10000\n\t"                                                                                      \
    "bpl.w 2b\n\t"

/* Four words; loads next to each other take a cycle each. */
TP_KERNEL void tp_depthwise_words(int8_t *to, const int8_t *from, int32_t count)
{
    int32_t a = tp_load4(from);
    int32_t b = count > 1 ? tp_load4(&from[4]) : 0;
    int32_t c = count > 2 ? tp_load4(&from[8]) : 0;
    int32_t d = count > 3 ? tp_load4(&from[12]) : 0;
    __asm__("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
    __builtin_memcpy(to, &a, sizeof a);
    if (count > 1) {
        __builtin_memcpy(&to[4], &b, sizeof b);
    }
    if (count > 2) {
        __builtin_memcpy(&to[8], &c, sizeof c);
    }
    if (count > 3) {
        __builtin_memcpy(&to[12], &d, sizeof d);
    }
}

/* A plane in the middle of scratch, around which the input zero point stands. */
TP_KERNEL void tp_depthwise_fill(const struct tp_window *w, int32_t row, const int8_t *plane, int8_t *scratch)
{
    const int32_t words = w->in_w / 4;
    int8_t *to = &scratch[w->pad_h * row + w->pad_w];
    for (int32_t y = 0; y < w->in_h; y++) {
#pragma GCC unroll 7
        for (int32_t x = 0; x < words / 4; x++) {
            tp_depthwise_words(&to[16 * x], &plane[16 * x], 4);
        }
        if (words % 4 != 0) {
            tp_depthwise_words(&to[words / 4 * 16], &plane[words / 4 * 16], words % 4);
        }
        if (w->in_w % 4 >= 2) {
            int16_t both;
            __builtin_memcpy(&both, &plane[4 * words], sizeof both);
            __builtin_memcpy(&to[4 * words], &both, sizeof both);
        }
        if (w->in_w % 2 != 0) {
            to[w->in_w - 1] = plane[w->in_w - 1];
        }
        plane += w->in_w;
        to += row;
    }
}

typedef void (*tp_depthwise_function)(const struct tp_depthwise_plane *channel, const int8_t *from, int8_t *to);

/* input and output: planes of whole words; scratch [scratch_bytes]: the padded plane, rows `row` bytes apart. */
TP_LARGE_KERNEL void tp_depthwise_planes_dsp(const struct tp_window *w, int32_t depth_multiplier,
                                             const tp_depthwise_function *functions, int32_t row, int32_t scratch_bytes,
                                             const int8_t *input, const struct tp_depthwise_plane *channels,
                                             int32_t in_zero, int8_t *scratch, int8_t *output)
{
    const int32_t in_bytes = (w->in_h * w->in_w + 3) / 4 * 4;
    const int32_t out_bytes = (w->out_h * w->out_w + 3) / 4 * 4;
    tp_fill(scratch, in_zero, scratch_bytes);
    for (int32_t c = 0; c < w->out_c; c++) {
        if (c % depth_multiplier == 0) {
            tp_depthwise_fill(w, row, &input[c / depth_multiplier * in_bytes], scratch);
        }
        functions[channels[c].function](&channels[c], scratch, &output[c * out_bytes]);
    }
}

#endif
