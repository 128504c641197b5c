/* SPDX-License-Identifier: 0BSD */
/* Any convolution for cores with 16-bit instructions alone: four pixels of a channel at a time, 4 cycles a MAC
 * by count.
 *
 * The codes of four windows stand side by side in scratch, a word each: LDM reads four in five cycles, and no register
 * is spent on extending signs. Weights come four in a word. Positions outside the image hold the input zero point, so
 * that it may be folded into the bias everywhere. Sums wrap as TFLM's do.
 */
#ifndef TP_CONV_2D_THUMB_H
#define TP_CONV_2D_THUMB_H

#include "tp_thumb.h"

/* One more tap of four sums: the weight is in r5, the codes are at r4. */
#define TP_WORDS_TAP                                                                                                   \
    "ldmia r4!, {r0-r3}\n\t"                                                                                           \
    "muls r0, r5, r0\n\t"                                                                                              \
    "muls r1, r5, r1\n\t"                                                                                              \
    "muls r2, r5, r2\n\t"                                                                                              \
    "muls r3, r5, r3\n\t"                                                                                              \
    "add r8, r0\n\t"                                                                                                   \
    "add r9, r1\n\t"                                                                                                   \
    "add r10, r2\n\t"                                                                                                  \
    "add r11, r3\n\t"

/* The weight behind. */
#define TP_WORDS_NEXT                                                                                                  \
    "lsrs r6, r6, #8\n\t"                                                                                              \
    "sxtb r5, r6\n\t"

/* Adds weights x codes to sums[4]; codes [taps, 4] up to `end`, weights in words of four, whole ones.
 *
 * Registers: r0-r3: codes, then products; r4: codes; r5: the weight; r6: four weights; r7: weights; r8-r11: sums;
 * r12: end of the codes. */
TP_ASSEMBLY tp_words_dot(const int8_t *weights __attribute__((unused)), const int32_t *codes __attribute__((unused)),
                         const int32_t *end __attribute__((unused)), int32_t *sums __attribute__((unused)))
{
    __asm__(TP_THUMB_START
            "mov r12, r2\n\t"
            "mov r7, r0\n\t"
            "mov r4, r1\n\t"
            ".balign 8\n\t"
            "1:\n\t"
            "ldmia r7!, {r6}\n\t"
            "sxtb r5, r6\n\t"
            TP_WORDS_TAP
            TP_WORDS_NEXT TP_WORDS_TAP
            TP_WORDS_NEXT TP_WORDS_TAP
            TP_WORDS_NEXT TP_WORDS_TAP
            "cmp r4, r12\n\t"
            "bne 1b\n\t"
            TP_THUMB_END);
}

/* The window of output pixel (y, x), every fourth word. */
TP_KERNEL void tp_words_gather(const struct tp_window *w, const int8_t *input, int32_t in_zero, int32_t y, int32_t x,
                               int32_t *words)
{
    for (int32_t ky = 0; ky < w->kernel_h; ky++) {
        const int32_t in_y = y * w->stride_h - w->pad_h + ky * w->dilation_h;
        for (int32_t kx = 0; kx < w->kernel_w; kx++) {
            const int32_t in_x = x * w->stride_w - w->pad_w + kx * w->dilation_w;
            if (in_y < 0 || in_y >= w->in_h || in_x < 0 || in_x >= w->in_w) {
                for (int32_t c = 0; c < w->in_c; c++, words += 4) {
                    *words = in_zero;
                }
            } else {
                const int8_t *const codes = &input[(in_y * w->in_w + in_x) * w->in_c];
                for (int32_t c = 0; c < w->in_c; c++, words += 4) {
                    *words = codes[c];
                }
            }
        }
    }
}

/* weights [out_c, length], length a multiple of 4, zeros behind the last tap; biases with the input zero point in them;
 * scratch [length, 4]. What stands there behind the last tap or the last pixel counts for nothing. */
TP_KERNEL void tp_conv_2d_thumb(const struct tp_window *w, int32_t length, const int8_t *input, const int8_t *weights,
                             const struct tp_channel *channels, int32_t in_zero, int32_t out_zero, int32_t low,
                             int32_t high, int8_t *scratch, int8_t *output)
{
    int32_t *const words = (int32_t *)(void *)scratch;
    int32_t y = 0;
    int32_t x = 0;
    for (int32_t left = w->out_h * w->out_w; left > 0; left -= 4) {
        const int32_t pixels = left < 4 ? left : 4;
        for (int32_t i = 0; i < pixels; i++) {
            tp_words_gather(w, input, in_zero, y, x, &words[i]);
            x++;
            if (x == w->out_w) {
                x = 0;
                y++;
            }
        }
        for (int32_t c = 0; c < w->out_c; c++) {
            const struct tp_channel *const channel = &channels[c];
            int32_t sums[4] = {channel->bias, channel->bias, channel->bias, channel->bias};
            tp_words_dot(&weights[c * length], words, &words[4 * length], sums);
            for (int32_t i = 0; i < pixels; i++) {
                const int32_t code = tp_requantize(sums[i], channel->multiplier, channel->shift) + out_zero;
                output[i * w->out_c + c] = (int8_t)tp_clamp(code, low, high);
            }
        }
        output += 4 * w->out_c;
    }
}

#endif
