/* SPDX-License-Identifier: 0BSD */
#include "tp_real.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tp_print.h"

/* Digits of 2**128, and a closing NUL. */
#define LARGE_CHARS 40U
#define LIMBS 4U

/* |value| = mantissa * 2**exponent */
struct parts {
    bool negative;
    bool finite;
    uint32_t mantissa;
    int32_t exponent;
};

static struct parts parts_of(float value)
{
    struct parts parts;
    uint32_t bits;
    uint32_t biased;

    memcpy(&bits, &value, sizeof bits);
    biased = bits >> 23U & 0xFFU;
    parts.negative = bits >> 31U != 0U;
    parts.finite = biased != 0xFFU;
    parts.mantissa = (bits & 0x7FFFFFU) | (biased != 0U ? 0x800000U : 0U);
    parts.exponent = (int32_t)(biased != 0U ? biased : 1U) - 150;
    return parts;
}

bool tp_is_finite(float value)
{
    return parts_of(value).finite;
}

/* Thousandths, halves to even; for exponents up to 29. */
static uint64_t milli_of(const struct parts *parts)
{
    uint64_t scaled = (uint64_t)parts->mantissa * 1000U; /* below 2**34 */
    uint64_t rest;
    uint64_t half;

    if (parts->exponent >= 0) {
        return scaled << (uint32_t)parts->exponent;
    }
    if (parts->exponent < -35) { /* less than half a thousandth */
        return 0U;
    }
    half = (uint64_t)1U << (uint32_t)(-parts->exponent - 1);
    rest = scaled & (2U * half - 1U);
    scaled >>= (uint32_t)-parts->exponent;
    return scaled + (rest > half || (rest == half && (scaled & 1U) != 0U) ? 1U : 0U);
}

/* A whole number of up to 128 bits: the last decimal digit is what a division by ten leaves. */
static void print_large(const struct parts *parts)
{
    uint32_t limbs[LIMBS + 1U] = {0U};
    char text[LARGE_CHARS];
    size_t at = LARGE_CHARS - 1U;
    const uint32_t limb = (uint32_t)parts->exponent / 32U;
    const uint64_t shifted = (uint64_t)parts->mantissa << ((uint32_t)parts->exponent % 32U);
    uint32_t left;

    limbs[limb] = (uint32_t)shifted;
    limbs[limb + 1U] = (uint32_t)(shifted >> 32U);
    text[at] = '\0';
    do {
        uint64_t rest = 0U;

        left = 0U;
        for (size_t i = LIMBS; i > 0U; i--) {
            rest = rest << 32U | limbs[i - 1U];
            limbs[i - 1U] = (uint32_t)(rest / 10U);
            rest %= 10U;
            left |= limbs[i - 1U];
        }
        at--;
        text[at] = (char)('0' + (char)rest);
    } while (left != 0U);
    tp_print(parts->negative ? "-" : "");
    tp_print(&text[at]);
    tp_print(".000");
}

void tp_print_real(float value)
{
    const struct parts parts = parts_of(value);

    if (!parts.finite) {
        const bool is_nan = (parts.mantissa & 0x7FFFFFU) != 0U;

        tp_print(is_nan ? "nan" : (parts.negative ? "-inf" : "inf"));
    } else if (parts.exponent > 29) {
        print_large(&parts);
    } else {
        const uint64_t milli = milli_of(&parts);

        tp_print_milli(parts.negative && milli != 0U, milli);
    }
}
