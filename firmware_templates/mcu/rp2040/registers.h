/* SPDX-License-Identifier: 0BSD */
/* The registers used here, by the names of the RP2040 datasheet; interrupts by its 2.3.2. */
#ifndef REGISTERS_H
#define REGISTERS_H

#include "cortexm.h"

#define INTERRUPTS 32U
#define IRQ_UART0 20U

#define CLOCKS_BASE 0x40008000U
#define RESETS_BASE 0x4000C000U
#define IO_BANK0_BASE 0x40014000U
#define XOSC_BASE 0x40024000U
#define PLL_SYS_BASE 0x40028000U
#define UART0_BASE 0x40034000U
#define TIMER_BASE 0x40054000U

#define RESETS_IO_BANK0 BIT(5)
#define RESETS_PADS_BANK0 BIT(8)
#define RESETS_PLL_SYS BIT(12)
#define RESETS_TIMER BIT(21)
#define RESETS_UART0 BIT(22)

#define WATCHDOG_TICK REG(0x4005802CU)
#define WATCHDOG_TICK_ENABLE BIT(9)

#define SIO_GPIO_OUT_SET REG(0xD0000014U)
#define SIO_GPIO_OUT_CLR REG(0xD0000018U)
#define SIO_GPIO_OE_SET REG(0xD0000024U)

/* For rp2/mcu.c. */
#define CLOCK_IS_KNOWN (TP_CLOCK_HZ == 133000000U || TP_CLOCK_HZ == 125000000U)
#define PLL_POSTDIV1 6U
#define PLL_POSTDIV2 2U
#define RING_MHZ 6U

#endif
