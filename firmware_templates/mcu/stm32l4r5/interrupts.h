/* SPDX-License-Identifier: 0BSD */
/* For the vector table: RM0432, table "STM32L4+ vector table". */
#ifndef INTERRUPTS_H
#define INTERRUPTS_H

#include "registers.h"
#include "stm32l4.h"

#define INTERRUPTS 95U
#define HANDLERS [IRQ_TIM2] = tp_tim2_interrupt, [IRQ_LPUART1] = tp_lpuart1_interrupt

#endif
