/* SPDX-License-Identifier: 0BSD */
/* Clock tree and caches. Sequence and limits: RM0385, chapters PWR (over-drive), FLASH and RCC, and the datasheet's
 * operating conditions at 2.7 to 3.6 V. The PLL takes 1 MHz from the board's 25 MHz crystal. */
#include <stddef.h>

#include "caches.h"
#include "stm32.h"
#include "tp_config.h"

#define MHZ 1000000U
#define HSI_HZ (16U * MHZ)
#define HSI_MHZ 16U
#define CRYSTAL_MHZ 25U
#define VCO_PER_CORE 2U           /* PLLP */
#define FLASH_STEP_HZ (30U * MHZ) /* of the clock, one wait state more for each */

#if TP_CLOCK_HZ > 216000000U || TP_CLOCK_HZ < 50000000U || TP_CLOCK_HZ % 2000000U != 0U
#error "clock_hz of the board file must be 50000000 to 216000000 and even MHz on an STM32F746"
#endif

#define WAIT_STATES ((TP_CLOCK_HZ - 1U) / FLASH_STEP_HZ)
#define OVER_DRIVE (TP_CLOCK_HZ > 180U * MHZ)
/* Voltage scale 3, 2, 1: codes 1, 2, 3. */
#define VOLTAGE_SCALE (TP_CLOCK_HZ > 168U * MHZ ? 3UL : TP_CLOCK_HZ > 144U * MHZ ? 2UL : 1UL)

static bool set_over_drive(void)
{
    PWR_CR1 |= PWR_CR1_ODEN;
    if (!tp_wait_for(&PWR_CSR1, PWR_CSR1_ODRDY, PWR_CSR1_ODRDY)) {
        return false;
    }
    PWR_CR1 |= PWR_CR1_ODSWEN;
    return tp_wait_for(&PWR_CSR1, PWR_CSR1_ODSWRDY, PWR_CSR1_ODSWRDY);
}

/* The buses are slowed down before the switch: APB1 may run at 54 MHz at most, APB2 at 108. */
static bool set_clock(uint32_t source, uint32_t source_mhz)
{
    PWR_CR1 = (PWR_CR1 & ~PWR_CR1_VOS_MASK) | VOLTAGE_SCALE << PWR_CR1_VOS_POS; /* while the PLL is off */
    RCC_PLLCFGR = source_mhz | (VCO_PER_CORE * (TP_CLOCK_HZ / MHZ)) << RCC_PLLCFGR_N_POS | source |
                  9UL << RCC_PLLCFGR_Q_POS;
    RCC_CR |= RCC_CR_PLLON;
    if (OVER_DRIVE && !set_over_drive()) {
        return false;
    }
    FLASH_ACR = WAIT_STATES | FLASH_ACR_PRFTEN | FLASH_ACR_ARTEN;
    if (!tp_wait_for(&FLASH_ACR, FLASH_ACR_LATENCY_MASK, WAIT_STATES) ||
        !tp_wait_for(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY)) {
        return false;
    }
    RCC_CFGR = RCC_CFGR_PPRE1_DIV4 | RCC_CFGR_PPRE2_DIV2;
    RCC_CFGR = RCC_CFGR_PPRE1_DIV4 | RCC_CFGR_PPRE2_DIV2 | RCC_CFGR_SW_PLL;
    return tp_wait_for(&RCC_CFGR, RCC_CFGR_SWS_MASK, RCC_CFGR_SWS_PLL);
}

const char *tp_clock_init(struct tp_clocks *clocks)
{
    bool crystal;

    tp_enable_caches();
    RCC_APB1ENR |= RCC_APB1ENR_PWREN;
    (void)RCC_APB1ENR; /* the peripheral may be used two cycles after its clock */
    crystal = tp_switch_on(&RCC_CR, RCC_CR_HSEON, RCC_CR_HSERDY);
    if (!set_clock(crystal ? RCC_PLLCFGR_SOURCE_HSE : 0U, crystal ? CRYSTAL_MHZ : HSI_MHZ)) {
        RCC_CFGR = 0U;
        *clocks = (struct tp_clocks){HSI_HZ, HSI_HZ};
        return "clock: PLL or over-drive not ready, running at the reset clock of 16 MHz";
    }
    /* Timers of a bus that is divided run at twice its clock. */
    *clocks = (struct tp_clocks){TP_CLOCK_HZ / 2U, TP_CLOCK_HZ / 2U};
    return crystal ? NULL : "clock: no 25 MHz crystal, HSI oscillator instead (about 1 %)";
}

const char *tp_clock_trim(void)
{
    return NULL; /* the crystal needs none */
}
