/* SPDX-License-Identifier: 0BSD */
/* The blocks that all these chips have, at the addresses that registers.h says; names as in the reference manuals. */
#ifndef BLOCKS_H
#define BLOCKS_H

#include "stm32.h"

#define GPIO(port) (GPIO_BASE + 0x400U * (port)) /* port A is 0 */
#define GPIO_MODER(port) REG(GPIO(port))
#define GPIO_MODER_OUTPUT 1UL
#define GPIO_MODER_ALTERNATE 2UL
#define GPIO_BSRR(port) REG(GPIO(port) + 0x18U)
#define GPIO_AFR(port, pin) REG(GPIO(port) + 0x20U + 4U * ((pin) / 8U))

#define USART_CR1 REG(SERIAL_BASE)
#define USART_CR1_UE BIT(0)
#define USART_CR1_RE BIT(2)
#define USART_CR1_TE BIT(3)
#define USART_CR1_RXNEIE BIT(5)
#define USART_BRR REG(SERIAL_BASE + 0x0CU)
#define USART_ISR REG(SERIAL_BASE + 0x1CU)
#define USART_ISR_ORE BIT(3)
#define USART_ISR_RXNE BIT(5)
#define USART_ISR_TC BIT(6)
#define USART_ISR_TXE BIT(7)
#define USART_ICR REG(SERIAL_BASE + 0x20U)
#define USART_ICR_ERRORS 15UL /* parity, framing, noise, overrun */
#define USART_RDR REG(SERIAL_BASE + 0x24U)
#define USART_TDR REG(SERIAL_BASE + 0x28U)
#define USART_PRESC REG(SERIAL_BASE + 0x2CU) /* used where it is an LPUART */

#define TIM_CR1 REG(TIMER_BASE)
#define TIM_CR1_CEN BIT(0)
#define TIM_DIER REG(TIMER_BASE + 0x0CU)
#define TIM_DIER_UIE BIT(0)
#define TIM_SR REG(TIMER_BASE + 0x10U)
#define TIM_SR_UIF BIT(0)
#define TIM_EGR REG(TIMER_BASE + 0x14U)
#define TIM_EGR_UG BIT(0)
#define TIM_CNT REG(TIMER_BASE + 0x24U)
#define TIM_PSC REG(TIMER_BASE + 0x28U)
#define TIM_ARR REG(TIMER_BASE + 0x2CU)

#endif
