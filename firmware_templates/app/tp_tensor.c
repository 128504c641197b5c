/* SPDX-License-Identifier: 0BSD */
#include "tp_tensor.h"

#include <stddef.h>
#include <string.h>

#include "tp_config.h"
#include "tp_model.h"
#include "tp_print.h"
#include "tp_real.h"

static float real_of(const struct tp_output *output, int64_t code)
{
    return output->scale * (float)(code - output->zero_point);
}

#if TP_INPUT_RULE == 2

/* Anomaly detection: little-endian float32 in, one mean squared error out. */

_Static_assert(TP_INPUT_BYTES == 4U * TP_INPUT_ELEMENTS, "one float32 per input element");

static float wire_float(const uint8_t *wire, size_t index)
{
    const uint8_t *const at = &wire[4U * index];
    const uint32_t bits = (uint32_t)at[0] | (uint32_t)at[1] << 8U | (uint32_t)at[2] << 16U |
                          (uint32_t)at[3] << 24U;
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* clamp(round(real / scale) + zero point), halves away from zero; NaN becomes the zero point. */
static int8_t quantize(float real)
{
    const float ratio = real / TP_INPUT_SCALE;
    int32_t code = TP_INPUT_ZERO_POINT;

    if (ratio >= 256.0f) {
        code += 256;
    } else if (ratio <= -256.0f) {
        code -= 256;
    } else if (ratio > -256.0f) {
        const int32_t whole = (int32_t)ratio;
        const float rest = ratio - (float)whole;

        code += whole + (rest >= 0.5f ? 1 : 0) - (rest <= -0.5f ? 1 : 0);
    }
    if (code > 127) {
        code = 127;
    }
    if (code < -128) {
        code = -128;
    }
    return (int8_t)code;
}

void tp_tensor_load(const uint8_t *wire)
{
    int8_t *const input = tp_model_input(0U);

    for (size_t i = 0U; i < TP_INPUT_ELEMENTS; i++) {
        input[i] = quantize(wire_float(wire, i));
    }
}

/* float32 throughout and in this order, as the reference firmware: the last digit depends on it. */
static float mean_squared_error(const uint8_t *wire)
{
    const int8_t *const output = tp_model_output(0U);
    float sum = 0.0f;

    for (size_t i = 0U; i < TP_INPUT_ELEMENTS; i++) {
        const float difference = real_of(&tp_outputs[0], output[i]) - wire_float(wire, i);

        sum += difference * difference;
    }
    return sum / (float)TP_INPUT_ELEMENTS;
}

void tp_tensor_results(const uint8_t *wire)
{
    const float error = mean_squared_error(wire);

    if (!tp_is_finite(error)) {
        tp_print_error("The error is not a finite number: check the input");
        return;
    }
    tp_print("m-results-[");
    tp_print_real(error);
    tp_print("]\r\n");
}

#else

#if TP_INPUT_RULE == 3

/* Sound goes through the front end (tp_stream.c). */

#elif TP_INPUT_RULE == 1

_Static_assert(TP_INPUT_BYTES == TP_INPUT_ELEMENTS, "one byte per input element");

void tp_tensor_load(const uint8_t *wire)
{
    int8_t *const input = tp_model_input(0U);

    for (size_t i = 0U; i < TP_INPUT_ELEMENTS; i++) {
        input[i] = tp_input_codes[wire[i]];
    }
}

#else

void tp_tensor_load(const uint8_t *wire)
{
    for (size_t i = 0U; i < TP_INPUTS; i++) {
        memcpy(tp_model_input(i), wire, tp_input_bytes[i]);
        wire += tp_input_bytes[i];
    }
}

#endif

static int64_t integer_at(enum tp_type type, const void *data, size_t i)
{
    switch (type) {
    case TP_INT8:
        return ((const int8_t *)data)[i];
    case TP_INT16:
        return ((const int16_t *)data)[i];
    case TP_INT32:
        return ((const int32_t *)data)[i];
    case TP_UINT32:
        return ((const uint32_t *)data)[i];
    case TP_INT64:
        return ((const int64_t *)data)[i];
    case TP_BOOL:
    case TP_UINT8:
    case TP_FLOAT32: /* never asked for */
    default:
        return ((const uint8_t *)data)[i];
    }
}

static void print_element(const struct tp_output *output, const void *data, size_t i)
{
    int64_t integer;

    if (output->type == TP_FLOAT32) {
        tp_print_real(((const float *)data)[i]);
        return;
    }
    integer = integer_at(output->type, data, i);
    if (output->quantized) {
        tp_print_real(real_of(output, integer));
        return;
    }
    tp_print(integer < 0 ? "-" : "");
    tp_print_u64(integer < 0 ? 0U - (uint64_t)integer : (uint64_t)integer);
}

void tp_tensor_results(const uint8_t *wire)
{
    const char *before = "m-results-[";

    (void)wire;
    for (size_t k = 0U; k < TP_OUTPUTS; k++) {
        const void *const data = tp_model_output(k);

        for (size_t i = 0U; i < tp_outputs[k].elements; i++) {
            tp_print(before);
            print_element(&tp_outputs[k], data, i);
            before = ",";
        }
    }
    tp_print("]\r\n");
}

#endif
