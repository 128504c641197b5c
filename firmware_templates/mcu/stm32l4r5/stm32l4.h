/* SPDX-License-Identifier: 0BSD */
/* What the files of this folder share. */
#ifndef STM32L4_H
#define STM32L4_H

#include <stdbool.h>
#include <stdint.h>

/* Waits until (*reg & mask) == wanted; false when that does not come within about a million
 * polls. */
bool tp_wait_for(const volatile uint32_t *reg, uint32_t mask, uint32_t wanted);

/* Core, bus and timer clock to TP_CLOCK_HZ. Returns what was reached; on failure the reset clock
 * and a note. */
uint32_t tp_clock_init(const char **note);

/* Disciplines the MSI oscillator by the 32,768 Hz crystal; waits up to 2 s for the crystal to
 * start. Needs the time base. NULL, or what is used instead. */
const char *tp_clock_trim(void);

/* Interrupts by their name in the vector table. */
void tp_tim2_interrupt(void);
void tp_lpuart1_interrupt(void);

#endif
