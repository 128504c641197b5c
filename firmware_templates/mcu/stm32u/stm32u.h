/* SPDX-License-Identifier: 0BSD */
/* What STM32U3 and STM32U5 share, by the names of RM0487 and RM0456, TrustZone off: registers.h of the chip defines RCC_BASE
 * and PWR_BASE, includes this, and adds what differs. */
#ifndef STM32U_H
#define STM32U_H

#include "cortexm.h"

#define RCC_CR REG(RCC_BASE)
#define RCC_CR_MSISRDY BIT(2)
#define RCC_ICSCR1 REG(RCC_BASE + 0x08U)
#define RCC_ICSCR1_MSIRGSEL BIT(23)
#define RCC_AHB2ENR1 REG(RCC_BASE + 0x8CU)
#define RCC_APB1ENR1 REG(RCC_BASE + 0x9CU)
#define RCC_APB2ENR REG(RCC_BASE + 0xA4U)
#define RCC_BDCR_LSEON BIT(0)
#define RCC_BDCR_LSERDY BIT(1)
#define RCC_BDCR_LSESYSEN BIT(7)
#define RCC_BDCR_LSESYSRDY BIT(11)

#define PWR_CR3 REG(PWR_BASE + 0x08U)
#define PWR_CR3_REGSEL BIT(1)
#define PWR_VOSR REG(PWR_BASE + 0x0CU)
#define PWR_DBPR REG(PWR_BASE + 0x28U)
#define PWR_DBPR_DBP BIT(0)
#define PWR_SVMSR REG(PWR_BASE + 0x3CU)
#define PWR_SVMSR_REGS BIT(1)

/* For stm32/mcu.c: USART1 on PA9 and PA10 is the ST-LINK's virtual COM port (UM2861, UM2839, UM3062). */
#define GPIO_BASE 0x42020000U
#define GPIO_ENABLE RCC_AHB2ENR1
#define TIMER_BASE 0x40000000U /* TIM2 */
#define IRQ_TIMER 45U
#define TIMER_ENABLE RCC_APB1ENR1
#define TIMER_ENABLE_BIT BIT(0)
#define SERIAL_BASE 0x40013800U
#define SERIAL_IS_LPUART 0
#define IRQ_SERIAL 61U
#define SERIAL_ENABLE RCC_APB2ENR
#define SERIAL_ENABLE_BIT BIT(14)
#define SERIAL_TX_PORT 0U
#define SERIAL_TX_PIN 9U
#define SERIAL_RX_PORT 0U
#define SERIAL_RX_PIN 10U
#define SERIAL_FUNCTION 7UL

/* The core's voltage comes from the SMPS, which the boards' parts (suffix Q) have; false where it does not come up. */
bool tp_select_smps(void);

/* Wait states, prefetch and the cache; false where the flash does not take them. */
bool tp_set_flash(uint32_t wait_states);

#endif
