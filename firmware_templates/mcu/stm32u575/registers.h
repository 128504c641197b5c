/* SPDX-License-Identifier: 0BSD */
/* What STM32U5 has of its own, by the names of RM0456, TrustZone off; interrupts by its table "vector table". */
#ifndef REGISTERS_H
#define REGISTERS_H

#define INTERRUPTS 126U
#define RCC_BASE 0x46020C00U
#define PWR_BASE 0x46020800U

#include "stm32u.h"

#define RCC_CR_MSIPLLEN BIT(3)
#define RCC_CR_MSIPLLSEL_MSIS BIT(6)
#define RCC_CR_PLL1ON BIT(24)
#define RCC_CR_PLL1RDY BIT(25)
#define RCC_ICSCR1_MSISRANGE_POS 28U
#define RCC_CFGR1 REG(RCC_BASE + 0x1CU)
#define RCC_CFGR1_SW_MASK 3UL
#define RCC_CFGR1_SW_PLL1 3UL
#define RCC_CFGR1_SWS_MASK (3UL << 2U)
#define RCC_CFGR1_SWS_PLL1 (3UL << 2U)
#define RCC_PLL1CFGR REG(RCC_BASE + 0x28U)
#define RCC_PLL1CFGR_SOURCE_MSIS 1UL /* 4 MHz: range 0 of the input, divided by 1 for PLL and booster */
#define RCC_PLL1CFGR_REN BIT(18)
#define RCC_PLL1DIVR REG(RCC_BASE + 0x34U)
#define RCC_PLL1DIVR_P_Q_RESET (1UL << 9U | 1UL << 16U)
#define RCC_PLL1DIVR_R_POS 24U
#define RCC_AHB3ENR REG(RCC_BASE + 0x94U)
#define RCC_AHB3ENR_PWREN BIT(2)
#define RCC_BDCR REG(RCC_BASE + 0xF0U)

#define PWR_VOSR_BOOSTRDY BIT(14)
#define PWR_VOSR_VOSRDY BIT(15)
#define PWR_VOSR_VOS_POS 16U
#define PWR_VOSR_VOS_MASK (3UL << PWR_VOSR_VOS_POS)
#define PWR_VOSR_BOOSTEN BIT(18)
#define PWR_SVMCR REG(PWR_BASE + 0x10U)
#define PWR_SVMCR_IO2SV BIT(29)

#endif
