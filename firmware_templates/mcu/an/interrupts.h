/* SPDX-License-Identifier: 0BSD */
/* For the vector table. */
#ifndef INTERRUPTS_H
#define INTERRUPTS_H

#include "registers.h"

#define INTERRUPTS 96U
#define HANDLERS [IRQ_UART0_RX] = tp_uart0_rx_interrupt

void tp_uart0_rx_interrupt(void);

#endif
