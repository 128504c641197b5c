/* SPDX-License-Identifier: 0BSD */
/* What every Cortex-M has, Armv6-M to Armv8.1-M: registers of the core by the names of the
 * architecture manuals, and what the files of this folder and the chip's beside them share. */
#ifndef CORTEXM_H
#define CORTEXM_H

#include <stdbool.h>
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))
#define BIT(n) (1UL << (n))

#define NVIC_ISER(irq) REG(0xE000E100U + 4U * ((irq) / 32U))
#define SCB_VTOR REG(0xE000ED08U)
#define SCB_CFSR REG(0xE000ED28U) /* not Armv6-M: reads 0 there */
#define SCB_HFSR REG(0xE000ED2CU)
#define SCB_CPACR REG(0xE000ED88U)
#define SCB_CPACR_FPU (15UL << 20U)
#define DEMCR REG(0xE000EDFCU) /* this and DWT: not Armv6-M */
#define DEMCR_TRCENA BIT(24)
#define DWT_CTRL REG(0xE0001000U)
#define DWT_CTRL_CYCCNTENA BIT(0)
#define DWT_CYCCNT REG(0xE0001004U)

static inline void tp_enable_interrupt(uint32_t irq)
{
    NVIC_ISER(irq) = BIT(irq % 32U);
}

/* Called by the serial port's interrupt alone: a byte has come, or bytes were lost before. */
void tp_received(uint8_t byte);
void tp_receive_lost(void);

/* Prints what a fault left on the stack, then stops. `frame`: r0-r3, r12, lr, pc, xpsr. */
void tp_fault(const uint32_t *frame) __attribute__((noreturn, used));

/* The reset vector. */
void tp_reset(void) __attribute__((noreturn));

int main(void);

#endif
