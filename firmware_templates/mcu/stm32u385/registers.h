/* SPDX-License-Identifier: 0BSD */
/* What STM32U3 has of its own, by the names of RM0487, TrustZone off; interrupts by its table "vector table". */
#ifndef REGISTERS_H
#define REGISTERS_H

#define INTERRUPTS 125U
#define RCC_BASE 0x40030C00U
#define PWR_BASE 0x40030800U

#include "stm32u.h"

#define RCC_CR_MSIPLL0EN BIT(6)
#define RCC_CR_MSIPLL0RDY BIT(10)
#define RCC_ICSCR1_MSISDIV_POS 29U
#define RCC_ICSCR1_MSISDIV_MASK (3UL << RCC_ICSCR1_MSISDIV_POS)
#define RCC_ICSCR1_MSISSEL_RC1 BIT(31)
#define RCC_CFGR4 REG(RCC_BASE + 0x28U)
#define RCC_CFGR4_BOOSTSEL_MSIS 1UL
#define RCC_AHB1ENR2 REG(RCC_BASE + 0x94U)
#define RCC_AHB1ENR2_PWREN BIT(2)
#define RCC_BDCR REG(RCC_BASE + 0x110U)

#define PWR_VOSR_R1EN BIT(0)
#define PWR_VOSR_R2EN BIT(1)
#define PWR_VOSR_BOOSTEN BIT(8)
#define PWR_VOSR_R1RDY BIT(16)
#define PWR_VOSR_R2RDY BIT(17)
#define PWR_VOSR_BOOSTRDY BIT(24)

#endif
