/* SPDX-License-Identifier: 0BSD */
/* For the vector table; numbers are those of the chip's registers.h. */
#ifndef INTERRUPTS_H
#define INTERRUPTS_H

#include "stm32.h"

#define HANDLERS [IRQ_TIMER] = tp_timer_interrupt, [IRQ_SERIAL] = tp_serial_interrupt

#endif
