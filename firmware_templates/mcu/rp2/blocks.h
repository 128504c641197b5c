/* SPDX-License-Identifier: 0BSD */
/* The blocks that all these chips have, at the addresses that registers.h says; names as in the datasheets. */
#ifndef BLOCKS_H
#define BLOCKS_H

#include "rp2.h"

#define CLEAR(reg) REG(&(reg) + 0xC00U) /* the alias in which ones clear bits, 0x3000 further */

#define RESETS_RESET REG(RESETS_BASE)
#define RESETS_RESET_DONE REG(RESETS_BASE + 0x08U)

#define XOSC_CTRL REG(XOSC_BASE)
#define XOSC_CTRL_ON 0xFABAA0UL /* enabled, 1 to 15 MHz */
#define XOSC_STATUS REG(XOSC_BASE + 0x04U)
#define XOSC_STATUS_STABLE BIT(31)
#define XOSC_STARTUP REG(XOSC_BASE + 0x0CU)

#define CLK_REF_CTRL REG(CLOCKS_BASE + 0x30U)
#define CLK_REF_CTRL_XOSC 2UL
#define CLK_REF_SELECTED REG(CLOCKS_BASE + 0x38U)
#define CLK_SYS_CTRL REG(CLOCKS_BASE + 0x3CU)
#define CLK_SYS_CTRL_AUX 1UL /* whose source 0 is the system PLL; without it, the reference clock */
#define CLK_SYS_SELECTED REG(CLOCKS_BASE + 0x44U)
#define CLK_SYS_SELECTED_REF BIT(0)
#define CLK_PERI_CTRL REG(CLOCKS_BASE + 0x48U)
#define CLK_PERI_CTRL_ENABLE BIT(11) /* its source 0 is the system clock */

#define PLL_SYS_CS REG(PLL_SYS_BASE)
#define PLL_SYS_CS_LOCK BIT(31)
#define PLL_SYS_PWR REG(PLL_SYS_BASE + 0x04U)
#define PLL_SYS_PWR_PD BIT(0)
#define PLL_SYS_PWR_POSTDIVPD BIT(3)
#define PLL_SYS_PWR_VCOPD BIT(5)
#define PLL_SYS_FBDIV_INT REG(PLL_SYS_BASE + 0x08U)
#define PLL_SYS_PRIM REG(PLL_SYS_BASE + 0x0CU)

#define TIMER_TIMERAWH REG(TIMER_BASE + 0x24U)
#define TIMER_TIMERAWL REG(TIMER_BASE + 0x28U)

#define IO_BANK0_GPIO_CTRL(pin) REG(IO_BANK0_BASE + 0x04U + 8U * (pin))
#define FUNCTION_UART 2UL
#define FUNCTION_SIO 5UL

#define UART0_DR REG(UART0_BASE)
#define UART0_DR_OE BIT(11)
#define UART0_FR REG(UART0_BASE + 0x18U)
#define UART0_FR_BUSY BIT(3)
#define UART0_FR_RXFE BIT(4)
#define UART0_FR_TXFF BIT(5)
#define UART0_IBRD REG(UART0_BASE + 0x24U)
#define UART0_FBRD REG(UART0_BASE + 0x28U)
#define UART0_LCR_H REG(UART0_BASE + 0x2CU)
#define UART0_LCR_H_8_BITS (3UL << 5U)
#define UART0_CR REG(UART0_BASE + 0x30U)
#define UART0_CR_ON (BIT(0) | BIT(8) | BIT(9)) /* and transmitter and receiver */
#define UART0_IMSC REG(UART0_BASE + 0x38U)
#define UART0_IMSC_RXIM BIT(4)
#define UART0_ICR REG(UART0_BASE + 0x44U)
#define UART0_ICR_ALL 0x7FFUL

#endif
