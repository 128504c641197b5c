/* SPDX-License-Identifier: 0BSD */
/* Text out, without printf: strings and integers only. */
#ifndef TP_PRINT_H
#define TP_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void tp_print(const char *text);
void tp_print_u64(uint64_t value);

/* `digits` hex digits, lower case. */
void tp_print_hex(uint32_t value, uint32_t digits);

/* A count of thousandths as printf's "%.3f" would show it: 1250 is "1.250". */
void tp_print_milli(bool negative, uint64_t milli);

/* At most `limit` characters of `text`, printable ASCII only, and never the end-of-reply mark. */
void tp_print_echo(const char *text, size_t limit);

/* All of `text`: printable ASCII only, and nothing from an end-of-reply mark on. */
void tp_print_text(const char *text);

/* CRC-32 of all that was printed since `tp_print_sum_from`, which begins with `crc`. */
void tp_print_sum_from(uint32_t crc);
uint32_t tp_print_sum(void);

/* "m-crc-[...]" and the end of the line. */
void tp_print_crc(uint32_t crc);

/* "e-[text]" and the end of the line. */
void tp_print_error(const char *text);

#endif
