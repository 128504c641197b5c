/* SPDX-License-Identifier: 0BSD */
/* Convolutions of 3x3 and other small windows on pairs of pixels without im2col: four pixels x two channels at a time.
 *
 * As in tp_conv_pairs_dsp.h, two pixels of one channel stand in a halfword; here a pixel and the one that is half a row
 * of outputs further. An image of such pairs, [row, column, channel], with the zero point around it, holds the window
 * of two outputs as a run of halfwords in each of its rows, and those of their right neighbours a few bytes further. */
#ifndef TP_CONV_DIRECT_DSP_H
#define TP_CONV_DIRECT_DSP_H

#include "tp_conv_pairs_dsp.h"

/* What one call of a TP_DIRECT_FUNCTION does; `pair` as in TP_PAIRS_FUNCTION: `x` is the paired image, `x_end` the
 * first pixel of the first row of windows that is not to be done, `row_bytes` those of the weights of two channels. */

/* Defines `name`(call): windows of `rows` rows, each of `passes` times `steps` pairs of halfwords; a row of the paired
 * image has `row` bytes, from a pixel to the next are `apart`, to the next row of windows `down`. half: outputs of half
 * a row; made: bytes from an output pixel to the next (PIXELS). shift, second, layout, ties: see TP_PAIRS_FUNCTION.
 * With one pass a row and few steps all rows are unrolled, which must all stay in the cache of instructions. Where
 * `apart` is no multiple of four, half of the loads of pixels are unaligned: less than another channel would take; and
 * longer, so that nothing is unrolled. odd: 1 where all rows are unrolled, and the last halfword of each one's run is
 * not of the window: the last of two rows then share a word and their weights, behind those of all other halfwords.
 * next: columns from an output to its neighbour: 2 where `apart` is odd halfwords. Even columns are then done for two
 * channels, and again for the same ones the odd columns, whose weights stand a halfword later, so that all loads are of
 * whole words.
 *
 * Registers as in TP_PAIRS_FUNCTION, but for s10: end of the row of a window; s13: end of the row of outputs. */
#define TP_DIRECT_FUNCTION(name, rows, passes, steps, odd, next, row, apart, down, half, made, shift, second, layout,  \
                           ties)                                                                                       \
    TP_ASSEMBLY name(struct tp_pairs_call *call __attribute__((unused)))                                               \
    {                                                                                                                  \
        __asm__(".set .Lrows, " #rows "\n\t.set .Lpasses, " #passes "\n\t.set .Lsteps, " #steps                        \
                "\n\t.set .Lodd, " #odd "\n\t.set .Lnext, " #next "\n\t.set .Lrow, " #row                              \
                "\n\t.set .Lapart, " #apart "\n\t.set .Ldown, " #down                                                  \
                "\n\t.set .Lhalf, " #half "\n\t.set .Lmade, " #made "\n\t.set .Lfirst_shift, " #shift                  \
                "\n\t.set .Lsecond_shift, " #second                                                                  \
                "\n\t.set .Lties, " #ties "\n\t.set .Lcopies, 1"                                                      \
                "\n\t" TP_DIRECT_START TP_PAIRS_CHANNELS TP_DIRECT_SUMS TP_DIRECT_OUTPUTS(TP_DIRECT_##layout));        \
    }

/* The first load of a pass moves the pointer on, but where all rows are unrolled. */
#define TP_DIRECT_START                                                                                                \
    ".balign 16\n\t"                                                                                                   \
    ".set .Lsecond, .Lnext * .Lapart\n\t"                                                                              \
    ".set .Lunrolled, (.Lpasses == 1) && (.Lrows * .Lsteps <= 15) && (.Lsecond % 4 == 0)\n\t"                          \
    ".if .Lunrolled\n\t"                                                                                               \
    ".set .Lmoves, 0\n\t"                                                                                              \
    ".set .Lahead, 0\n\t"                                                                                              \
    ".else\n\t"                                                                                                        \
    ".set .Lmoves, 1\n\t"                                                                                              \
    ".set .Lahead, 4 * .Lsteps\n\t"                                                                                    \
    ".endif\n\t"                                                                                                       \
    ".set .Lcopied, .Lsteps\n\t"                                                                                       \
    ".if .Lodd\n\t"                                                                                                    \
    ".set .Lcopied, .Lrows * .Lsteps - .Lrows / 2\n\t"                                                                 \
    ".endif\n\t"                                                                                                       \
    "push.w {r4-r11, lr}\n\t"                                                                                          \
    "vmov s14, r0\n\t"                                                                                                 \
    "ldr.w r1, [r0, #8]\n\t"                                                                                           \
    "sub.w r1, r1, #.Lahead\n\t"                                                                                       \
    "vmov s15, r1\n\t"

/* Four pixels: x, x + half, x + 1, x + 1 + half. */
#define TP_DIRECT_SUMS                                                                                                 \
    "2:\n\t"                                                                                                           \
    "addw r0, r4, #.Lhalf * .Lapart\n\t"                                                                               \
    "vmov s13, r0\n\t"                                                                                                 \
    ".if .Lunrolled\n\t"                                                                                               \
    ".balign 16\n\t" /* all of a row of outputs stays within the 32 lines of the cache of instructions */              \
    ".endif\n\t"                                                                                                       \
    "3:\n\t" TP_PAIRS_BIASES                                                                                           \
    ".if .Lunrolled\n\t"                                                                                               \
    ".set .Lw, 0\n\t"                                                                                                  \
    ".set .Lbase, 0\n\t"                                                                                               \
    ".rept .Lrows\n\t"                                                                                                 \
    ".set .Lat, .Lbase\n\t"                                                                                            \
    ".rept .Lsteps - .Lodd\n\t" TP_DIRECT_STEP ".endr\n\t"                                                             \
    ".if .Lodd\n\t"                                                                                                    \
    ".set .Lbase, .Lbase + .Lrow\n\t"                                                                                  \
    ".elseif .Lw < 8 * .Lrows * .Lsteps\n\t" /* narrow loads, or the loop would not fit the cache of instructions */   \
    "addw r4, r4, #.Lrow\n\t"                                                                                          \
    ".endif\n\t"                                                                                                       \
    ".endr\n\t"                                                                                                        \
    ".set .Lat, 4 * (.Lsteps - 1)\n\t"                                                                                 \
    ".rept .Lodd * (.Lrows / 2)\n\t" TP_DIRECT_SHARED_STEP ".endr\n\t"                                                 \
    ".rept .Lodd * (.Lrows % 2)\n\t" TP_DIRECT_STEP ".endr\n\t"                                                        \
    ".else\n\t"                                                                                                        \
    ".if .Lpasses > 1\n\t"                                                                                             \
    "addw r0, r4, #.Lpasses * 4 * .Lsteps\n\t"                                                                         \
    "vmov s10, r0\n\t"                                                                                                 \
    ".endif\n\t"                                                                                                       \
    "4:\n\t"                                                                                                           \
    "ldr.w r0, [r4, #4 * .Lsteps]!\n\t"                                                                                \
    "ldr.w r2, [r5, #8 * .Lsteps]!\n\t"                                                                                \
    "ldr.w r1, [r4, #.Lsecond]\n\t"                                                                                    \
    "ldr.w r3, [r5, #4]\n\t" TP_PAIRS_STEP ".set .Lat, 4\n\t"                                                          \
    ".set .Lw, 8\n\t"                                                                                                  \
    ".rept .Lsteps - 1\n\t" TP_DIRECT_STEP ".endr\n\t"                                                                 \
    ".if .Lpasses > 1\n\t"                                                                                             \
    "vmov r0, s10\n\t"                                                                                                 \
    "cmp.w r4, r0\n\t"                                                                                                 \
    "bne.w 4b\n\t"                                                                                                     \
    "addw r0, r0, #.Lrow\n\t"                                                                                          \
    "vmov s10, r0\n\t"                                                                                                 \
    ".endif\n\t"                                                                                                       \
    "addw r4, r4, #.Lrow - .Lpasses * 4 * .Lsteps\n\t"                                                                 \
    "vmov r0, s12\n\t"                                                                                                 \
    "cmp.w r5, r0\n\t"                                                                                                 \
    "bne.w 4b\n\t"                                                                                                     \
    "vmov r5, s11\n\t"                                                                                                 \
    ".endif\n\t"

#define TP_DIRECT_STEP                                                                                                 \
    ".if (.Lsecond + .Lat > 124) || (.Lsecond % 4)\n\t"                                                                \
    "ldr.w r0, [r4, #.Lat]\n\t"                                                                                        \
    "ldr.w r1, [r4, #.Lat + .Lsecond]\n\t"                                                                             \
    ".else\n\t"                                                                                                        \
    "ldr.n r0, [r4, #.Lat]\n\t"                                                                                        \
    "ldr.n r1, [r4, #.Lat + .Lsecond]\n\t"                                                                             \
    ".endif\n\t"                                                                                                       \
    "ldr.n r2, [r5, #.Lw]\n\t"                                                                                         \
    "ldr.n r3, [r5, #.Lw + 4]\n\t" TP_PAIRS_STEP                                                                       \
    ".set .Lat, .Lat + 4\n\t"                                                                                          \
    ".set .Lw, .Lw + 8\n\t"

/* The last halfwords of two rows. */
#define TP_DIRECT_SHARED_STEP                                                                                          \
    "ldr.w r0, [r4, #.Lat]\n\t"                                                                                        \
    "ldr.w r1, [r4, #.Lat + .Lsecond]\n\t"                                                                             \
    "ldr.w r2, [r4, #.Lat + .Lrow]\n\t"                                                                                \
    "ldr.w r3, [r4, #.Lat + .Lrow + .Lsecond]\n\t"                                                                     \
    "pkhbt r0, r0, r2, lsl #16\n\t"                                                                                    \
    "pkhbt r1, r1, r3, lsl #16\n\t"                                                                                    \
    "ldr.n r2, [r5, #.Lw]\n\t"                                                                                         \
    "ldr.n r3, [r5, #.Lw + 4]\n\t" TP_PAIRS_STEP                                                                       \
    ".set .Lat, .Lat + 2 * .Lrow\n\t"                                                                                  \
    ".set .Lw, .Lw + 8\n\t"

#define TP_DIRECT_OUTPUTS(store)                                                                                       \
    ".set .Lshift, .Lsecond_shift\n\t"                                                                                 \
    TP_PAIRS_CHANNEL("r11", "lr", "r7", "r9", "s5", "s7", "s9", store)                                                 \
    ".set .Lshift, .Lfirst_shift\n\t"                                                                                  \
    TP_PAIRS_CHANNEL("r10", "r12", "r6", "r8", "s4", "s6", "s8", store)                                                \
    ".if .Lodd\n\t"                                                                                                    \
    "addw r4, r4, #2 * .Lsecond\n\t"                                                                                   \
    ".else\n\t"                                                                                                        \
    "subw r4, r4, #(.Lrows - (.Lunrolled & 1)) * .Lrow - 2 * .Lsecond\n\t"                                             \
    ".endif\n\t"                                                                                                       \
    "vmov r0, s13\n\t"                                                                                                 \
    "cmp.w r4, r0\n\t"                                                                                                 \
    "bne.w 3b\n\t"                                                                                                     \
    "vmov r0, s8\n\t"                                                                                                  \
    "vmov r1, s9\n\t"                                                                                                  \
    "addw r0, r0, #.Lhalf * .Lmade\n\t"                                                                                \
    "addw r1, r1, #.Lhalf * .Lmade\n\t"                                                                                \
    "vmov s8, r0\n\t"                                                                                                  \
    "vmov s9, r1\n\t"                                                                                                  \
    "addw r4, r4, #.Ldown - .Lhalf * .Lapart\n\t"                                                                      \
    "vmov r0, s14\n\t"                                                                                                 \
    ".if .Lahead\n\t"                                                                                                  \
    "ldr.w r1, [r0, #12]\n\t"                                                                                          \
    "sub.w r1, r1, #.Lahead\n\t"                                                                                       \
    "cmp.w r4, r1\n\t"                                                                                                 \
    ".else\n\t"                                                                                                        \
    "ldr.n r1, [r0, #12]\n\t"                                                                                          \
    "cmp.n r4, r1\n\t"                                                                                                 \
    ".endif\n\t"                                                                                                       \
    "bne.w 2b\n\t"                                                                                                     \
    "ldr.w r1, [r0, #32]\n\t"                                                                                          \
    "subs.w r1, r1, #1\n\t"                                                                                            \
    "str.w r1, [r0, #32]\n\t"                                                                                          \
    ".if .Lnext > 1\n\t" /* odd columns begin at the halfword before their windows */                                  \
    "beq.w 5f\n\t"                                                                                                     \
    "vmov r2, s15\n\t"                                                                                                 \
    "ldr.w r3, [r0, #12]\n\t"                                                                                          \
    "tst.w r1, #1\n\t"                                                                                                 \
    "ittee ne\n\t"                                                                                                     \
    "addne.w r2, r2, #.Lapart - 2\n\t"                                                                                 \
    "addne.w r3, r3, #.Lapart - 2\n\t"                                                                                 \
    "subeq.w r2, r2, #.Lapart - 2\n\t"                                                                                 \
    "subeq.w r3, r3, #.Lapart - 2\n\t"                                                                                 \
    "vmov s15, r2\n\t"                                                                                                 \
    "str.w r3, [r0, #12]\n\t"                                                                                          \
    "b.w 1b\n\t"                                                                                                       \
    "5:\n\t"                                                                                                           \
    "ldr.w r3, [r0, #12]\n\t"                                                                                          \
    "sub.w r3, r3, #.Lapart - 2\n\t"                                                                                   \
    "str.w r3, [r0, #12]\n\t"                                                                                          \
    ".else\n\t"                                                                                                        \
    "bne.w 1b\n\t"                                                                                                     \
    ".endif\n\t"                                                                                                       \
    "pop.w {r4-r11, pc}\n\t"

#define TP_DIRECT_PIXELS(first, half, second, half_second)                                                             \
    "strb.w " first ", [r3]\n\t"                                                                                       \
    "strb.w " second ", [r3, #.Lnext * .Lmade]\n\t"                                                                    \
    "strb.w " half ", [r3, #.Lhalf * .Lmade]\n\t"                                                                      \
    "strb.w " half_second ", [r3, #(.Lhalf + .Lnext) * .Lmade]\n\t"                                                    \
    "addw r3, r3, #2 * .Lnext * .Lmade\n\t"

#define TP_DIRECT_PLANES(first, half, second, half_second)                                                             \
    ".if .Lnext > 1\n\t"                                                                                               \
    "strb.w " half ", [r3, #.Lhalf]\n\t"                                                                               \
    "strb.w " half_second ", [r3, #.Lhalf + .Lnext]\n\t"                                                               \
    "strb.w " second ", [r3, #.Lnext]\n\t"                                                                             \
    "strb.w " first ", [r3], #2 * .Lnext\n\t"                                                                          \
    ".else\n\t"                                                                                                        \
    "bfi " half ", " half_second ", #8, #8\n\t"                                                                        \
    "bfi " first ", " second ", #8, #8\n\t"                                                                            \
    "strh.w " half ", [r3, #.Lhalf]\n\t"                                                                               \
    "strh.w " first ", [r3], #2\n\t"                                                                                   \
    ".endif\n\t"

/* Four codes each of a pixel and of the one that is paired with it, as four halfwords; any alignment. */
TP_KERNEL void tp_direct_four(const int8_t **first, const int8_t **second, int8_t **to)
{
    uint32_t a;
    uint32_t b;
    uint32_t even;
    uint32_t odd;
    __asm__ volatile(".balign 4\n\t"
                     "ldr.w %[a], [%[first]], #4\n\t"
                     "ldr.w %[b], [%[second]], #4\n\t"
                     "eor.w %[a], %[a], #0x80808080\n\t"
                     "uxtb16.w %[even], %[a]\n\t"
                     "uxtb16.w %[odd], %[a], ror #8\n\t"
                     "uxtb16.w %[a], %[b]\n\t"
                     "uxtb16.w %[b], %[b], ror #8\n\t"
                     "orr.w %[even], %[even], %[a], lsl #8\n\t"
                     "orr.w %[odd], %[odd], %[b], lsl #8\n\t"
                     "pkhbt %[a], %[even], %[odd], lsl #16\n\t"
                     "pkhtb %[odd], %[odd], %[even], asr #16\n\t"
                     "str.w %[a], [%[to]], #4\n\t"
                     "str.w %[odd], [%[to]], #4"
                     : [first] "+r"(*first), [second] "+r"(*second), [to] "+r"(*to), [a] "=&r"(a), [b] "=&r"(b),
                       [even] "=&r"(even), [odd] "=&r"(odd)
                     :
                     : "memory");
}

/* The image around a convolution in pairs: `columns` pixels in a row of `row_bytes`; `block`: rows of outputs between
 * two passes over the weights. */
struct tp_direct_plan {
    int32_t columns, row_bytes, block;
    bool to_planes;
};

/* Columns `from` to `to` of a row of the paired image, where one of the two pixels may lie outside of the image. */
TP_KERNEL void tp_direct_edge(const struct tp_window *w, const int8_t *input, int32_t in_zero, int32_t from, int32_t to,
                              uint8_t *row)
{
    const int32_t half = w->out_w / 2 * w->stride_w;
    for (int32_t x = from; x < to; x++) {
        const int32_t first = x - w->pad_w;
        const int32_t second = first + half;
        for (int32_t c = 0; c < w->in_c; c++) {
            const bool in_first = first >= 0 && first < w->in_w;
            const bool in_second = second >= 0 && second < w->in_w;
            const int32_t low = in_first ? input[first * w->in_c + c] : in_zero;
            const int32_t high = in_second ? input[second * w->in_c + c] : in_zero;
            row[2 * (x * w->in_c + c)] = (uint8_t)(low + 128);
            row[2 * (x * w->in_c + c) + 1] = (uint8_t)high;
        }
    }
}

/* Row y of the image, in pairs. */
TP_KERNEL void tp_direct_row(const struct tp_window *w, const struct tp_direct_plan *plan, const int8_t *input,
                             int32_t in_zero, int32_t y, int8_t *row)
{
    if (y < 0 || y >= w->in_h) {
        int32_t pair = (int32_t)((uint32_t)(in_zero + 128) | ((uint32_t)in_zero & 0xFFU) << 8);
        for (int32_t i = 0; i < plan->columns * w->in_c; i++) {
            __asm__("" : "+r"(pair));
            const int16_t both = (int16_t)pair;
            __builtin_memcpy(&row[2 * i], &both, sizeof both);
        }
        return;
    }
    const int8_t *const from = &input[y * w->in_w * w->in_c];
    const int8_t *first = from;
    const int8_t *second = &from[w->out_w / 2 * w->stride_w * w->in_c];
    const int32_t inner_end = w->in_w - w->out_w / 2 * w->stride_w + w->pad_w;
    const int32_t inner = (plan->columns < inner_end ? plan->columns : inner_end) - w->pad_w;
    const int32_t fours = inner * w->in_c / 4;
    int8_t *to = &row[2 * w->pad_w * w->in_c];
#pragma GCC unroll 4
    for (int32_t i = 0; i < fours; i++) {
        tp_direct_four(&first, &second, &to);
    }
    tp_direct_edge(w, from, in_zero, 0, w->pad_w, (uint8_t *)row);
    tp_direct_edge(w, from, in_zero, w->pad_w + 4 * fours / w->in_c, plan->columns, (uint8_t *)row);
}

/* weights, channels, parts: as in tp_conv_pairs_dsp. scratch: weights of one pair of channels, and the rows of the
 * paired image that `block` rows of outputs see. */
TP_LARGE_KERNEL void tp_conv_direct_dsp(const struct tp_window *w, const struct tp_direct_plan *plan,
                                        const struct tp_pairs_part *parts, int32_t count, int32_t weights_bytes,
                                        const int8_t *input, const int16_t *weights, const struct tp_pair *channels,
                                        int32_t in_zero, int32_t low, int32_t high, int8_t *scratch, int8_t *output)
{
    int8_t *const x = &scratch[weights_bytes];
    for (int32_t y = 0; y < w->out_h; y += plan->block) {
        const int32_t rows = y + plan->block < w->out_h ? plan->block : w->out_h - y;
        const int32_t seen = (rows - 1) * w->stride_h + w->kernel_h;
        for (int32_t i = 0; i < seen; i++) {
            tp_direct_row(w, plan, input, in_zero, y * w->stride_h - w->pad_h + i, &x[i * plan->row_bytes]);
        }
        /* Behind the rows that are seen, where strides leave out some: compared with, never read from. */
        const uintptr_t end = (uintptr_t)x + (uintptr_t)(rows * w->stride_h * plan->row_bytes);
        struct tp_pairs_call call = {
            .weights = weights,
            .channels = channels,
            .x = x,
            .x_end = (const int8_t *)end,
            .copy = scratch,
            .row_bytes = weights_bytes,
            .output = &output[y * w->out_w * (plan->to_planes ? 1 : w->out_c)],
        };
        for (int32_t i = 0; i < count; i++) {
            call.pairs = parts[i].pairs;
            parts[i].function(&call);
        }
    }
    tp_clamp_codes_dsp(output, w->out_h * w->out_w * w->out_c, low, high);
}

#endif
