/* SPDX-License-Identifier: 0BSD */
/* Convolutions on pairs of pixels: four pixels x two channels at a time, 15 cycles for 16 MACs.
 *
 * Two pixels of one channel stand in a halfword as 256 * second + first, the second signed, the first counted from 0
 * (code + 128). SMLAD of such halfwords gives 256 H + L; SMLAD of their low bytes (UXTB16) gives L. One register so
 * holds four operands, and eight sums fit into the registers. Weights have 16 bits: they are scaled by 2^(1 + s), s
 * per channel, such that all channels shift right by as much. A sum of a channel is below 2^(22 - s), proven.
 *
 * Requantization for a ReLU, whose lowest code is the zero point (ties of negative results are clamped away): with
 * A = sum * 2^(1 + s) * multiplier / 2^32, TFLM's double rounding is (floor(A) + 2^(s - 1) + 2^(shift - 1)) >> shift,
 * s >= 1; and the same on 256 times as much for the second pixel. Without a ReLU, 2^s less where the sum is negative.
 */
#ifndef TP_CONV_PAIRS_DSP_H
#define TP_CONV_PAIRS_DSP_H

#include "tp_conv_2d_dsp.h"
#include "tp_rounding_dsp.h"

#if !defined(__ARM_FP)
#error "compile for a core with an FPU (-mfpu, -mfloat-abi): its registers hold what loops need rarely"
#endif

/* What one call of a TP_PAIRS_FUNCTION does. The function moves `weights` and `channels` on. `x`: groups of four
 * pixels of `row_bytes` each; `copy`: room for the weights of a pair of channels, likewise, where these are copied.
 * `step`: bytes from an output pixel to the next. All in the same memory, but for what is in flash. */
struct tp_pairs_call {
    const int16_t *weights;         /* #0 */
    const struct tp_pair *channels; /* #4 */
    const int8_t *x;                /* #8 */
    const int8_t *x_end;            /* #12 */
    int8_t *copy;                   /* #16 */
    int32_t row_bytes;              /* #20 */
    int8_t *output;                 /* #24 */
    int32_t step;                   /* #28 */
    int32_t pairs;                  /* #32 */
    int32_t rest;                   /* #36: 1: one pixel more, the first of a group at x_end */
};

/* Defines `name`(call): `steps` pairs of input channels an iteration, outputs shifted right by `shift` (7 to 15),
 * those of the second channel by `second`, and stored as `layout`: PIXELS, `step` bytes apart, or PLANES, four
 * neighbours as a word. ties: 1 where ties of negative results must go away from zero, 0 where the clamp hides them.
 * rest: 1 where a call may have a pixel more than fours; alone it takes half of what four take. passes: 1: of one
 * iteration, no end is looked for; 2: more.
 * copies: 1: the weights of a pair of channels are copied into RAM; 0: they are read from where they are.
 *
 * Registers of the inner loop: r0, r1: input channels k and k + 1 of pixels 0, 1 and of pixels 2, 3; r2, r3: the
 * weights of k and k + 1 for the first and the second output channel; r4: input; r5: weights; r6-r9: 256 H + L of
 * pixels 0, 1 (first and second channel) and 2, 3; r10-r12, lr: L of the same. s0-s7: the first eight words of
 * struct tp_pair; s8, s9: where the next outputs go; s10: end of the input; s11, s12: start and end of the weights,
 * s13: step between output pixels, s14: the call; s15: start of the input.
 *
 * Every 32-bit instruction stands on a word, and four loads in a row: see the fetch queue in docs/virtual_board.md. */
#define TP_PAIRS_FUNCTION(name, passes, steps, shift, second, layout, ties, rest, copies)                              \
    TP_ASSEMBLY name(struct tp_pairs_call *call __attribute__((unused)))                                               \
    {                                                                                                                  \
        __asm__(TP_PAIRS_TEXT(passes, steps, shift, second, layout, ties, rest, copies));                              \
    }

#define TP_PAIRS_TEXT(passes, steps, shift, second, layout, ties, rest, copies)                                        \
    ".set .Lmoves, " #passes " > 1\n\t"                                                                                \
    ".set .Lties, " #ties "\n\t"                                                                                       \
    ".set .Lrest, " #rest "\n\t"                                                                                       \
    ".set .Lcopies, " #copies "\n\t"                                                                                   \
    ".set .Lsteps, " #steps "\n\t"                                                                                     \
    ".set .Lcopied, .Lsteps\n\t"                                                                                       \
    ".set .Lfirst_shift, " #shift "\n\t"                                                                               \
    ".set .Lsecond_shift, " #second "\n\t"                                                                             \
    TP_PAIRS_START TP_PAIRS_CHANNELS TP_PAIRS_SUMS TP_PAIRS_OUTPUTS(TP_PAIRS_##layout) TP_PAIRS_END

#define TP_PAIRS_START                                                                                                 \
    ".balign 4\n\t"                                                                                                    \
    "push.w {r4-r11, lr}\n\t"                                                                                          \
    "vmov s14, r0\n\t"                                                                                                 \
    "ldr.w r1, [r0, #8]\n\t"                                                                                           \
    "ldr.w r2, [r0, #12]\n\t"                                                                                          \
    "ldr.w r3, [r0, #28]\n\t"                                                                                          \
    "sub.w r1, r1, #8 * .Lsteps\n\t"                                                                                   \
    "sub.w r2, r2, #8 * .Lsteps\n\t"                                                                                   \
    "vmov s15, r1\n\t"                                                                                                 \
    "vmov s10, r2\n\t"                                                                                                 \
    "vmov s13, r3\n\t"

/* The next two channels: their numbers into s0-s9, their weights into RAM. .Lmoves: the first load of a pass moves the
 * pointer to the weights on. .Lcopied: pairs of words a turn. */
#define TP_PAIRS_CHANNELS                                                                                              \
    "1:\n\t"                                                                                                           \
    "ldr.w r1, [r0, #4]\n\t"                                                                                           \
    "vldmia r1!, {s0-s9}\n\t"                                                                                          \
    "str.w r1, [r0, #4]\n\t"                                                                                           \
    "ldr.w r2, [r0, #24]\n\t"                                                                                          \
    "vmov r3, s8\n\t"                                                                                                  \
    "vmov r6, s9\n\t"                                                                                                  \
    "add.w r3, r3, r2\n\t"                                                                                             \
    "add.w r6, r6, r2\n\t"                                                                                             \
    "vmov s8, r3\n\t"                                                                                                  \
    "vmov s9, r6\n\t"                                                                                                  \
    "ldr.w r1, [r0, #0]\n\t"                                                                                           \
    "ldr.w r2, [r0, #20]\n\t"                                                                                          \
    "add.w r2, r2, r1\n\t"                                                                                             \
    ".if .Lcopies\n\t"                                                                                                 \
    "ldr.w r5, [r0, #16]\n\t"                                                                                          \
    "mov.w r8, r5\n\t"                                                                                                 \
    "2:\n\t"                                                                                                           \
    ".rept .Lcopied\n\t"                                                                                               \
    "ldrd r6, r7, [r1], #8\n\t"                                                                                        \
    "strd r6, r7, [r8], #8\n\t"                                                                                        \
    ".endr\n\t"                                                                                                        \
    "cmp.w r1, r2\n\t"                                                                                                 \
    "bne.w 2b\n\t"                                                                                                     \
    ".else\n\t"                                                                                                        \
    "mov.w r5, r1\n\t"                                                                                                 \
    "mov.w r8, r2\n\t"                                                                                                 \
    ".endif\n\t"                                                                                                       \
    "str.w r2, [r0, #0]\n\t"                                                                                           \
    ".if .Lmoves\n\t"                                                                                                  \
    "sub.w r5, r5, #8 * .Lsteps\n\t"                                                                                   \
    ".endif\n\t"                                                                                                       \
    "sub.w r8, r8, #8 * .Lsteps\n\t"                                                                                   \
    "vmov s11, r5\n\t"                                                                                                 \
    "vmov s12, r8\n\t"                                                                                                 \
    "vmov r4, s15\n\t"

/* The sums begin: H and L of two channels, for pixels 0, 1 and for pixels 2, 3. */
#define TP_PAIRS_BIASES                                                                                                \
    "vmov r10, s0\n\t"                                                                                                 \
    "vmov r11, s1\n\t"                                                                                                 \
    "vmov r6, s2\n\t"                                                                                                  \
    "vmov r7, s3\n\t"                                                                                                  \
    "mov.n r12, r10\n\t"                                                                                               \
    "mov.n lr, r11\n\t"                                                                                                \
    "mov.n r8, r6\n\t"                                                                                                 \
    "mov.n r9, r7\n\t"

/* Four pixels. */
#define TP_PAIRS_SUMS                                                                                                  \
    "3:\n\t" TP_PAIRS_BIASES                                                                                           \
    "4:\n\t"                                                                                                           \
    ".if .Lmoves\n\t"                                                                                                  \
    "ldr.w r2, [r5, #8 * .Lsteps]!\n\t"                                                                                \
    ".else\n\t"                                                                                                        \
    "ldr.w r2, [r5]\n\t"                                                                                               \
    ".endif\n\t"                                                                                                       \
    "ldr.w r0, [r4, #8 * .Lsteps]!\n\t"                                                                                \
    "ldr.n r3, [r5, #4]\n\t"                                                                                           \
    "ldr.n r1, [r4, #4]\n\t" TP_PAIRS_PASS                                                                             \
    ".if .Lmoves\n\t"                                                                                                  \
    "cmp.w r5, r0\n\t"                                                                                                 \
    "bne.w 4b\n\t"                                                                                                     \
    "vmov r5, s11\n\t"                                                                                                 \
    ".endif\n\t"

#define TP_PAIRS_STEP                                                                                                  \
    "smlad r6, r0, r2, r6\n\t"                                                                                         \
    "smlad r7, r0, r3, r7\n\t"                                                                                         \
    "smlad r8, r1, r2, r8\n\t"                                                                                         \
    "smlad r9, r1, r3, r9\n\t"                                                                                         \
    "uxtb16.w r0, r0\n\t"                                                                                              \
    "uxtb16.w r1, r1\n\t"                                                                                              \
    "smlad r10, r0, r2, r10\n\t"                                                                                       \
    "smlad r11, r0, r3, r11\n\t"                                                                                       \
    "smlad r12, r1, r2, r12\n\t"                                                                                       \
    "smlad lr, r1, r3, lr\n\t"

/* What is multiplied, the first words in r0 to r3; then, where there are more passes, the end of the weights in r0. Of
 * a core that starts one instruction a cycle, loads stand side by side. */
#if !defined(TP_DUAL_ISSUE)
#define TP_PAIRS_PASS                                                                                                  \
    TP_PAIRS_STEP ".set .Lat, 8\n\t"                                                                                   \
    ".rept .Lsteps - 1\n\t"                                                                                            \
    "ldr.n r2, [r5, #.Lat]\n\t"                                                                                        \
    "ldr.n r3, [r5, #.Lat + 4]\n\t"                                                                                    \
    "ldr.n r0, [r4, #.Lat]\n\t"                                                                                        \
    "ldr.n r1, [r4, #.Lat + 4]\n\t" TP_PAIRS_STEP ".set .Lat, .Lat + 8\n\t"                                            \
    ".endr\n\t"                                                                                                        \
    ".if .Lmoves\n\t"                                                                                                  \
    "vmov r0, s12\n\t"                                                                                                 \
    ".endif\n\t"
/* Of one that starts two, but one product, each goes with UXTB16 or a load of the next step: eight cycles a step. */
#else
#define TP_PAIRS_DUAL(x0, w0, w1, x1)                                                                                  \
    "smlad r6, r0, r2, r6\n\t"                                                                                         \
    "smlad r7, r0, r3, r7\n\t"                                                                                         \
    "uxtb16.w r0, r0\n\t"                                                                                              \
    "smlad r8, r1, r2, r8\n\t"                                                                                         \
    "smlad r9, r1, r3, r9\n\t"                                                                                         \
    "uxtb16.w r1, r1\n\t"                                                                                              \
    "smlad r10, r0, r2, r10\n\t"                                                                                       \
    "smlad r11, r0, r3, r11\n\t" x0                                                                                    \
    "smlad r12, r1, r2, r12\n\t" w0                                                                                    \
    "smlad lr, r1, r3, lr\n\t" w1 x1
#define TP_PAIRS_PASS                                                                                                  \
    ".set .Lat, 8\n\t"                                                                                                 \
    ".rept .Lsteps - 1\n\t"                                                                                            \
    TP_PAIRS_DUAL("ldr.n r0, [r4, #.Lat]\n\t", "ldr.n r2, [r5, #.Lat]\n\t", "ldr.n r3, [r5, #.Lat + 4]\n\t",           \
                  "ldr.n r1, [r4, #.Lat + 4]\n\t")                                                                     \
    ".set .Lat, .Lat + 8\n\t"                                                                                          \
    ".endr\n\t" TP_PAIRS_DUAL(".if .Lmoves\n\tvmov r0, s12\n\t.endif\n\t", "", "", "")
#endif

/* Requantization and stores. The second channel goes first: where there is none, the first writes over it. */
#define TP_PAIRS_OUTPUTS(store)                                                                                        \
    ".set .Lshift, .Lsecond_shift\n\t"                                                                                 \
    TP_PAIRS_CHANNEL("r11", "lr", "r7", "r9", "s5", "s7", "s9", store)                                                 \
    ".set .Lshift, .Lfirst_shift\n\t"                                                                                  \
    TP_PAIRS_CHANNEL("r10", "r12", "r6", "r8", "s4", "s6", "s8", store)                                                \
    "vmov r0, s10\n\t"                                                                                                 \
    "cmp.w r4, r0\n\t"                                                                                                 \
    "bne.w 3b\n\t"

/* The pixel that is left: its sums in r10 and r11, from the low bytes of a group; of 8 and 16 steps, half a pass. */
#define TP_PAIRS_END                                                                                                   \
    ".if .Lrest\n\t"                                                                                                   \
    ".set .Lpass, .Lsteps\n\t"                                                                                         \
    ".if .Lsteps % 8 == 0\n\t"                                                                                         \
    ".set .Lpass, .Lsteps / 2\n\t"                                                                                     \
    ".endif\n\t"                                                                                                       \
    "vmov r0, s14\n\t"                                                                                                 \
    "ldr.w r1, [r0, #36]\n\t"                                                                                          \
    "cmp.w r1, #0\n\t"                                                                                                 \
    "beq.w 6f\n\t"                                                                                                     \
    "add.w r4, r4, #8 * (.Lsteps - .Lpass)\n\t"                                                                        \
    ".if .Lmoves\n\t"                                                                                                  \
    "add.w r5, r5, #8 * (.Lsteps - .Lpass)\n\t"                                                                        \
    ".else\n\t"                                                                                                        \
    "sub.w r5, r5, #8 * .Lpass\n\t"                                                                                    \
    ".endif\n\t"                                                                                                       \
    "vmov r10, s0\n\t"                                                                                                 \
    "vmov r11, s1\n\t"                                                                                                 \
    "5:\n\t"                                                                                                           \
    "ldr.w r0, [r4, #8 * .Lpass]!\n\t"                                                                                 \
    "ldr.w r2, [r5, #8 * .Lpass]!\n\t"                                                                                 \
    "ldr.n r1, [r4, #8]\n\t"                                                                                           \
    "ldr.n r3, [r5, #4]\n\t"                                                                                           \
    "ldr.n r6, [r5, #8]\n\t"                                                                                           \
    "ldr.n r7, [r5, #12]\n\t" TP_PAIRS_STEPS_OF_ONE ".set .Lat, 16\n\t"                                                \
    ".rept .Lpass / 2 - 1\n\t"                                                                                         \
    "ldr.n r0, [r4, #.Lat]\n\t"                                                                                        \
    "ldr.n r1, [r4, #.Lat + 8]\n\t"                                                                                    \
    "ldr.n r2, [r5, #.Lat]\n\t"                                                                                        \
    "ldr.n r3, [r5, #.Lat + 4]\n\t"                                                                                    \
    "ldr.n r6, [r5, #.Lat + 8]\n\t"                                                                                    \
    "ldr.n r7, [r5, #.Lat + 12]\n\t" TP_PAIRS_STEPS_OF_ONE ".set .Lat, .Lat + 16\n\t"                                  \
    ".endr\n\t"                                                                                                        \
    ".if .Lpass % 2\n\t"                                                                                               \
    "ldr.n r0, [r4, #.Lat]\n\t"                                                                                        \
    "ldr.n r2, [r5, #.Lat]\n\t"                                                                                        \
    "ldr.w r3, [r5, #.Lat + 4]\n\t"                                                                                    \
    "uxtb16.w r0, r0\n\t"                                                                                              \
    "smlad r10, r0, r2, r10\n\t"                                                                                       \
    "smlad r11, r0, r3, r11\n\t"                                                                                       \
    ".endif\n\t"                                                                                                       \
    "vmov r0, s12\n\t"                                                                                                 \
    "add.w r0, r0, #8 * (.Lsteps - .Lpass)\n\t"                                                                        \
    "cmp.w r5, r0\n\t"                                                                                                 \
    "bne.w 5b\n\t"                                                                                                     \
    ".set .Lshift, .Lsecond_shift\n\t"                                                                                 \
    TP_PAIRS_ONE("r11", "s5", "s7", "s9")                                                                              \
    ".set .Lshift, .Lfirst_shift\n\t"                                                                                  \
    TP_PAIRS_ONE("r10", "s4", "s6", "s8") "6:\n\t"                                                                     \
    ".endif\n\t"                                                                                                       \
    "vmov r0, s14\n\t"                                                                                                 \
    "ldr.w r1, [r0, #32]\n\t"                                                                                          \
    "subs.w r1, r1, #1\n\t"                                                                                            \
    "str.w r1, [r0, #32]\n\t"                                                                                          \
    "bne.w 1b\n\t"                                                                                                     \
    "pop.w {r4-r11, pc}\n\t"

#define TP_PAIRS_STEPS_OF_ONE                                                                                          \
    "uxtb16.w r0, r0\n\t"                                                                                              \
    "uxtb16.w r1, r1\n\t"                                                                                              \
    "smlad r10, r0, r2, r10\n\t"                                                                                       \
    "smlad r11, r0, r3, r11\n\t"                                                                                       \
    "smlad r10, r1, r6, r10\n\t"                                                                                       \
    "smlad r11, r1, r7, r11\n\t"

#define TP_PAIRS_ONE(sum, multiplier, rounding, output)                                                                \
    "vmov r0, " multiplier "\n\t"                                                                                      \
    "vmov r1, " rounding "\n\t" TP_PAIRS_TIES TP_PAIRS_SCALED(sum)                                                     \
    "vmov r3, " output "\n\t"                                                                                          \
    "ssat " sum ", #8, " sum ", asr #.Lshift\n\t"                                                                      \
    "strb.w " sum ", [r3]\n\t"

/* r0, r1: multiplier and rounding; r2: 2^s. */
#define TP_PAIRS_SCALED(sum)                                                                                           \
    ".if .Lties\n\t"                                                                                                   \
    "and.w r3, r2, " sum ", asr #31\n\t"                                                                               \
    ".endif\n\t"                                                                                                       \
    "smmla " sum ", " sum ", r0, r1\n\t"                                                                               \
    ".if .Lties\n\t"                                                                                                   \
    "sub.w " sum ", " sum ", r3\n\t"                                                                                   \
    ".endif\n\t"

/* From the lowest bit of the rounding, in r1: 2^s in r2. */
#define TP_PAIRS_TIES                                                                                                  \
    ".if .Lties\n\t"                                                                                                   \
    "rsb.w r2, r1, #0\n\t"                                                                                             \
    "and.w r2, r2, r1\n\t"                                                                                             \
    "lsl.w r2, r2, #1\n\t"                                                                                             \
    ".endif\n\t"

/* low_0, low_2: L of pixels 0 and 2; both_0, both_2: 256 H + L of pixels 0, 1 and 2, 3. */
#define TP_PAIRS_CHANNEL(low_0, low_2, both_0, both_2, multiplier, rounding, output, store)                            \
    "sub.w " both_0 ", " both_0 ", " low_0 "\n\t"                                                                      \
    "sub.w " both_2 ", " both_2 ", " low_2 "\n\t"                                                                      \
    "vmov r0, " multiplier "\n\t"                                                                                      \
    "vmov r1, " rounding "\n\t" TP_PAIRS_TIES TP_PAIRS_SCALED(low_0) TP_PAIRS_SCALED(low_2)                            \
    "lsl.w r1, r1, #8\n\t"                                                                                             \
    ".if .Lties\n\t"                                                                                                   \
    "lsl.w r2, r2, #8\n\t"                                                                                             \
    ".endif\n\t" TP_PAIRS_SCALED(both_0) TP_PAIRS_SCALED(both_2)                                                       \
    "vmov r3, " output "\n\t"                                                                                          \
    "ssat " low_0 ", #8, " low_0 ", asr #.Lshift\n\t"                                                                  \
    "ssat " both_0 ", #8, " both_0 ", asr #.Lshift + 8\n\t"                                                            \
    "ssat " low_2 ", #8, " low_2 ", asr #.Lshift\n\t"                                                                  \
    "ssat " both_2 ", #8, " both_2 ", asr #.Lshift + 8\n\t"                                                            \
    store(low_0, both_0, low_2, both_2)                                                                                \
    "vmov " output ", r3\n\t"

#define TP_PAIRS_PIXELS(first, second, third, fourth)                                                                  \
    "vmov r2, s13\n\t"                                                                                                 \
    "strb.w " first ", [r3]\n\t"                                                                                       \
    "strb.w " second ", [r3, r2]\n\t"                                                                                  \
    "strb.w " third ", [r3, r2, lsl #1]\n\t"                                                                           \
    "add.w r3, r3, r2\n\t"                                                                                             \
    "strb.w " fourth ", [r3, r2, lsl #1]\n\t"                                                                          \
    "add.w r3, r3, r2\n\t"                                                                                             \
    "add.w r3, r3, r2, lsl #1\n\t"

#define TP_PAIRS_PLANES(first, second, third, fourth)                                                                  \
    "bfi " first ", " second ", #8, #8\n\t"                                                                            \
    "bfi " first ", " third ", #16, #8\n\t"                                                                            \
    "bfi " first ", " fourth ", #24, #8\n\t"                                                                           \
    "str.w " first ", [r3], #4\n\t"

/* Four codes of two windows as pairs: words of codes (0, 2) and (1, 3), which stand 8 bytes apart. */
TP_KERNEL void tp_pair_four(int32_t first, int32_t second, int8_t *to)
{
    const uint32_t a = (uint32_t)first ^ 0x80808080U;
    const uint32_t b = (uint32_t)second;
    ((uint32_t *)(void *)to)[0] = (a & 0x00FF00FFU) | (b & 0x00FF00FFU) << 8;
    ((uint32_t *)(void *)to)[2] = ((a >> 8) & 0x00FF00FFU) | (b & 0xFF00FF00U);
}

/* Two windows as pairs: of each row, `row_bytes` behind the one before, the codes that fill words; then the up to
 * three that are left of each row, filled to whole words by any codes, which meet weights of 0. */
TP_KERNEL void tp_pair_windows(const struct tp_window *w, const int8_t *first, const int8_t *second, int32_t row_bytes,
                               int8_t *to)
{
    const int32_t codes = w->kernel_w * w->in_c;
    const int32_t left = codes % 4;
    int32_t at = 0;
    for (int32_t y = 0; y < w->kernel_h; y++) {
#pragma GCC unroll 4
        for (int32_t k = 0; k + 4 <= codes; k += 4) {
            tp_pair_four(tp_load4(&first[y * row_bytes + k]), tp_load4(&second[y * row_bytes + k]), &to[4 * at]);
            at += 4;
        }
    }
    if (left > 0) {
        int8_t of_first[4] TP_ALIGNED;
        int8_t of_second[4] TP_ALIGNED;
        int32_t found = 0;
#pragma GCC unroll 4
        for (int32_t y = 0; y < w->kernel_h; y++) {
#pragma GCC unroll 3
            for (int32_t k = codes - left; k < codes; k++) {
                of_first[found] = first[y * row_bytes + k];
                of_second[found] = second[y * row_bytes + k];
                found++;
                if (found == 4 || (y == w->kernel_h - 1 && k == codes - 1)) {
                    tp_pair_four(tp_load4(of_first), tp_load4(of_second), &to[4 * at]);
                    at += 4;
                    found = 0;
                }
            }
        }
    }
}

/* How the images around a convolution lie, and what it needs scratch for.
 *
 * x_groups: groups of four pixels between two passes over the weights; row_bytes: of a group, see tp_pairs_call.
 * copy_bytes: room for a pair's weights, none where they are not copied.
 * from_planes: the input lies in planes; gathers: some window reaches outside of it, or leaves out codes, and is
 * gathered first. to_planes: the output lies in planes. by_columns: its pixels are counted down the columns.
 * rest: there is one pixel more than fours. */
struct tp_pairs_plan {
    int32_t row_bytes;
    int32_t copy_bytes;
    int32_t x_groups;
    bool from_planes, gathers, to_planes, by_columns, rest;
};

/* The windows of two pixels as pairs. `columns`: room for both where they must be gathered. */
TP_KERNEL void tp_pair_pixels(const struct tp_window *w, const struct tp_pairs_plan *plan, const int8_t *input,
                              int32_t in_zero, const int32_t at[2], int8_t *columns, int8_t *to)
{
    const int32_t window_codes = w->kernel_h * w->kernel_w * w->in_c;
    const int32_t image_row = w->in_w * w->in_c;
    const int8_t *from[2];
    bool whole = true;
    int32_t y[2];
    int32_t x[2];
    for (int32_t i = 0; i < 2; i++) {
        y[i] = plan->by_columns ? at[i] % w->out_h : at[i] / w->out_w;
        x[i] = plan->by_columns ? at[i] / w->out_h : at[i] % w->out_w;
        const int32_t top = y[i] * w->stride_h - w->pad_h;
        const int32_t left = x[i] * w->stride_w - w->pad_w;
        from[i] = &input[top * image_row + left * w->in_c];
        if (plan->gathers) {
            whole = whole && w->dilation_h == 1 && w->dilation_w == 1 && top >= 0 && left >= 0 &&
                    top + w->kernel_h <= w->in_h && left + w->kernel_w <= w->in_w;
        }
    }
    if (!whole) {
        tp_gather(w, input, in_zero, y[0], x[0], columns);
        tp_gather(w, input, in_zero, y[1], x[1], &columns[window_codes]);
        from[0] = columns;
        from[1] = &columns[window_codes];
    }
    tp_pair_windows(w, from[0], from[1], whole ? image_row : w->kernel_w * w->in_c, to);
}

/* The windows of `groups` times four pixels. */
TP_KERNEL void tp_pair_image(const struct tp_window *w, const struct tp_pairs_plan *plan, const int8_t *input,
                             int32_t in_zero, int32_t first, int32_t groups, int8_t *columns, int8_t *x)
{
    const int32_t last = w->out_h * w->out_w - 1;
    for (int32_t pixel = 4 * first; pixel < 4 * (first + groups); pixel += 2) {
        const int32_t at[2] = {pixel < last ? pixel : last, pixel + 1 < last ? pixel + 1 : last};
        int8_t *const to = &x[(pixel / 4 - first) * plan->row_bytes + pixel % 4 * 2];
        tp_pair_pixels(w, plan, input, in_zero, at, columns, to);
    }
}

/* The same of planes: words of two channels give pixels 0, 1 and 2, 3 of both. Two groups a step, and a last one. */
TP_KERNEL void tp_pair_planes(int32_t plane_bytes, int32_t in_c, const int8_t *input, int32_t first, int32_t groups,
                              int32_t row_bytes, int8_t *x)
{
    for (int32_t k = 0; k < in_c; k += 2) {
        const int32_t *a = (const int32_t *)(const void *)&input[k * plane_bytes + 4 * first];
        const int32_t *b = k + 1 < in_c ? &a[plane_bytes / 4] : a; /* meets weights of 0 */
        int8_t *to = &x[4 * k];
        int8_t *next = &to[row_bytes];
        int32_t a0;
        int32_t b0;
        int32_t a1;
        int32_t b1;
        int32_t low;
#pragma GCC unroll 3
        for (int32_t i = groups / 2; i > 0; i--) {
            __asm__ volatile("ldr %[a1], [%[a], #4]\n\t"
                             "ldr %[a0], [%[a]], #8\n\t"
                             "ldr %[b1], [%[b], #4]\n\t"
                             "ldr %[b0], [%[b]], #8\n\t"
                             "eor %[a0], %[a0], #0x00800080\n\t"
                             "eor %[b0], %[b0], #0x00800080\n\t"
                             "eor %[a1], %[a1], #0x00800080\n\t"
                             "eor %[b1], %[b1], #0x00800080\n\t"
                             "pkhbt %[low], %[a0], %[b0], lsl #16\n\t"
                             "pkhtb %[a0], %[b0], %[a0], asr #16\n\t"
                             "pkhbt %[b0], %[a1], %[b1], lsl #16\n\t"
                             "pkhtb %[a1], %[b1], %[a1], asr #16\n\t"
                             "str %[low], [%[to]]\n\t"
                             "str %[a0], [%[to], #4]\n\t"
                             "str %[b0], [%[next]]\n\t"
                             "str %[a1], [%[next], #4]"
                             : [a] "+r"(a), [b] "+r"(b), [a0] "=&r"(a0), [b0] "=&r"(b0), [a1] "=&r"(a1),
                               [b1] "=&r"(b1), [low] "=&r"(low)
                             : [to] "r"(to), [next] "r"(next)
                             : "memory");
            to += 2 * row_bytes;
            next += 2 * row_bytes;
        }
        if (groups % 2 != 0) {
            a0 = *a ^ 0x00800080;
            b0 = *b ^ 0x00800080;
            ((uint32_t *)(void *)to)[0] = ((uint32_t)a0 & 0xFFFFU) | (uint32_t)b0 << 16;
            ((uint32_t *)(void *)to)[1] = (uint32_t)a0 >> 16 | ((uint32_t)b0 & 0xFFFF0000U);
        }
    }
}

/* Channels that shift alike: `pairs` of them, by `function`. */
struct tp_pairs_part {
    void (*function)(struct tp_pairs_call *call);
    int32_t pairs;
};

/* All channels of `groups` groups of pixels at x, and of `rest` pixels more. */
TP_KERNEL void tp_pairs_multiply(const struct tp_pairs_plan *plan, const struct tp_pairs_part *parts, int32_t count,
                                 const int16_t *weights, const struct tp_pair *channels, int32_t step, int8_t *copy,
                                 const int8_t *x, int32_t groups, int32_t rest, int8_t *output)
{
    struct tp_pairs_call call = {
        .weights = weights,
        .channels = channels,
        .x = x,
        .x_end = &x[groups * plan->row_bytes],
        .copy = copy,
        .row_bytes = plan->row_bytes,
        .output = output,
        .step = step,
        .rest = rest,
    };
    for (int32_t i = 0; i < count; i++) {
        call.pairs = parts[i].pairs;
        parts[i].function(&call);
    }
}

/* weights [pairs of channels, row_bytes]: for each pair of taps, those of the first and those of the second channel;
 * zeros behind the last tap. A pair of taps is that of two planes, or (0, 2), (1, 3) of four codes. Scratch: weights
 * of one pair of channels where they are copied, x_groups of row_bytes each, two columns where it gathers, and four
 * pixels of output where the last group is not whole, and the output does not lie in planes, which have room for it. */
TP_LARGE_KERNEL void tp_conv_pairs_dsp(const struct tp_window *w, const struct tp_pairs_plan *plan,
                                       const struct tp_pairs_part *parts, int32_t count, const int8_t *input,
                                       const int16_t *weights, const struct tp_pair *channels, int32_t in_zero,
                                       int32_t low, int32_t high, int8_t *scratch, int8_t *output)
{
    const int32_t pixels = w->out_h * w->out_w;
    const int32_t groups = (pixels + 3) / 4;
    const int32_t whole = plan->to_planes ? groups : pixels / 4;
    int8_t *const x = &scratch[plan->copy_bytes];
    int8_t *const columns = &x[plan->x_groups * plan->row_bytes];
    int8_t *const part_of_four = plan->gathers ? &columns[plan->row_bytes / 2] : columns;
    for (int32_t first = 0; first < groups; first += plan->x_groups) {
        const int32_t end = first + plan->x_groups < groups ? first + plan->x_groups : groups;
        if (plan->from_planes) {
            tp_pair_planes(4 * groups, w->in_c, input, first, end - first, plan->row_bytes, x);
        } else {
            tp_pair_image(w, plan, input, in_zero, first, end - first, columns, x);
        }
        const int32_t rest = plan->rest && end == groups && end - first > 1 ? 1 : 0;
        const int32_t now = (end < whole ? end : whole) - first - (plan->to_planes ? rest : 0);
        if (now > 0) {
            tp_pairs_multiply(plan, parts, count, weights, channels, w->out_c, scratch, x, now, rest,
                              &output[4 * first * (plan->to_planes ? 1 : w->out_c)]);
        }
        if (end > whole && rest == 0) {
            tp_pairs_multiply(plan, parts, count, weights, channels, w->out_c, scratch, &x[now * plan->row_bytes], 1, 0,
                              part_of_four);
            tp_copy(&output[4 * whole * w->out_c], part_of_four, (pixels - 4 * whole) * w->out_c);
        }
    }
    tp_clamp_codes_dsp(output, (plan->to_planes ? 4 * groups : pixels) * w->out_c, low, high);
}

#endif
