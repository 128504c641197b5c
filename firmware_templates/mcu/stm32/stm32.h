/* SPDX-License-Identifier: 0BSD */
/* What every STM32 with the newer USART shares (F0, F3, F7, G0, H7, L4+, U3, U5). The chip's folder has clock.c, and a
 * registers.h that says with its own registers which blocks mcu.c uses:
 *   INTERRUPTS                           how many the vector table has
 *   GPIO_BASE, GPIO_ENABLE               port A, and the RCC register with a bit for each port
 *   TIMER_BASE, IRQ_TIMER                a timer of 32 bits
 *   TIMER_ENABLE, TIMER_ENABLE_BIT       its clock in RCC
 *   SERIAL_BASE, IRQ_SERIAL, SERIAL_ENABLE, SERIAL_ENABLE_BIT     likewise the USART; SERIAL_IS_LPUART 0 or 1
 *   SERIAL_TX_PORT (A is 0), SERIAL_TX_PIN, SERIAL_RX_PORT, SERIAL_RX_PIN, SERIAL_FUNCTION (the alternate one) */
#ifndef STM32_H
#define STM32_H

#include <stdbool.h>
#include <stdint.h>

#include "registers.h"

struct tp_clocks {
    uint32_t timer_hz;  /* into the timer, a multiple of 1 MHz */
    uint32_t serial_hz; /* into the USART */
};

/* Waits until (*reg & mask) == wanted; false when that does not come within about a million
 * polls. */
bool tp_wait_for(const volatile uint32_t *reg, uint32_t mask, uint32_t wanted);

/* Sets `bits` and waits until `ready` is set in the same register; false as above. */
bool tp_switch_on(volatile uint32_t *reg, uint32_t bits, uint32_t ready);

/* The same, for a crystal: up to 2 s. Needs the time base. */
bool tp_start_crystal(volatile uint32_t *reg, uint32_t bits, uint32_t ready);

/* The chip's: core and buses to TP_CLOCK_HZ, and power to the pins used. NULL, or what failed; then the clocks are those
 * that run. */
const char *tp_clock_init(struct tp_clocks *clocks);

/* The chip's: disciplines its oscillator by a crystal, where it can. Needs the time base. NULL, or what is used
 * instead. */
const char *tp_clock_trim(void);

/* Interrupts by their name in the vector table. */
void tp_timer_interrupt(void);
void tp_serial_interrupt(void);

#endif
