/* SPDX-License-Identifier: 0BSD */
/* ADD of equal shapes, four codes at a time. In place.
 *
 * TFLM brings both inputs to twice the larger of their scales, with 20 bits more. The input of the larger scale is
 * (code - zero) << 19 there, exactly; of the other one a table says for every code what it is. Sums are doubled, for
 * tp_rounding_dsp.h. The table lies in RAM: codes come in no order that the flash accelerator's cache could follow.
 */
#ifndef TP_ADD_TABLE_DSP_H
#define TP_ADD_TABLE_DSP_H

#include "tp_add_dsp.h"
#include "tp_rounding_dsp.h"

struct tp_add_call {
    const int8_t *large;     /* #0 */
    const int8_t *small;     /* #4 */
    int8_t *output;          /* #8 */
    const int8_t *large_end; /* #12 */
    const int32_t *table;    /* #16: of the small input's codes as unsigned numbers, with the large one's zero point */
    int32_t multiplier;      /* #20 */
    int32_t constant;        /* #24 */
};

#define TP_ADD_ROUND(sum)                                                                                              \
    "smmlar r11, " sum ", r12, lr\n\t"                                                                                 \
    ".if .Lties\n\t"                                                                                                   \
    "add.w r11, r11, " sum ", asr #31\n\t"                                                                             \
    ".endif\n\t"                                                                                                       \
    "ssat " sum ", #8, r11, asr #.Lshift\n\t"

/* Defines `name`(call); ties, shift: see tp_rounding_dsp.h. r0, r1: inputs; r2: output; r3: end of the first; r4:
 * table; r5, r6: codes; r7-r10: sums; r12, lr: multiplier, constant. */
#define TP_ADD_FUNCTION(name, ties, shift)                                                                             \
    TP_ASSEMBLY name(const struct tp_add_call *call __attribute__((unused)))                                           \
    {                                                                                                                  \
        __asm__(".set .Lties, " #ties "\n\t"                                                                           \
                ".set .Lshift, " #shift "\n\t"                                                                         \
                ".balign 4\n\t"                                                                                        \
                "push.w {r4-r11, lr}\n\t"                                                                              \
                "ldr.w lr, [r0, #24]\n\t"                                                                              \
                "ldr.w r12, [r0, #20]\n\t"                                                                             \
                "ldm.w r0, {r0-r4}\n\t"                                                                                \
                "1:\n\t"                                                                                               \
                "ldr.w r5, [r0], #4\n\t"                                                                               \
                "ldr.w r6, [r1], #4\n\t"                                                                               \
                "uxtb.w r7, r6\n\t"                                                                                    \
                "uxtb.w r8, r6, ror #8\n\t"                                                                            \
                "uxtb.w r9, r6, ror #16\n\t"                                                                           \
                "lsr.w r10, r6, #24\n\t"                                                                               \
                "ldr.w r7, [r4, r7, lsl #2]\n\t"                                                                       \
                "ldr.w r8, [r4, r8, lsl #2]\n\t"                                                                       \
                "ldr.w r9, [r4, r9, lsl #2]\n\t"                                                                       \
                "ldr.w r10, [r4, r10, lsl #2]\n\t"                                                                     \
                "sxtb16.w r6, r5\n\t"                                                                                  \
                "sxtb16.w r5, r5, ror #8\n\t"                                                                          \
                "add.w r7, r7, r6, lsl #20\n\t"                                                                        \
                "add.w r8, r8, r5, lsl #20\n\t"                                                                        \
                "asr.w r6, r6, #16\n\t"                                                                                \
                "asr.w r5, r5, #16\n\t"                                                                                \
                "add.w r9, r9, r6, lsl #20\n\t"                                                                        \
                "add.w r10, r10, r5, lsl #20\n\t" TP_ADD_ROUND("r7") TP_ADD_ROUND("r8") TP_ADD_ROUND("r9")             \
                TP_ADD_ROUND("r10")                                                                                    \
                "strb.w r8, [r2, #1]\n\t"                                                                              \
                "strb.w r9, [r2, #2]\n\t"                                                                              \
                "strb.w r10, [r2, #3]\n\t"                                                                             \
                "strb.w r7, [r2], #4\n\t"                                                                              \
                "cmp.w r0, r3\n\t"                                                                                     \
                "bne.w 1b\n\t"                                                                                         \
                "pop.w {r4-r11, pc}");                                                                                 \
    }

typedef void tp_add_function(const struct tp_add_call *);

/* zeros: of the large and of the small input; multiplier and shift: of the small one; table: 256 entries. */
TP_KERNEL void tp_add_table_dsp(tp_add_function *add, int32_t count, const int8_t *large, const int8_t *small,
                                const int32_t zeros[2], int32_t multiplier, int32_t shift,
                                const struct tp_rounding *rounding, int32_t low, int32_t high, int32_t *table,
                                int8_t *output)
{
    for (int32_t code = INT8_MIN; code <= INT8_MAX; code++) {
        const int32_t scaled = tp_add_scaled_dsp(code, zeros[1], multiplier, shift);
        table[(uint8_t)code] = 2 * scaled - zeros[0] * (1 << 20);
    }
    const int32_t whole = count / 4 * 4;
    struct tp_add_call call = {large,           small, output, large + whole, table, rounding->multiplier,
                               rounding->constant};
    if (whole != 0) {
        add(&call);
    }
    if (whole != count) {
        int8_t last[3][4] = {{0}, {0}, {0}};
        for (int32_t i = 0; i < count - whole; i++) {
            last[0][i] = large[whole + i];
            last[1][i] = small[whole + i];
        }
        call.large = last[0];
        call.small = last[1];
        call.output = last[2];
        call.large_end = last[0] + 4;
        add(&call);
        for (int32_t i = 0; i < count - whole; i++) {
            output[whole + i] = last[2][i];
        }
    }
    tp_clamp_codes_dsp(output, count, low, high);
}

#endif
