/* SPDX-License-Identifier: 0BSD */
/* Convolutions on pairs of pixels: four pixels x two channels at a time, 15 cycles for 16 MACs.
 *
 * Two pixels of one channel stand in a halfword as 256 * second + first, the second signed, the first counted from 0
 * (code + 128). SMLAD of such halfwords gives 256 H + L; SMLAD of their low bytes (UXTB16) gives L. One register so
 * holds four operands, and eight sums fit into the registers. Weights have 16 bits: they are scaled by 2^(1 + s), s
 * per channel, such that all channels shift right by as much. A sum of a channel is below 2^(22 - s), proven.
 *
 * Requantization for a ReLU, whose lowest code is the zero point -128 (ties of negative results are clamped away): with
 * A = sum * 2^(1 + s) * multiplier / 2^32, TFLM's double rounding is (floor(A) + 2^(s - 1) + 2^(shift - 1)) >> shift,
 * s >= 1; and the same on 256 times as much for the second pixel.
 */
#ifndef TP_CONV_PAIRS_DSP_H
#define TP_CONV_PAIRS_DSP_H

#include "tp_conv_2d_dsp.h"

#if !defined(__ARM_FP)
#error "compile for a core with an FPU (-mfpu, -mfloat-abi): its registers hold what loops need rarely"
#endif

/* What one call of a TP_PAIRS_FUNCTION does. The function moves `weights` and `channels` on. `x`: groups of four pixels
 * of `row_bytes` each; `copy`: room for the weights of a pair of channels, likewise. `step`: bytes from an output pixel
 * to the next. All in the same memory, but for what is in flash. */
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
};

/* Defines `name`(call): `steps` pairs of input channels an iteration, outputs shifted right by `shift` (7 to 15).
 *
 * Registers of the inner loop: r0, r1: input channels k and k + 1 of pixels 0, 1 and of pixels 2, 3; r2, r3: the
 * weights of k and k + 1 for the first and the second output channel; r4: input; r5: weights; r6-r9: 256 H + L of
 * pixels 0, 1 (first and second channel) and 2, 3; r10-r12, lr: L of the same. s0-s7: the first eight words of struct
 * tp_pair; s8, s9: where the next outputs go; s10: end of the input; s11, s12: start and end of the weights, s13: step
 * between output pixels, s14: the call; s15: start of the input.
 *
 * Every 32-bit instruction stands on a word, and four loads in a row: see the fetch queue in docs/virtual_board.md. */
#define TP_PAIRS_FUNCTION(name, steps, shift)                                                                          \
    TP_ASSEMBLY name(struct tp_pairs_call *call __attribute__((unused)))                                               \
    {                                                                                                                  \
        __asm__(TP_PAIRS_TEXT(steps, shift));                                                                          \
    }

#define TP_PAIRS_TEXT(steps, shift)                                                                                    \
    ".set .Lsteps, " #steps "\n\t"                                                                                       \
    ".set .Lshift, " #shift "\n\t" TP_PAIRS_START TP_PAIRS_CHANNELS TP_PAIRS_SUMS TP_PAIRS_OUTPUTS

#define TP_PAIRS_START                                                                                                 \
    ".balign 4\n\t"                                                                                                    \
    "push.w {r4-r11, lr}\n\t"                                                                                          \
    "vmov s14, r0\n\t"                                                                                                 \
    "ldr.w r1, [r0, #8]\n\t"                                                                                           \
    "ldr.w r2, [r0, #12]\n\t"                                                                                          \
    "ldr.w r3, [r0, #28]\n\t"                                                                                          \
    "sub.w r1, r1, #8 * .Lsteps\n\t"                                                                                     \
    "sub.w r2, r2, #8 * .Lsteps\n\t"                                                                                     \
    "vmov s15, r1\n\t"                                                                                                 \
    "vmov s10, r2\n\t"                                                                                                 \
    "vmov s13, r3\n\t"

/* The next two channels: their numbers into s0-s9, their weights into RAM. */
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
    "ldr.w r5, [r0, #16]\n\t"                                                                                          \
    "ldr.w r2, [r0, #20]\n\t"                                                                                          \
    "add.w r2, r2, r1\n\t"                                                                                             \
    "mov.w r8, r5\n\t"                                                                                                 \
    "2:\n\t"                                                                                                           \
    ".rept .Lsteps\n\t"                                                                                                  \
    "ldrd r6, r7, [r1], #8\n\t"                                                                                        \
    "strd r6, r7, [r8], #8\n\t"                                                                                        \
    ".endr\n\t"                                                                                                        \
    "cmp.w r1, r2\n\t"                                                                                                 \
    "bne.w 2b\n\t"                                                                                                     \
    "str.w r1, [r0, #0]\n\t"                                                                                           \
    "sub.w r5, r5, #8 * .Lsteps\n\t"                                                                                     \
    "sub.w r8, r8, #8 * .Lsteps\n\t"                                                                                     \
    "vmov s11, r5\n\t"                                                                                                 \
    "vmov s12, r8\n\t"                                                                                                 \
    "vmov r4, s15\n\t"

/* Four pixels. */
#define TP_PAIRS_SUMS                                                                                                  \
    "3:\n\t"                                                                                                           \
    "vmov r10, s0\n\t"                                                                                                 \
    "vmov r11, s1\n\t"                                                                                                 \
    "vmov r6, s2\n\t"                                                                                                  \
    "vmov r7, s3\n\t"                                                                                                  \
    "vmov r12, s0\n\t"                                                                                                 \
    "vmov lr, s1\n\t"                                                                                                  \
    "vmov r8, s2\n\t"                                                                                                  \
    "vmov r9, s3\n\t"                                                                                                  \
    "4:\n\t"                                                                                                           \
    "ldr.w r0, [r4, #8 * .Lsteps]!\n\t"                                                                                  \
    "ldr.w r2, [r5, #8 * .Lsteps]!\n\t"                                                                                  \
    "ldr.n r1, [r4, #4]\n\t"                                                                                           \
    "ldr.n r3, [r5, #4]\n\t" TP_PAIRS_STEP ".set .Lat, 8\n\t"                                                            \
    ".rept .Lsteps - 1\n\t"                                                                                              \
    "ldr.n r0, [r4, #.Lat]\n\t"                                                                                          \
    "ldr.n r1, [r4, #.Lat + 4]\n\t"                                                                                      \
    "ldr.n r2, [r5, #.Lat]\n\t"                                                                                          \
    "ldr.n r3, [r5, #.Lat + 4]\n\t" TP_PAIRS_STEP ".set .Lat, .Lat + 8\n\t"                                                  \
    ".endr\n\t"                                                                                                        \
    "vmov r0, s12\n\t"                                                                                                 \
    "cmp.w r5, r0\n\t"                                                                                                 \
    "bne.w 4b\n\t"                                                                                                     \
    "vmov r5, s11\n\t"

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

/* Requantization and stores. The second channel goes first: where there is none, the first writes over it. */
#define TP_PAIRS_OUTPUTS                                                                                               \
    TP_PAIRS_CHANNEL("r11", "lr", "r7", "r9", "s5", "s7", "s9")                                                        \
    TP_PAIRS_CHANNEL("r10", "r12", "r6", "r8", "s4", "s6", "s8")                                                       \
    "vmov r0, s10\n\t"                                                                                                 \
    "cmp.w r4, r0\n\t"                                                                                                 \
    "bne.w 3b\n\t"                                                                                                     \
    "vmov r0, s14\n\t"                                                                                                 \
    "ldr.w r1, [r0, #32]\n\t"                                                                                          \
    "subs.w r1, r1, #1\n\t"                                                                                            \
    "str.w r1, [r0, #32]\n\t"                                                                                          \
    "bne.w 1b\n\t"                                                                                                     \
    "pop.w {r4-r11, pc}\n\t"

/* low_0, low_2: L of pixels 0 and 2; both_0, both_2: 256 H + L of pixels 0, 1 and 2, 3. */
#define TP_PAIRS_CHANNEL(low_0, low_2, both_0, both_2, multiplier, rounding, output)                                   \
    "sub.w " both_0 ", " both_0 ", " low_0 "\n\t"                                                                      \
    "sub.w " both_2 ", " both_2 ", " low_2 "\n\t"                                                                      \
    "vmov r0, " multiplier "\n\t"                                                                                      \
    "vmov r1, " rounding "\n\t"                                                                                        \
    "smmla " low_0 ", " low_0 ", r0, r1\n\t"                                                                           \
    "smmla " low_2 ", " low_2 ", r0, r1\n\t"                                                                           \
    "lsl.w r1, r1, #8\n\t"                                                                                             \
    "smmla " both_0 ", " both_0 ", r0, r1\n\t"                                                                         \
    "smmla " both_2 ", " both_2 ", r0, r1\n\t"                                                                         \
    "vmov r2, s13\n\t"                                                                                                 \
    "vmov r3, " output "\n\t"                                                                                          \
    "ssat " low_0 ", #8, " low_0 ", asr #.Lshift\n\t"                                                                    \
    "ssat " both_0 ", #8, " both_0 ", asr #.Lshift + 8\n\t"                                                              \
    "ssat " low_2 ", #8, " low_2 ", asr #.Lshift\n\t"                                                                    \
    "ssat " both_2 ", #8, " both_2 ", asr #.Lshift + 8\n\t"                                                              \
    "strb.w " low_0 ", [r3]\n\t"                                                                                       \
    "strb.w " both_0 ", [r3, r2]\n\t"                                                                                  \
    "strb.w " low_2 ", [r3, r2, lsl #1]\n\t"                                                                           \
    "add.w r3, r3, r2\n\t"                                                                                             \
    "strb.w " both_2 ", [r3, r2, lsl #1]\n\t"                                                                          \
    "add.w r3, r3, r2\n\t"                                                                                             \
    "add.w r3, r3, r2, lsl #1\n\t"                                                                                     \
    "vmov " output ", r3\n\t"

/* Two columns of codes as pairs: every four codes give the words of codes (0, 2) and (1, 3), which stand 8 bytes apart.
 * `codes` is rounded up to a multiple of 4: what stands there meets weights of 0. */
TP_KERNEL void tp_pair_columns(const int8_t *first, const int8_t *second, int32_t codes, int8_t *x)
{
    for (int32_t k = 0; k < codes; k += 4) {
        const uint32_t a = (uint32_t)tp_load4(&first[k]) ^ 0x80808080U;
        const uint32_t b = (uint32_t)tp_load4(&second[k]);
        uint32_t *const to = (uint32_t *)(void *)&x[4 * k];
        to[0] = (a & 0x00FF00FFU) | (b & 0x00FF00FFU) << 8;
        to[2] = ((a >> 8) & 0x00FF00FFU) | (b & 0xFF00FF00U);
    }
}

/* Where a window convolution finds the pairs of pixels it wants. `columns`: room for two windows of row_bytes / 4 codes;
 * NULL where every window is a pixel of the input, whose codes can be read in fours. */
TP_KERNEL void tp_pair_pixels(const struct tp_window *w, const int8_t *input, int32_t in_zero, int32_t first,
                              int32_t groups, int32_t row_bytes, int8_t *columns, int8_t *x)
{
    const int32_t codes = (w->kernel_h * w->kernel_w * w->in_c + 3) / 4 * 4;
    const int32_t last = w->out_h * w->out_w - 1;
    for (int32_t pixel = 4 * first; pixel < 4 * (first + groups); pixel += 2) {
        const int32_t one = pixel < last ? pixel : last;
        const int32_t other = pixel + 1 < last ? pixel + 1 : last;
        int8_t *const to = &x[(pixel / 4 - first) * row_bytes + pixel % 4 * 2];
        if (columns == NULL) {
            tp_pair_columns(&input[one * w->in_c], &input[other * w->in_c], codes, to);
        } else {
            tp_gather(w, input, in_zero, one / w->out_w, one % w->out_w, columns);
            tp_gather(w, input, in_zero, other / w->out_w, other % w->out_w, &columns[codes]);
            tp_pair_columns(columns, &columns[codes], codes, to);
        }
    }
}

/* Channels that shift alike: `pairs` of them, by `function`. */
struct tp_pairs_part {
    void (*function)(struct tp_pairs_call *call);
    int32_t pairs;
};

/* weights [pairs of channels, row_bytes]: for each pair of taps (0, 2), (1, 3) of four, those of the first and those of
 * the second channel; zeros behind the last tap. Scratch: the weights of one pair of channels, `block` groups of four
 * pixels of row_bytes each, two columns unless every window is a pixel (see tp_pair_pixels), and four pixels of
 * output, where the last group is not whole. */
TP_KERNEL void tp_conv_pairs_dsp(const struct tp_window *w, const struct tp_pairs_part *parts, int32_t count,
                                 int32_t row_bytes, int32_t block, bool gathers, const int8_t *input,
                                 const int16_t *weights, const struct tp_pair *channels, int32_t in_zero,
                                 int8_t *scratch, int8_t *output)
{
    const int32_t pixels = w->out_h * w->out_w;
    const int32_t groups = (pixels + 3) / 4;
    int8_t *const x = &scratch[row_bytes];
    int8_t *const columns = gathers ? &x[block * row_bytes] : NULL;
    int8_t *const part_of_four = &x[block * row_bytes + (gathers ? 2 * (row_bytes / 4) : 0)];
    for (int32_t first = 0; first < groups;) {
        int32_t now = groups - first < block ? groups - first : block;
        const bool whole = 4 * (first + now) <= pixels;
        now -= !whole && now > 1 ? 1 : 0; /* the last group goes alone where it is not whole */
        const bool part = 4 * (first + now) > pixels;
        tp_pair_pixels(w, input, in_zero, first, now, row_bytes, columns, x);
        struct tp_pairs_call call = {
            .weights = weights,
            .channels = channels,
            .x = x,
            .x_end = &x[now * row_bytes],
            .copy = scratch,
            .row_bytes = row_bytes,
            .output = part ? part_of_four : &output[4 * first * w->out_c],
            .step = w->out_c,
        };
        for (int32_t i = 0; i < count; i++) {
            call.pairs = parts[i].pairs;
            parts[i].function(&call);
        }
        if (part) {
            tp_copy(&output[4 * first * w->out_c], part_of_four, (pixels - 4 * first) * w->out_c);
        }
        first += now;
    }
}

#endif
