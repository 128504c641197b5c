/* SPDX-License-Identifier: 0BSD */
/* Binary windows (docs/protocol.md, 1.11): an input as a frame of bytes with a checksum, and what it gave. */
#ifndef TP_WINDOW_H
#define TP_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

/* `window`: a frame follows. */
void tp_window_command(char *arguments);

/* `go`: the frame is in its place already; a debug port wrote it. */
void tp_window_go(char *arguments);

/* A frame is on its way: the next byte is its, and no command's. */
bool tp_window_receiving(void);

/* One byte of it; true where it was the last, and all but m-ready has been answered. */
bool tp_window_byte(uint8_t byte);

/* "m-window-[...]" */
void tp_window_print_limits(void);

#endif
