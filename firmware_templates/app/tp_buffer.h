/* SPDX-License-Identifier: 0BSD */
/* The download buffer behind the `db` commands. */
#ifndef TP_BUFFER_H
#define TP_BUFFER_H

#include <stdbool.h>
#include <stdint.h>

#include "tp_config.h"

/* An input as a binary window brings it. Little-endian, as every core here is.
 * The checksum is of what stands before it and of the whole input, what was kept of the one before included. */
struct tp_frame {
    uint32_t keep;       /* so many bytes of the end of the input before are the beginning of this one */
    uint32_t bytes;      /* of the input that follow */
    uint32_t inferences; /* 0: only the input */
    uint32_t crc;
    uint8_t input[TP_BUFFER_BYTES];
};
#define TP_FRAME_HEADER_BYTES 16U

/* `arguments`: what follows "db ". */
void tp_buffer_command(char *arguments);

/* Every expected byte has arrived, and they are enough for one inference. */
bool tp_buffer_complete(void);

/* The bytes as sent. */
const uint8_t *tp_buffer_bytes(void);

/* Where they lie. */
struct tp_frame *tp_buffer_frame(void);

/* `count` bytes lie there now, and are all of an input; returns how many of a whole one lay there before, else 0. */
uint32_t tp_buffer_set(uint32_t count);

#endif
