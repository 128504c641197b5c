/* SPDX-License-Identifier: 0BSD */
/* Supply, flash and cache of STM32U3 and STM32U5: RM0487 and RM0456, chapters PWR, FLASH and ICACHE. */
#include "stm32.h"

#define FLASH_ACR REG(0x40022000U)
#define FLASH_ACR_LATENCY_MASK 15UL
#define FLASH_ACR_PRFTEN BIT(8)

#define ICACHE_CR REG(0x40030400U)
#define ICACHE_CR_EN BIT(0)
#define ICACHE_SR REG(0x40030404U)
#define ICACHE_SR_BUSYF BIT(0)

bool tp_select_smps(void)
{
    PWR_CR3 |= PWR_CR3_REGSEL;
    return tp_wait_for(&PWR_SVMSR, PWR_SVMSR_REGS, PWR_SVMSR_REGS);
}

/* The cache empties itself at reset. It stays in two ways, as reset: with one, the shipped models take 1 to 3 % longer. */
bool tp_set_flash(uint32_t wait_states)
{
    FLASH_ACR = (FLASH_ACR & ~FLASH_ACR_LATENCY_MASK) | wait_states | FLASH_ACR_PRFTEN;
    if (!tp_wait_for(&FLASH_ACR, FLASH_ACR_LATENCY_MASK, wait_states) ||
        !tp_wait_for(&ICACHE_SR, ICACHE_SR_BUSYF, 0U)) {
        return false;
    }
    ICACHE_CR |= ICACHE_CR_EN;
    return true;
}
