/* SPDX-License-Identifier: 0BSD */
#include "tp_text.h"

char *tp_word(char **rest)
{
    char *at = *rest;
    char *word;

    while (*at == ' ') {
        at++;
    }
    word = at;
    while (*at != '\0' && *at != ' ') {
        at++;
    }
    if (*at == ' ') {
        *at = '\0';
        at++;
    }
    *rest = at;
    return word;
}

bool tp_all_digits(const char *text)
{
    const char *at = text;

    while (*at >= '0' && *at <= '9') {
        at++;
    }
    return at != text && *at == '\0';
}

bool tp_parse_u32(const char *text, uint32_t *value)
{
    uint64_t sum = 0U;

    if (!tp_all_digits(text)) {
        return false;
    }
    for (; *text != '\0'; text++) {
        sum = sum * 10U + (uint64_t)(*text - '0');
        if (sum > UINT32_MAX) {
            return false;
        }
    }
    *value = (uint32_t)sum;
    return true;
}

/* 0 to 15, or 16 for any other character. */
static uint32_t hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return (uint32_t)(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return (uint32_t)(c - 'a') + 10U;
    }
    if (c >= 'A' && c <= 'F') {
        return (uint32_t)(c - 'A') + 10U;
    }
    return 16U;
}

bool tp_parse_byte(const char *text, uint8_t *value)
{
    const uint32_t high = hex_digit(text[0]);
    const uint32_t low = high < 16U ? hex_digit(text[1]) : 16U;

    if (low > 15U) {
        return false;
    }
    *value = (uint8_t)(high << 4U | low);
    return true;
}

bool tp_equal(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

size_t tp_length(const char *text)
{
    size_t count = 0U;

    while (text[count] != '\0') {
        count++;
    }
    return count;
}
