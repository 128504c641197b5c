/* SPDX-License-Identifier: 0BSD */
/* FULLY_CONNECTED of one row: eight outputs at a time, one word of four weights each, four instructions for four
 * MACs.
 *
 * Two weights stand in a halfword as 256 * odd + even, both signed. With x1 = code - 127 of the odd input and x0 =
 * 256 * code - x1 of the even one, both of which fit 16 bits, halfword * x1 + even * x0 = 256 * (odd weight * x1 +
 * even weight * code): the halfword is multiplied as it lies, and only the even weight must be widened. Sums are 256
 * times too large. */
#ifndef TP_FULLY_CONNECTED_PAIRS_DSP_H
#define TP_FULLY_CONNECTED_PAIRS_DSP_H

#include "tp_rounding_dsp.h"

/* What becomes of eight sums: codes, of which negative ones need no care (a clamp at the zero point hides them) or do,
 * or sums as they are. */
#define TP_FC_RELU 0
#define TP_FC_TIES 1
#define TP_FC_SUMS 2

/* constant and shift, n: as tp_rounding's, for sums that are twice the accumulator. Of TP_FC_RELU for sums as they
 * are, 128 times that: n + 7, and 128 * constant + 64, which rounds what SMMLA cuts off. */
struct tp_fully_connected_rounding {
    int32_t shift;
    int32_t multiplier;
    int32_t constant;
    int32_t how;
};

/* What one call of tp_fully_connected_eights does, which moves the first four on. starts: of eight sums each; sums:
 * where they go; pairs: the widened inputs. The assembly has the words by their number. */
struct tp_fully_connected {
    const int32_t *starts;                       /* 0 */
    int32_t *sums;                               /* 1 */
    int8_t *output;                              /* 2 */
    const int8_t *weights;                       /* 3 */
    const int32_t *starts_end;                   /* 4 */
    const int32_t *pairs;                        /* 5 */
    const int32_t *pairs_end;                    /* 6 */
    struct tp_fully_connected_rounding rounding; /* 7, 8, 9, 10 */
};

/* A pass: sixteen inputs of eight outputs, then `then`. r0, r1: x1 and x0 of four inputs; r2, r3: four weights of two
 * outputs each. Of a core that starts one instruction a cycle, loads stand side by side. */
#if !defined(TP_DUAL_ISSUE)
#define TP_FC_OUTPUTS(a, b)                                                                                            \
    "smlad " a ", r2, r0, " a "\n\t"                                                                                   \
    "smlad " b ", r3, r0, " b "\n\t"                                                                                   \
    "sxtb16 r2, r2\n\t"                                                                                                \
    "sxtb16 r3, r3\n\t"                                                                                                \
    "smlad " a ", r2, r1, " a "\n\t"                                                                                   \
    "smlad " b ", r3, r1, " b "\n\t"
#define TP_FC_WEIGHTS(at) "ldr.n r2, [r5, #" at "]\n\tldr.n r3, [r5, #" at " + 4]\n\t"
#define TP_FC_STEP(x, at)                                                                                              \
    x TP_FC_OUTPUTS("r6", "r7")                                                                                        \
    TP_FC_WEIGHTS(at " + 8") TP_FC_OUTPUTS("r8", "r9")                                                                 \
    TP_FC_WEIGHTS(at " + 16") TP_FC_OUTPUTS("r10", "r11")                                                              \
    TP_FC_WEIGHTS(at " + 24") TP_FC_OUTPUTS("r12", "lr")
/* The first loads of a pass move the pointers on. */
#define TP_FC_FIRST                                                                                                    \
    TP_FC_STEP("ldr.w r0, [r4, #32]!\n\tldr.w r1, [r4, #4]\n\tldr.w r2, [r5, #128]!\n\tldr.w r3, [r5, #4]\n\t", "0")
#define TP_FC_NEXT(x, w) TP_FC_STEP("ldr.n r0, [r4, #" x "]\n\tldr.n r1, [r4, #" x " + 4]\n\t" TP_FC_WEIGHTS(w), w)
#define TP_FC_PASS(then) TP_FC_FIRST TP_FC_NEXT("8", "32") TP_FC_NEXT("16", "64") TP_FC_NEXT("24", "96") then
/* Of one that starts two, but one product: each goes with a load or SXTB16 of another output, a word's first product
 * two cycles behind its load, in five cycles for four. */
#else
#define TP_FC_ODD(a, b, x1, x0)                                                                                        \
    "smlad " a ", r2, r0, " a "\n\t" x1                                                                                \
    "sxtb16 r2, r2\n\t"                                                                                                \
    "smlad " b ", r3, r0, " b "\n\t"                                                                                   \
    "sxtb16 r3, r3\n\t" x0
#define TP_FC_EVEN(a, b, at)                                                                                           \
    "smlad " a ", r2, r1, " a "\n\t"                                                                                   \
    "ldr.n r2, [r5, #" at "]\n\t"                                                                                      \
    "smlad " b ", r3, r1, " b "\n\t"                                                                                   \
    "ldr.n r3, [r5, #" at " + 4]\n\t"
#define TP_FC_STEP(x1, at, x0)                                                                                         \
    TP_FC_ODD("r6", "r7", x1, "") TP_FC_EVEN("r6", "r7", at " + 8")                                                    \
    TP_FC_ODD("r8", "r9", "", "") TP_FC_EVEN("r8", "r9", at " + 16")                                                   \
    TP_FC_ODD("r10", "r11", "", "") TP_FC_EVEN("r10", "r11", at " + 24")                                               \
    TP_FC_ODD("r12", "lr", "", x0)
#define TP_FC_X(register, at) "ldr.n " register ", [r4, #" at "]\n\t"
#define TP_FC_PASS(then)                                                                                               \
    "ldr.w r0, [r4, #32]!\n\tldr.w r2, [r5, #128]!\n\tldr.n r3, [r5, #4]\n\tldr.n r1, [r4, #4]\n\t"                    \
    TP_FC_STEP("", "0", TP_FC_X("r0", "8")) TP_FC_EVEN("r12", "lr", "32")                                              \
    TP_FC_STEP(TP_FC_X("r1", "12"), "32", TP_FC_X("r0", "16")) TP_FC_EVEN("r12", "lr", "64")                           \
    TP_FC_STEP(TP_FC_X("r1", "20"), "64", TP_FC_X("r0", "24")) TP_FC_EVEN("r12", "lr", "96")                           \
    TP_FC_STEP(TP_FC_X("r1", "28"), "96", then)                                                                        \
    "smlad r12, r2, r1, r12\n\t"                                                                                       \
    "smlad lr, r3, r1, lr\n\t"
#endif

/* Eight outputs, step by step. r0, r1, r2: multiplier, constant, shift; r3: where they go; r4: free. */
#define TP_FC_EACH(what)                                                                                               \
    what("r6", "0") what("r7", "1") what("r8", "2") what("r9", "3")                                                    \
    what("r10", "4") what("r11", "5") what("r12", "6") what("lr", "7")
#define TP_FC_SCALE_RELU(sum, at) "smmla " sum ", " sum ", r0, r1\n\t"
#define TP_FC_SCALE(sum, at)                                                                                           \
    "asr.w " sum ", " sum ", #7\n\t"                                                                                   \
    "smmlar r4, " sum ", r0, r1\n\t"                                                                                   \
    "add.w " sum ", r4, " sum ", asr #31\n\t"
#define TP_FC_SHIFT(sum, at) "asr.w " sum ", " sum ", r2\n\t"
#define TP_FC_SATURATE(sum, at) "ssat " sum ", #8, " sum "\n\t"
#define TP_FC_STORE(sum, at) "strb.w " sum ", [r3, #" at "]\n\t"
#define TP_FC_CODES TP_FC_EACH(TP_FC_SHIFT) TP_FC_EACH(TP_FC_SATURATE) TP_FC_EACH(TP_FC_STORE) "add.w r3, r3, #8\n\t"

/* The words of the call in s0 to s10; on the stack of a core without an FPU. */
#if defined(__ARM_FP)
#define TP_FC_TAKE "vldmia r0, {s0-s10}\n\t"
#define TP_FC_KEPT(register, number) "vmov " register ", s" number "\n\t"
#define TP_FC_KEEP(register, number) "vmov s" number ", " register "\n\t"
#define TP_FC_GIVE "ldr.w r0, [sp]\n\tvstmia r0, {s0-s3}\n\t"
#else
#define TP_FC_TAKE "ldmia.w r0, {r1-r11}\n\tpush.w {r1-r11}\n\t"
#define TP_FC_KEPT(register, number) "ldr.w " register ", [sp, #4 * " number "]\n\t"
#define TP_FC_KEEP(register, number) "str.w " register ", [sp, #4 * " number "]\n\t"
#define TP_FC_GIVE "ldr.w r0, [sp, #44]\n\tldmia.w sp, {r1-r4}\n\tstmia.w r0, {r1-r4}\n\tadd.w sp, sp, #44\n\t"
#endif

/* Eight outputs a round, sixteen inputs a pass; sums in r6 to r12 and lr. */
TP_ASSEMBLY tp_fully_connected_eights(struct tp_fully_connected *call __attribute__((unused)))
{
    __asm__("push.w {r0, r4-r11, lr}\n\t"
            TP_FC_TAKE
            TP_FC_KEPT("r1", "5")
            TP_FC_KEPT("r2", "6")
            TP_FC_KEPT("r5", "3")
            "sub.w r1, r1, #32\n\t" /* the loads of a pass move the pointers first */
            "sub.w r2, r2, #32\n\t"
            "sub.w r5, r5, #128\n\t"
            TP_FC_KEEP("r1", "5")
            TP_FC_KEEP("r2", "6")
            "1:\n\t"
            TP_FC_KEPT("r1", "0")
            TP_FC_KEPT("r4", "5")
            "ldmia.w r1!, {r6, r7, r8, r9, r10, r11, r12, lr}\n\t"
            TP_FC_KEEP("r1", "0")
            ".balign 4\n\t"
            "0:\n\t"
            TP_FC_PASS(TP_FC_KEPT("r0", "6"))
            "cmp.w r4, r0\n\t"
            "bne.w 0b\n\t"
            TP_FC_KEPT("r4", "10")
            TP_FC_KEPT("r2", "7")
            TP_FC_KEPT("r0", "8")
            TP_FC_KEPT("r1", "9")
            TP_FC_KEPT("r3", "2")
            "cmp.w r4, #1\n\t"
            "beq.w 3f\n\t"
            "bhi.w 4f\n\t"
            TP_FC_EACH(TP_FC_SCALE_RELU)
            TP_FC_CODES
            "2:\n\t"
            TP_FC_KEEP("r3", "2")
            TP_FC_KEPT("r0", "0")
            TP_FC_KEPT("r1", "4")
            "cmp.w r0, r1\n\t"
            "bne.w 1b\n\t"
            "add.w r5, r5, #128\n\t"
            TP_FC_KEEP("r5", "3")
            TP_FC_GIVE
            "pop.w {r0, r4-r11, pc}\n\t"
            "3:\n\t"
            TP_FC_EACH(TP_FC_SCALE)
            TP_FC_CODES
            "b.w 2b\n\t"
            "4:\n\t"
            TP_FC_KEPT("r4", "1")
            "stmia.w r4!, {r6, r7, r8, r9, r10, r11, r12, lr}\n\t"
            TP_FC_KEEP("r4", "1")
            "b.w 2b");
}

/* Of a word of four codes [x1, x1] as `odd` and [x0, x0] in its place. */
#define TP_FC_WIDEN(word, odd)                                                                                         \
    "sxtb16.w " odd ", " word ", ror #8\n\t"                                                                           \
    "ssub16 " odd ", " odd ", %[zeros]\n\t"                                                                            \
    "and.w " word ", %[highs], " word ", lsl #8\n\t"                                                                   \
    "ssub16 " word ", " word ", " odd "\n\t"

/* Four codes as [x1, x1, x0, x0]. */
TP_KERNEL void tp_fully_connected_widen_four(const int8_t **input, int32_t **pairs)
{
    int32_t word;
    int32_t odd;
    __asm__ volatile("ldr.w %[word], [%[input]], #4\n\t"
                     TP_FC_WIDEN("%[word]", "%[odd]")
                     "str.w %[odd], [%[pairs]], #4\n\t"
                     "str.w %[word], [%[pairs]], #4"
                     : [input] "+r"(*input), [pairs] "+r"(*pairs), [word] "=&r"(word), [odd] "=&r"(odd)
                     : [zeros] "r"(0x007F007F), [highs] "r"(0xFF00FF00)
                     : "memory");
}

/* The same of two words. */
TP_KERNEL void tp_fully_connected_widen_eight(const int8_t **input, int32_t **pairs)
{
    int32_t first;
    int32_t first_odd;
    int32_t second;
    int32_t second_odd;
    __asm__ volatile(".balign 4\n\t"
                     "ldr.w %[first], [%[input]], #8\n\t"
                     "ldr.w %[second], [%[input], #-4]\n\t"
                     TP_FC_WIDEN("%[first]", "%[first_odd]")
                     TP_FC_WIDEN("%[second]", "%[second_odd]")
                     "str.w %[first_odd], [%[pairs]], #16\n\t"
                     "str.w %[first], [%[pairs], #-12]\n\t"
                     "str.w %[second_odd], [%[pairs], #-8]\n\t"
                     "str.w %[second], [%[pairs], #-4]"
                     : [input] "+r"(*input), [pairs] "+r"(*pairs), [first] "=&r"(first), [second] "=&r"(second),
                       [first_odd] "=&r"(first_odd), [second_odd] "=&r"(second_odd)
                     : [zeros] "r"(0x007F007F), [highs] "r"(0xFF00FF00)
                     : "memory");
}

/* `inputs` codes as [x1, x1, x0, x0] of four, and fillers up to sixteen. */
static __attribute__((noinline)) void tp_fully_connected_widen(const int8_t *input, int32_t inputs, int32_t *pairs)
{
#pragma GCC unroll 2
    for (int32_t i = inputs / 8; i > 0; i--) {
        tp_fully_connected_widen_eight(&input, &pairs);
    }
    if (inputs % 8 >= 4) {
        tp_fully_connected_widen_four(&input, &pairs);
    }
    if (inputs % 4 != 0) {
        int8_t last[4] TP_ALIGNED;
        const int8_t *from = last;
        for (int32_t i = 0; i < 4; i++) {
            last[i] = i < inputs % 4 ? input[i] : 0;
        }
        tp_fully_connected_widen_four(&from, &pairs);
    }
}

/* weights [chunks, outputs / 8, inputs of the chunk / 4, 8, 4]; they and the biases are filled up to sixteens of
 * inputs and eights of outputs. scratch: 2 bytes an input of a chunk; behind it, where there are several chunks, 4
 * an output. */
TP_KERNEL void tp_fully_connected_pairs_dsp(int32_t inputs, int32_t outputs, int32_t chunk, const int8_t *input,
                                            const int8_t *weights, const int32_t *biases,
                                            const struct tp_fully_connected_rounding *rounding, int32_t low,
                                            int32_t high, int32_t *scratch, int8_t *output)
{
    const int32_t rest = outputs % 8;
    int32_t *const sums = scratch + chunk / 2;
    int8_t last[8];
    struct tp_fully_connected layer = {
        .pairs = scratch,
        .weights = weights,
        .rounding = *rounding,
    };
    for (int32_t i = 0; i < inputs; i += chunk) {
        const int32_t count = inputs - i < chunk ? inputs - i : chunk;
        layer.pairs_end = scratch + (count + 15) / 16 * 8;
        layer.starts = i == 0 ? biases : sums;
        layer.sums = sums;
        layer.rounding.how = i + chunk < inputs ? TP_FC_SUMS : rounding->how;
        tp_fully_connected_widen(&input[i], count, scratch);
        if (outputs >= 8) {
            layer.starts_end = layer.starts + (outputs - rest);
            layer.output = output;
            tp_fully_connected_eights(&layer);
        }
        if (rest != 0) {
            layer.starts_end = layer.starts + 8;
            layer.output = last;
            tp_fully_connected_eights(&layer);
        }
    }
    for (int32_t i = 0; i < rest; i++) {
        output[outputs - rest + i] = last[i];
    }
    tp_clamp_codes_dsp(output, outputs, low, high);
}

#endif
