/* SPDX-License-Identifier: 0BSD */
/* Commands: bytes until '%', then one reply that ends with m-ready. */
#ifndef TP_COMMAND_H
#define TP_COMMAND_H

#include <stdint.h>

/* One received byte; a '%' runs the command before it. */
void tp_command_byte(uint8_t byte);

/* "m-build-[...]" */
void tp_command_print_build(void);

/* The end of every reply. Nothing may be printed after it. */
void tp_command_ready(void);

#endif
