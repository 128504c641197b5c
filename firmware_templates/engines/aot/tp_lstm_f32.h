/* SPDX-License-Identifier: 0BSD */
/* UNIDIRECTIONAL_SEQUENCE_LSTM of floats. Hidden state and cell may lie over what they were. */
#ifndef TP_LSTM_F32_H
#define TP_LSTM_F32_H

#include <string.h>

#include "tp_float.h"

/* Weights [units][inputs] and [units][units]. */
struct tp_lstm_gate_f32 {
    const float *weights, *recurrent, *bias;
};

struct tp_lstm_f32 {
    int32_t batch, steps, inputs, units;
    bool time_major;
    float clip; /* 0: none */
};

/* Every sum and product of TFLM's is clamped to finite numbers. */
TP_KERNEL float tp_lstm_finite(float x)
{
    return tp_clamp_f32(x, -FLT_MAX, FLT_MAX);
}

TP_KERNEL float tp_lstm_product(const float *weights, const float *x, int32_t count)
{
    float sum = 0.0f;
    for (int32_t i = 0; i < count; i++) {
        sum += x[i] * weights[i];
    }
    return sum;
}

TP_KERNEL float tp_lstm_gate_f32(const struct tp_lstm_f32 *lstm, const struct tp_lstm_gate_f32 *gate,
                                 const float *input, const float *hidden, int32_t unit)
{
    const float of_input = tp_lstm_product(&gate->weights[unit * lstm->inputs], input, lstm->inputs);
    const float recurrent = tp_lstm_product(&gate->recurrent[unit * lstm->units], hidden, lstm->units);
    return tp_lstm_finite(of_input + gate->bias[unit]) + tp_lstm_finite(recurrent + 0.0f);
}

/* The next value of the cell `unit`. */
TP_KERNEL float tp_lstm_cell_f32(const struct tp_lstm_f32 *lstm, const struct tp_lstm_gate_f32 gates[4],
                                 const float *input, const float *hidden, float cell, int32_t unit)
{
    const float entering = tp_logistic_f32(tp_lstm_gate_f32(lstm, &gates[0], input, hidden, unit));
    const float forget = tp_logistic_f32(tp_lstm_gate_f32(lstm, &gates[1], input, hidden, unit));
    const float fresh = tp_tanh_f32(tp_lstm_gate_f32(lstm, &gates[2], input, hidden, unit));
    const float sum = tp_lstm_finite(forget * cell) + tp_lstm_finite(entering * fresh);
    return lstm->clip > 0.0f ? tp_clamp_f32(sum, -lstm->clip, lstm->clip) : sum;
}

/* One step of one row: the next hidden state goes to `output` first, for all gates read the old one. */
TP_KERNEL void tp_lstm_step_f32(const struct tp_lstm_f32 *lstm, const struct tp_lstm_gate_f32 gates[4],
                                const float *input, float *hidden, float *cell, float *output)
{
    for (int32_t unit = 0; unit < lstm->units; unit++) {
        const float leaving = tp_logistic_f32(tp_lstm_gate_f32(lstm, &gates[3], input, hidden, unit));
        cell[unit] = tp_lstm_cell_f32(lstm, gates, input, hidden, cell[unit], unit);
        output[unit] = tp_lstm_finite(tp_tanh_f32(cell[unit]) * leaving);
    }
    memcpy(hidden, output, (size_t)lstm->units * sizeof(float));
}

TP_KERNEL void tp_lstm_f32(const struct tp_lstm_f32 *lstm, const struct tp_lstm_gate_f32 gates[4], const float *input,
                           const float *hidden_before, const float *cell_before, float *output, float *hidden,
                           float *cell)
{
    if (hidden != hidden_before) {
        memcpy(hidden, hidden_before, (size_t)(lstm->batch * lstm->units) * sizeof(float));
    }
    if (cell != cell_before) {
        memcpy(cell, cell_before, (size_t)(lstm->batch * lstm->units) * sizeof(float));
    }
    for (int32_t row = 0; row < lstm->batch; row++) {
        for (int32_t step = 0; step < lstm->steps; step++) {
            const int32_t at = lstm->time_major ? step * lstm->batch + row : row * lstm->steps + step;
            tp_lstm_step_f32(lstm, gates, &input[at * lstm->inputs], &hidden[row * lstm->units],
                             &cell[row * lstm->units], &output[at * lstm->units]);
        }
    }
}

#endif
