/* SPDX-License-Identifier: 0BSD */
/* The download buffer behind the `db` commands. */
#ifndef TP_BUFFER_H
#define TP_BUFFER_H

#include <stdbool.h>
#include <stdint.h>

/* `arguments`: what follows "db ". */
void tp_buffer_command(char *arguments);

/* Every expected byte has arrived, and they are enough for one inference. */
bool tp_buffer_complete(void);

/* The bytes as sent. */
const uint8_t *tp_buffer_bytes(void);

#endif
