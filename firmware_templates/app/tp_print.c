/* SPDX-License-Identifier: 0BSD */
#include "tp_print.h"

#include "tp_crc.h"
#include "tp_mcu.h"

/* Digits of 2**64 - 1. */
#define U64_DIGITS 20U
/* Longest echo of a foreign text. */
#define ECHO_CHARS 32U

/* Hosts take any line that contains this text for the end of a reply. */
static const char ready_mark[] = "m-ready";

static uint32_t sum;

static void put(uint8_t byte)
{
    sum = tp_crc32(sum, &byte, 1U);
    tp_serial_put(byte);
}

void tp_print_sum_from(uint32_t crc)
{
    sum = crc;
}

uint32_t tp_print_sum(void)
{
    return sum;
}

void tp_print_crc(uint32_t crc)
{
    tp_print("m-crc-[");
    tp_print_hex(crc, 8U);
    tp_print("]\r\n");
}

void tp_print(const char *text)
{
    for (; *text != '\0'; text++) {
        put((uint8_t)*text);
    }
}

void tp_print_u64(uint64_t value)
{
    char digits[U64_DIGITS];
    size_t count = 0U;

    do {
        digits[count] = (char)('0' + (char)(value % 10U));
        count++;
        value /= 10U;
    } while (value != 0U);
    while (count > 0U) {
        count--;
        put((uint8_t)digits[count]);
    }
}

void tp_print_hex(uint32_t value, uint32_t digits)
{
    while (digits > 0U) {
        digits--;
        put((uint8_t)"0123456789abcdef"[(value >> (4U * digits)) & 15U]);
    }
}

void tp_print_milli(bool negative, uint64_t milli)
{
    const uint32_t rest = (uint32_t)(milli % 1000U);

    if (negative) {
        tp_print("-");
    }
    tp_print_u64(milli / 1000U);
    put((uint8_t)'.');
    put((uint8_t)('0' + rest / 100U));
    put((uint8_t)('0' + rest / 10U % 10U));
    put((uint8_t)('0' + rest % 10U));
}

static bool starts_with_mark(const char *text)
{
    for (size_t i = 0U; ready_mark[i] != '\0'; i++) {
        if (text[i] != ready_mark[i]) {
            return false;
        }
    }
    return true;
}

void tp_print_echo(const char *text, size_t limit)
{
    char shown[ECHO_CHARS + 1U];
    size_t count = 0U;

    for (; *text != '\0' && count < limit && count < ECHO_CHARS; text++) {
        if (*text >= ' ' && *text <= '~') {
            shown[count] = *text;
            count++;
        }
    }
    shown[count] = '\0';
    for (size_t i = 0U; i < count; i++) {
        if (starts_with_mark(&shown[i])) {
            return;
        }
        put((uint8_t)shown[i]);
    }
}

void tp_print_text(const char *text)
{
    for (; *text != '\0' && !starts_with_mark(text); text++) {
        if (*text >= ' ' && *text <= '~') {
            put((uint8_t)*text);
        }
    }
}

void tp_print_error(const char *text)
{
    tp_print("e-[");
    tp_print(text);
    tp_print("]\r\n");
}
