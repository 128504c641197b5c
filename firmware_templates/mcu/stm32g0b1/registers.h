/* SPDX-License-Identifier: 0BSD */
/* The registers used here, by the names of RM0444 (STM32G0x1); interrupts by its table "vector table". */
#ifndef REGISTERS_H
#define REGISTERS_H

#include "cortexm.h"

#define RCC_CR REG(0x40021000U)
#define RCC_CR_PLLON BIT(24)
#define RCC_CR_PLLRDY BIT(25)
#define RCC_CFGR REG(0x40021008U)
#define RCC_CFGR_SW_MASK 7UL
#define RCC_CFGR_SW_PLL 2UL
#define RCC_CFGR_SWS_MASK (7UL << 3U)
#define RCC_CFGR_SWS_PLL (2UL << 3U)
#define RCC_PLLCFGR REG(0x4002100CU)
#define RCC_PLLCFGR_SOURCE_HSI16 2UL
#define RCC_PLLCFGR_N_POS 8U
#define RCC_PLLCFGR_REN BIT(28)
#define RCC_PLLCFGR_R_POS 29U /* divides by one more */
#define RCC_IOPENR REG(0x40021034U)
#define RCC_APBENR1 REG(0x4002103CU)
#define RCC_APBENR1_PWREN BIT(28)

#define PWR_CR1 REG(0x40007000U)
#define PWR_CR1_VOS_MASK (3UL << 9U)
#define PWR_CR1_VOS_POS 9U
#define PWR_SR2 REG(0x40007014U)
#define PWR_SR2_VOSF BIT(10)

#define FLASH_ACR REG(0x40022000U)
#define FLASH_ACR_LATENCY_MASK 7UL
#define FLASH_ACR_PRFTEN BIT(8)
#define FLASH_ACR_ICEN BIT(9)

/* For stm32/mcu.c: USART2 on PA2 and PA3 is the ST-LINK's virtual COM port of the Nucleo-64 boards. */
#define INTERRUPTS 32U
#define GPIO_BASE 0x50000000U
#define GPIO_ENABLE RCC_IOPENR
#define TIMER_BASE 0x40000000U /* TIM2 */
#define IRQ_TIMER 15U
#define TIMER_ENABLE RCC_APBENR1
#define TIMER_ENABLE_BIT BIT(0)
#define SERIAL_BASE 0x40004400U
#define SERIAL_IS_LPUART 0
#define IRQ_SERIAL 28U
#define SERIAL_ENABLE RCC_APBENR1
#define SERIAL_ENABLE_BIT BIT(17)
#define SERIAL_TX_PORT 0U
#define SERIAL_TX_PIN 2U
#define SERIAL_RX_PORT 0U
#define SERIAL_RX_PIN 3U
#define SERIAL_FUNCTION 1UL

#endif
