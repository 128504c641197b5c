/* SPDX-License-Identifier: 0BSD */
/* 1x1 convolutions and fully connected layers for cores with 16-bit instructions alone: four channels of a pixel at a
 * time, without scratch; 5.25 cycles a MAC by count, flash aside: the loop starts on a line of it, to take fewer. */
#ifndef TP_CONV_1X1_THUMB_H
#define TP_CONV_1X1_THUMB_H

#include "tp_thumb.h"

/* One more MAC: the next weight of r6 with the code in r0, added to `sum`. */
#define TP_THUMB_MAC(sum)                                                                                              \
    "lsrs r6, r6, #8\n\t"                                                                                              \
    "sxtb r1, r6\n\t"                                                                                                  \
    "muls r1, r0, r1\n\t"                                                                                              \
    "add " sum ", r1\n\t"

/* Adds codes x weights to sums[4]: of each of the codes, which end at `end`, a word of weights, one for each channel.
 *
 * Registers: r0: the code; r1-r3: weights, then products; r4: end of the codes; r5: minus the codes left; r6: four
 * weights; r7: weights; r8-r11: sums. */
TP_ASSEMBLY tp_thumb_dense(const int8_t *end __attribute__((unused)), int32_t minus_count __attribute__((unused)),
                           const int8_t *weights __attribute__((unused)), int32_t *sums __attribute__((unused)))
{
    __asm__(TP_THUMB_START
            "mov r4, r0\n\t"
            "mov r5, r1\n\t"
            "mov r7, r2\n\t"
            ".balign 8\n\t"
            "1:\n\t"
            "ldrsb r0, [r4, r5]\n\t"
            "ldmia r7!, {r6}\n\t"
            "asrs r3, r6, #24\n\t"
            "sxtb r2, r6\n\t"
            "muls r3, r0, r3\n\t"
            "muls r2, r0, r2\n\t"
            "add r11, r3\n\t"
            "add r8, r2\n\t"
            TP_THUMB_MAC("r9")
            TP_THUMB_MAC("r10")
            "adds r5, r5, #1\n\t"
            "bne 1b\n\t"
            TP_THUMB_END);
}

/* weights [fours of out_c, in_c, 4], zeros for channels that are not there; biases with the input zero point in
 * them. */
TP_KERNEL void tp_conv_1x1_thumb(int32_t pixels, int32_t in_c, int32_t out_c, const int8_t *input,
                                 const int8_t *weights, const struct tp_channel *channels, int32_t out_zero,
                                 int32_t low, int32_t high, int8_t *output)
{
    for (int32_t pixel = 0; pixel < pixels; pixel++) {
        input += in_c;
        for (int32_t c = 0; c < out_c; c += 4) {
            const int32_t count = out_c - c < 4 ? out_c - c : 4;
            int32_t sums[4] = {0, 0, 0, 0};
            for (int32_t i = 0; i < count; i++) {
                sums[i] = channels[c + i].bias;
            }
            tp_thumb_dense(input, -in_c, &weights[c * in_c], sums);
            for (int32_t i = 0; i < count; i++) {
                const struct tp_channel *const channel = &channels[c + i];
                const int32_t code = tp_requantize(sums[i], channel->multiplier, channel->shift) + out_zero;
                *output++ = (int8_t)tp_clamp(code, low, high);
            }
        }
    }
}

#endif
