/* SPDX-License-Identifier: 0BSD */
/* UNIDIRECTIONAL_SEQUENCE_LSTM in portable C. Hidden state and cell may lie over what they were. */
#ifndef TP_LSTM_H
#define TP_LSTM_H

#include <string.h>

#include "tp_kernels.h"
#include "tp_sigmoid.h"

/* One of two sums of a gate: weights [units][count], biases with the zero point taken out, int32 or (wide) int64. */
struct tp_lstm_sum {
    const int8_t *weights;
    const void *bias;
    int32_t multiplier;
    int32_t shift; /* to the right */
};

struct tp_lstm_gate {
    struct tp_lstm_sum input, recurrent;
};

struct tp_lstm {
    int32_t batch, steps, inputs, units;
    bool time_major;
    bool wide; /* input, hidden state and output are int16, else int8 */
    int32_t hidden_zero;
    int32_t forget_multiplier, forget_shift; /* shifts to the right, here and below */
    int32_t update_multiplier, update_shift;
    int32_t output_multiplier, output_shift;
    int32_t tanh_multiplier, tanh_shift;
    int32_t clip;
};

/* Sum number `unit` over `codes`, as a number of 16 bits. */
TP_KERNEL int32_t tp_lstm_sum(bool wide, const struct tp_lstm_sum *sum, int32_t count, const void *codes, int32_t unit)
{
    const int8_t *weights = &sum->weights[unit * count];
    int32_t made;
    if (wide) {
        int64_t total = ((const int64_t *)sum->bias)[unit];
        for (int32_t i = 0; i < count; i++) {
            total += weights[i] * ((const int16_t *)codes)[i];
        }
        made = tp_requantize_wide(total, sum->multiplier, sum->shift);
    } else {
        int32_t total = 0;
        for (int32_t i = 0; i < count; i++) {
            total += weights[i] * ((const int8_t *)codes)[i];
        }
        total = (int32_t)((uint32_t)total + (uint32_t)((const int32_t *)sum->bias)[unit]);
        made = tp_requantize(total, sum->multiplier, sum->shift);
    }
    return tp_clamp(made, INT16_MIN, INT16_MAX);
}

TP_KERNEL int32_t tp_lstm_gate(const struct tp_lstm *lstm, const struct tp_lstm_gate *gate, const void *input,
                               const void *hidden, int32_t unit)
{
    const int32_t of_input = tp_lstm_sum(lstm->wide, &gate->input, lstm->inputs, input, unit);
    const int32_t recurrent = tp_lstm_sum(lstm->wide, &gate->recurrent, lstm->units, hidden, unit);
    return tp_clamp(of_input + recurrent, INT16_MIN, INT16_MAX);
}

/* The next value of the cell `unit`. */
TP_KERNEL int16_t tp_lstm_cell(const struct tp_lstm *lstm, const uint16_t table[256],
                               const struct tp_lstm_gate gates[4], const void *input, const void *hidden, int32_t cell,
                               int32_t unit)
{
    const int32_t entering = tp_sigmoid(table, tp_lstm_gate(lstm, &gates[0], input, hidden, unit), 3, 0);
    const int32_t forget = tp_sigmoid(table, tp_lstm_gate(lstm, &gates[1], input, hidden, unit), 3, 0);
    const int32_t fresh = tp_tanh(table, tp_lstm_gate(lstm, &gates[2], input, hidden, unit), 3, 0);
    const int32_t kept = tp_requantize(forget * cell, lstm->forget_multiplier, lstm->forget_shift);
    const int32_t added = tp_requantize(entering * fresh, lstm->update_multiplier, lstm->update_shift);
    const int32_t sum = tp_clamp(kept, INT16_MIN, INT16_MAX) + tp_clamp(added, INT16_MIN, INT16_MAX);
    return (int16_t)tp_clamp(tp_clamp(sum, INT16_MIN, INT16_MAX), -lstm->clip, lstm->clip);
}

/* One step of one row: the next hidden state goes to `output` first, for all gates read the old one. */
TP_KERNEL void tp_lstm_step(const struct tp_lstm *lstm, const uint16_t table[256], const struct tp_lstm_gate gates[4],
                            const void *input, void *hidden, int16_t *cell, void *output)
{
    for (int32_t unit = 0; unit < lstm->units; unit++) {
        const int32_t leaving = tp_sigmoid(table, tp_lstm_gate(lstm, &gates[3], input, hidden, unit), 3, 0);
        cell[unit] = tp_lstm_cell(lstm, table, gates, input, hidden, cell[unit], unit);
        const int32_t bent = tp_tanh(table, cell[unit], lstm->tanh_multiplier, lstm->tanh_shift);
        const int32_t made = tp_requantize(bent * leaving, lstm->output_multiplier, lstm->output_shift);
        if (lstm->wide) {
            ((int16_t *)output)[unit] = (int16_t)tp_clamp(made + lstm->hidden_zero, INT16_MIN, INT16_MAX);
        } else {
            ((int8_t *)output)[unit] = (int8_t)tp_clamp(made + lstm->hidden_zero, INT8_MIN, INT8_MAX);
        }
    }
    memcpy(hidden, output, (size_t)lstm->units * (lstm->wide ? sizeof(int16_t) : sizeof(int8_t)));
}

TP_KERNEL void tp_lstm(const struct tp_lstm *lstm, const uint16_t table[256], const struct tp_lstm_gate gates[4],
                       const void *input, const void *hidden_before, const int16_t *cell_before, void *output,
                       void *hidden, int16_t *cell)
{
    const int32_t code = lstm->wide ? (int32_t)sizeof(int16_t) : (int32_t)sizeof(int8_t);
    if (hidden != hidden_before) {
        memcpy(hidden, hidden_before, (size_t)(lstm->batch * lstm->units * code));
    }
    if (cell != cell_before) {
        memcpy(cell, cell_before, (size_t)(lstm->batch * lstm->units) * sizeof(int16_t));
    }
    for (int32_t row = 0; row < lstm->batch; row++) {
        for (int32_t step = 0; step < lstm->steps; step++) {
            const int32_t at = lstm->time_major ? step * lstm->batch + row : row * lstm->steps + step;
            tp_lstm_step(lstm, table, gates, (const int8_t *)input + at * lstm->inputs * code,
                         (int8_t *)hidden + row * lstm->units * code, &cell[row * lstm->units],
                         (int8_t *)output + at * lstm->units * code);
        }
    }
}

#endif
