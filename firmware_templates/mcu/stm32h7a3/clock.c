/* SPDX-License-Identifier: 0BSD */
/* Clock tree, supply and caches. Sequence and limits: RM0455, chapters PWR, FLASH and RCC. The PLL takes 2 MHz from the
 * 8 MHz that the ST-LINK sends, else from the HSI oscillator; AXI runs at the core's clock, all APB at half of it. */
#include <stddef.h>

#include "caches.h"
#include "stm32.h"
#include "tp_config.h"

#define MHZ 1000000U
#define HSI_HZ (64U * MHZ)
#define HSI_DIVIDER 32U
#define HSE_DIVIDER 4U

#if TP_CLOCK_HZ > 280000000U || TP_CLOCK_HZ < 64000000U || TP_CLOCK_HZ % 2000000U != 0U
#error "clock_hz of the board file must be 64000000 to 280000000 and even MHz on an STM32H7A3"
#endif

/* Voltage scale 3 to 0 by its code, and for how many MHz of AXI each a wait state more is needed. */
#if TP_CLOCK_HZ > 225000000U
#define VOLTAGE_SCALE 3UL
#define FLASH_STEP_HZ (44U * MHZ)
#elif TP_CLOCK_HZ > 160000000U
#define VOLTAGE_SCALE 2UL
#define FLASH_STEP_HZ (42U * MHZ)
#elif TP_CLOCK_HZ > 88000000U
#define VOLTAGE_SCALE 1UL
#define FLASH_STEP_HZ (34U * MHZ)
#else
#define VOLTAGE_SCALE 0UL
#define FLASH_STEP_HZ (22U * MHZ)
#endif
#define WAIT_STATES ((TP_CLOCK_HZ - 1U) / FLASH_STEP_HZ)

/* The board is wired for the step-down converter alone. */
static bool set_voltage(void)
{
    PWR_CR3 = (PWR_CR3 & ~PWR_CR3_SUPPLY_MASK) | PWR_CR3_SMPSEN; /* takes effect once after each power-up */
    if (!tp_wait_for(&PWR_CSR1, PWR_CSR1_ACTVOSRDY, PWR_CSR1_ACTVOSRDY)) {
        return false;
    }
    PWR_SRDCR = VOLTAGE_SCALE << PWR_SRDCR_VOS_POS;
    return tp_wait_for(&PWR_SRDCR, PWR_SRDCR_VOSRDY, PWR_SRDCR_VOSRDY);
}

static bool start_pll(bool external)
{
    RCC_PLLCKSELR = external ? RCC_PLLCKSELR_SOURCE_HSE | HSE_DIVIDER << RCC_PLLCKSELR_DIVM1_POS
                             : RCC_PLLCKSELR_SOURCE_HSI | HSI_DIVIDER << RCC_PLLCKSELR_DIVM1_POS;
    RCC_PLLCFGR = RCC_PLLCFGR_PLL1RGE_2_TO_4_MHZ | RCC_PLLCFGR_DIVP1EN;
    /* 2 MHz * N / 2; both fields hold one less. */
    RCC_PLL1DIVR = (TP_CLOCK_HZ / MHZ - 1U) | 1UL << RCC_PLL1DIVR_DIVP1_POS | RCC_PLL1DIVR_UNUSED;
    return tp_switch_on(&RCC_CR, RCC_CR_PLL1ON, RCC_CR_PLL1RDY);
}

static bool set_clock(bool external)
{
    if (!set_voltage() || !start_pll(external)) {
        return false;
    }
    FLASH_ACR = WAIT_STATES | VOLTAGE_SCALE << FLASH_ACR_WRHIGHFREQ_POS;
    if (!tp_wait_for(&FLASH_ACR, FLASH_ACR_LATENCY_MASK, WAIT_STATES)) {
        return false;
    }
    RCC_CDCFGR1 = RCC_CDCFGR1_CDPPRE_DIV2;
    RCC_CDCFGR2 = RCC_CDCFGR2_CDPPRE1_DIV2 | RCC_CDCFGR2_CDPPRE2_DIV2;
    RCC_SRDCFGR = RCC_SRDCFGR_SRDPPRE_DIV2;
    RCC_CFGR = RCC_CFGR_SW_PLL1;
    return tp_wait_for(&RCC_CFGR, RCC_CFGR_SWS_MASK, RCC_CFGR_SWS_PLL1);
}

const char *tp_clock_init(struct tp_clocks *clocks)
{
    bool external;

    tp_enable_caches();
    RCC_CR |= RCC_CR_HSEBYP;
    external = tp_switch_on(&RCC_CR, RCC_CR_HSEON, RCC_CR_HSERDY);
    if (!set_clock(external)) {
        *clocks = (struct tp_clocks){HSI_HZ, HSI_HZ};
        return "clock: PLL or regulator not ready, running at the reset clock of 64 MHz";
    }
    /* Timers of a bus that is divided by two run at the bus matrix's clock. */
    *clocks = (struct tp_clocks){TP_CLOCK_HZ, TP_CLOCK_HZ / 2U};
    return external ? NULL : "clock: no 8 MHz from the ST-LINK, HSI oscillator instead (about 1 %)";
}

const char *tp_clock_trim(void)
{
    return NULL; /* the external clock needs none */
}
