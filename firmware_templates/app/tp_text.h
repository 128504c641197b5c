/* SPDX-License-Identifier: 0BSD */
/* Text in: words, strict numbers, hex digits. */
#ifndef TP_TEXT_H
#define TP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Cuts the next word (up to a space) out of *rest, in place; "" when there is none. */
char *tp_word(char **rest);

/* Decimal digits and nothing else, below 2**32; false otherwise. */
bool tp_parse_u32(const char *text, uint32_t *value);

/* True where `text` is one or more decimal digits, however large the number. */
bool tp_all_digits(const char *text);

/* Two hex digits of either case; false otherwise. */
bool tp_parse_byte(const char *text, uint8_t *value);

bool tp_equal(const char *a, const char *b);
size_t tp_length(const char *text);

#endif
