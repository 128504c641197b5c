/* SPDX-License-Identifier: 0BSD */
/* For the vector table; registers.h of the chip says how many there are. */
#ifndef INTERRUPTS_H
#define INTERRUPTS_H

#include "registers.h"

void tp_uart0_interrupt(void);

#define HANDLERS [IRQ_UART0] = tp_uart0_interrupt

#endif
