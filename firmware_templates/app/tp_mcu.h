/* SPDX-License-Identifier: 0BSD */
/* What a chip must provide: clock, serial, microseconds, timestamp pin, idle. One folder of mcu/
 * implements it. */
#ifndef TP_MCU_H
#define TP_MCU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Clocks, serial port at `baud`, time base, timestamp pin (output, high). Called once, first.
 * Returns NULL, or a short text for a debug line: what could not be had and what is used
 * instead. */
const char *tp_mcu_init(uint32_t baud);

/* Queues or sends one byte; may wait for room, never loses one. */
void tp_serial_put(uint8_t byte);

/* One received byte if there is one; never waits. */
bool tp_serial_get(uint8_t *byte);

/* Returns when the last queued bit has left the transmitter. */
void tp_serial_drain(void);

/* True once after received bytes were lost (ring or hardware overrun); clears the flag. */
bool tp_serial_overrun(void);

/* Microseconds since tp_mcu_init; never wraps. */
uint64_t tp_time_us(void);

/* Energy mode: one pulse on the timestamp pin, low for at least 1 us; the falling edge is the
 * event. */
void tp_timestamp_pulse(void);

/* Sleeps until an interrupt; returns at once if a byte is waiting. */
void tp_idle(void);

#endif
