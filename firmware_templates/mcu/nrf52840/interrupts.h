/* SPDX-License-Identifier: 0BSD */
/* For the vector table: an interrupt's number is bits 12 to 17 of its peripheral's address. */
#ifndef INTERRUPTS_H
#define INTERRUPTS_H

#include "registers.h"

#define INTERRUPTS 48U
#define HANDLERS [IRQ_UARTE0] = tp_uarte0_interrupt, [IRQ_TIMER0] = tp_timer0_interrupt

void tp_uarte0_interrupt(void);
void tp_timer0_interrupt(void);

#endif
