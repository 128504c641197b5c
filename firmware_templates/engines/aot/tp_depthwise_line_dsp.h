/* SPDX-License-Identifier: 0BSD */
/* Depthwise convolution along one axis, without padding: three outputs of two channels at a time, down the line.
 *
 * Words hold four neighbouring channels of a pixel; the even ones are done first, then the odd ones. Where a step of
 * the outputs is one of the taps, each output's codes are the next tap's of the one before: a load for three outputs.
 */
#ifndef TP_DEPTHWISE_LINE_DSP_H
#define TP_DEPTHWISE_LINE_DSP_H

#include "tp_dsp.h"

/* Bytes: `tap` from a tap's codes to the next one's, `step` from an output's codes to the next one's, `made` from an
 * output to the next one. `low`, `high`: the clamp. */
struct tp_line {
    int32_t taps;
    int32_t tap, step, made;
    int32_t out_zero;
    int32_t low, high;
};

/* Channels 0 and 2 of a word, or 1 and 3. */
TP_KERNEL int16x2_t tp_line_pair(const int8_t *from, bool odd)
{
    const int32_t word = tp_load4(from);
    return odd ? tp_odd(word) : tp_even(word);
}

TP_KERNEL void tp_line_store(const struct tp_line *line, int32_t sum, const struct tp_channel *channel, int8_t *output)
{
    const int32_t q = tp_requantize_s8(sum, channel->multiplier, channel->shift, line->out_zero);
    *output = tp_activation_s8(q, line->low, line->high);
}

/* `outputs` (1 to 3) neighbours, of two channels of a word. */
TP_KERNEL void tp_line_outputs(const struct tp_line *line, int32_t outputs, bool odd, const int8_t *from,
                               const int8_t *weights, const struct tp_channel *channels, int8_t *output)
{
    const struct tp_channel *first = &channels[odd ? 1 : 0];
    const struct tp_channel *second = &channels[odd ? 3 : 2];
    const bool shared = line->step == line->tap;
    int32_t a0 = first->bias;
    int32_t a1 = a0;
    int32_t a2 = a0;
    int32_t b0 = second->bias;
    int32_t b1 = b0;
    int32_t b2 = b0;
    int16x2_t x0 = 0;
    int16x2_t x1 = 0;
    int16x2_t x2 = 0;
    if (shared && outputs > 1) {
        x1 = tp_line_pair(from, odd);
    }
    if (shared && outputs > 2) {
        x2 = tp_line_pair(from + line->tap, odd);
    }
#pragma GCC unroll 16
    for (int32_t i = 0; i < line->taps; i++) {
        const int16x2_t weight = tp_line_pair(&weights[4 * i], odd);
        if (shared) { /* the newest code is the last output's */
            x0 = outputs > 1 ? x1 : tp_line_pair(from, odd);
            x1 = outputs > 2 ? x2 : (outputs > 1 ? tp_line_pair(from + line->step, odd) : 0);
            x2 = outputs > 2 ? tp_line_pair(from + 2 * line->step, odd) : 0;
        } else {
            x0 = tp_line_pair(from, odd);
            x1 = outputs > 1 ? tp_line_pair(from + line->step, odd) : 0;
            x2 = outputs > 2 ? tp_line_pair(from + 2 * line->step, odd) : 0;
        }
        from += line->tap;
        a0 = __smlabb(x0, weight, a0);
        b0 = __smlatt(x0, weight, b0);
        if (outputs > 1) {
            a1 = __smlabb(x1, weight, a1);
            b1 = __smlatt(x1, weight, b1);
        }
        if (outputs > 2) {
            a2 = __smlabb(x2, weight, a2);
            b2 = __smlatt(x2, weight, b2);
        }
    }
    output += odd ? 1 : 0;
    tp_line_store(line, a0, first, output);
    tp_line_store(line, b0, second, output + 2);
    if (outputs > 1) {
        tp_line_store(line, a1, first, output + line->made);
        tp_line_store(line, b1, second, output + line->made + 2);
    }
    if (outputs > 2) {
        tp_line_store(line, a2, first, output + 2 * line->made);
        tp_line_store(line, b2, second, output + 2 * line->made + 2);
    }
}

/* `count` outputs, of every other channel of `depth`. */
TP_KERNEL void tp_line_channels(const struct tp_line *line, int32_t depth, int32_t count, bool odd, const int8_t *input,
                                const int8_t *weights, const struct tp_channel *channels, int8_t *output)
{
    for (int32_t c = 0; c < depth; c += 4) {
        const int8_t *taps = &weights[c * line->taps];
        const int8_t *from = &input[c];
        int8_t *to = &output[c];
        for (int32_t x = 0; x + 3 <= count; x += 3) {
            tp_line_outputs(line, 3, odd, from, taps, &channels[c], to);
            from += 3 * line->step;
            to += 3 * line->made;
        }
        if (count % 3 != 0) {
            tp_line_outputs(line, count % 3, odd, from, taps, &channels[c], to);
        }
    }
}

/* weights [channels / 4, taps, 4]. An output may lie over its line's input if both start at the same byte: of each
 * channel, every code is read before an output is written over it. All even channels go first: the code of both halves
 * would not fit into a small cache. */
TP_KERNEL void tp_depthwise_line_dsp(const struct tp_line *line, int32_t depth, int32_t count, const int8_t *input,
                                     const int8_t *weights, const struct tp_channel *channels, int8_t *output)
{
    tp_line_channels(line, depth, count, false, input, weights, channels, output);
    tp_line_channels(line, depth, count, true, input, weights, channels, output);
}

#endif
