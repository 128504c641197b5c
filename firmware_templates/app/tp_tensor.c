/* SPDX-License-Identifier: 0BSD */
#include "tp_tensor.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "tp_config.h"
#include "tp_model.h"
#include "tp_print.h"

#if TP_INPUT_FLOAT32

/* Anomaly detection: little-endian float32 in, one mean squared error out. */

_Static_assert(TP_INPUT_BYTES == 4U * TP_INPUT_ELEMENTS, "one float32 per input element");
_Static_assert(TP_INPUT_ELEMENTS == TP_OUTPUT_ELEMENTS, "the output is compared with the input");

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

    for (size_t i = 0U; i < TP_OUTPUT_ELEMENTS; i++) {
        const float real = TP_OUTPUT_SCALE * (float)(output[i] - TP_OUTPUT_ZERO_POINT);
        const float difference = real - wire_float(wire, i);

        sum += difference * difference;
    }
    return sum / (float)TP_OUTPUT_ELEMENTS;
}

/* Thousandths of a float32 >= 0, halves to even, exactly; false where they do not fit (also
 * infinity and NaN). */
static bool milli_of(float value, uint64_t *milli)
{
    uint32_t bits;
    uint64_t scaled;
    int32_t exponent;
    uint64_t rest;
    uint64_t half;

    memcpy(&bits, &value, sizeof bits);
    exponent = (int32_t)(bits >> 23U & 0xFFU) - 150; /* value = mantissa * 2**exponent */
    scaled = (uint64_t)((bits & 0x7FFFFFU) | 0x800000U) * 1000U; /* below 2**34 */
    if (exponent > 29) {
        return false;
    }
    if (exponent >= 0) {
        *milli = scaled << (uint32_t)exponent;
        return true;
    }
    if (exponent < -35) { /* less than half a thousandth; subnormal numbers end here too */
        *milli = 0U;
        return true;
    }
    half = (uint64_t)1U << (uint32_t)(-exponent - 1);
    rest = scaled & (2U * half - 1U);
    scaled >>= (uint32_t)-exponent;
    if (rest > half || (rest == half && (scaled & 1U) != 0U)) {
        scaled++;
    }
    *milli = scaled;
    return true;
}

void tp_tensor_results(const uint8_t *wire)
{
    uint64_t milli = 0U;

    if (!milli_of(mean_squared_error(wire), &milli)) {
        tp_print_error("The error is not a finite number: check the input");
        return;
    }
    tp_print("m-results-[");
    tp_print_milli(false, milli);
    tp_print("]\r\n");
}

#else

_Static_assert(TP_INPUT_BYTES == TP_INPUT_ELEMENTS, "one byte per input element");

void tp_tensor_load(const uint8_t *wire)
{
    int8_t *const input = tp_model_input(0U);

    for (size_t i = 0U; i < TP_INPUT_ELEMENTS; i++) {
        input[i] = tp_input_codes[wire[i]];
    }
}

void tp_tensor_results(const uint8_t *wire)
{
    const int8_t *const output = tp_model_output(0U);

    (void)wire;
    tp_print("m-results-[");
    for (size_t i = 0U; i < TP_OUTPUT_ELEMENTS; i++) {
        const int32_t milli = tp_output_milli[output[i] + 128];

        if (i > 0U) {
            tp_print(",");
        }
        tp_print_milli(milli < 0, milli < 0 ? 0U - (uint64_t)milli : (uint64_t)milli);
    }
    tp_print("]\r\n");
}

#endif
