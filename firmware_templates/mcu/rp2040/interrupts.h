/* SPDX-License-Identifier: 0BSD */
/* For the vector table: RP2040 datasheet, 2.3.2. */
#ifndef INTERRUPTS_H
#define INTERRUPTS_H

#include "registers.h"

void tp_uart0_interrupt(void);

#define INTERRUPTS 32U
#define HANDLERS [IRQ_UART0] = tp_uart0_interrupt

#endif
