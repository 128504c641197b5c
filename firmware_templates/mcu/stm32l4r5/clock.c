/* SPDX-License-Identifier: 0BSD */
/* Clock tree. Sequence and limits: RM0432, chapters PWR, FLASH and RCC. Everything runs from the
 * MSI oscillator, since that one can be disciplined by the 32,768 Hz crystal; HSI16 is only good
 * for about 1 %. */
#include <stddef.h>

#include "stm32.h"
#include "tp_config.h"

#define RESET_CLOCK_HZ 4000000U
#define VOLTAGE_RANGE_1 1UL
#define VOLTAGE_RANGE_2 2UL

/* One way to clock the core: through the PLL (4 MHz * pll_n / 2, pll_n from 16 on), or from the
 * MSI itself where pll_n is 0. A wait state of the flash lasts 20 MHz in range 1, 8 MHz in range 2,
 * which goes up to 26 MHz; range 1 goes up to 80 MHz without boost. */
struct clock {
    uint32_t hz;
    uint32_t msi_range; /* 6 is 4 MHz, 9 is 24 MHz, 11 is 48 MHz */
    uint32_t pll_n;
    uint32_t flash_wait_states;
    uint32_t voltage_range;
    bool boost;
};

#define PLL_STEP_HZ 2000000U
#define WAIT_STATE_HZ 20000000U
#define BOOST_ABOVE_HZ 80000000U
#if TP_CLOCK_HZ == 24000000U
static const struct clock chosen = {TP_CLOCK_HZ, 9U, 0U, 2U, VOLTAGE_RANGE_2, false};
#elif TP_CLOCK_HZ == 48000000U
static const struct clock chosen = {TP_CLOCK_HZ, 11U, 0U, 2U, VOLTAGE_RANGE_1, false};
#elif TP_CLOCK_HZ >= 32000000U && TP_CLOCK_HZ <= 120000000U && TP_CLOCK_HZ % PLL_STEP_HZ == 0U
static const struct clock chosen = {
    TP_CLOCK_HZ,     6U, TP_CLOCK_HZ / PLL_STEP_HZ, (TP_CLOCK_HZ - 1U) / WAIT_STATE_HZ,
    VOLTAGE_RANGE_1, TP_CLOCK_HZ > BOOST_ABOVE_HZ,
};
#else
#error "a clock that this file cannot set on an STM32L4+"
#endif

static bool set_voltage_range(uint32_t range)
{
    PWR_CR1 = (PWR_CR1 & ~PWR_CR1_VOS_MASK) | range << PWR_CR1_VOS_POS;
    return tp_wait_for(&PWR_SR2, PWR_SR2_VOSF, 0U);
}

static bool set_flash_wait_states(uint32_t count)
{
    FLASH_ACR = (FLASH_ACR & ~FLASH_ACR_LATENCY_MASK) | count | FLASH_ACR_PRFTEN | FLASH_ACR_ICEN |
                FLASH_ACR_DCEN;
    return tp_wait_for(&FLASH_ACR, FLASH_ACR_LATENCY_MASK, count);
}

static bool set_msi_range(uint32_t range)
{
    if (!tp_wait_for(&RCC_CR, RCC_CR_MSIRDY, RCC_CR_MSIRDY)) {
        return false;
    }
    RCC_CR = (RCC_CR & ~RCC_CR_MSIRANGE_MASK) | range << RCC_CR_MSIRANGE_POS | RCC_CR_MSIRGSEL;
    return tp_wait_for(&RCC_CR, RCC_CR_MSIRDY, RCC_CR_MSIRDY);
}

/* The bus runs at half speed during the switch and for a microsecond after it, as boost mode
 * demands. */
static bool switch_to_pll(uint32_t pll_n)
{
    RCC_PLLCFGR = RCC_PLLCFGR_SOURCE_MSI | pll_n << RCC_PLLCFGR_N_POS | RCC_PLLCFGR_REN;
    if (!tp_switch_on(&RCC_CR, RCC_CR_PLLON, RCC_CR_PLLRDY)) {
        return false;
    }
    RCC_CFGR = (RCC_CFGR & ~RCC_CFGR_HPRE_MASK) | RCC_CFGR_HPRE_DIV2;
    RCC_CFGR = (RCC_CFGR & ~RCC_CFGR_SW_MASK) | RCC_CFGR_SW_PLL;
    if (!tp_wait_for(&RCC_CFGR, RCC_CFGR_SWS_MASK, RCC_CFGR_SWS_PLL)) {
        return false;
    }
    for (volatile uint32_t i = 0U; i < 100U; i++) {
        /* Well over a microsecond at half speed; the counters do not run yet. */
    }
    RCC_CFGR &= ~RCC_CFGR_HPRE_MASK;
    return true;
}

static bool set_clock(void)
{
    PWR_CR5 = chosen.boost ? PWR_CR5 & ~PWR_CR5_R1MODE : PWR_CR5 | PWR_CR5_R1MODE;
    if (!set_voltage_range(VOLTAGE_RANGE_1) || !set_flash_wait_states(chosen.flash_wait_states) ||
        !set_msi_range(chosen.msi_range) || (chosen.pll_n != 0U && !switch_to_pll(chosen.pll_n))) {
        return false;
    }
    /* The low range is allowed from here on: the clock is within its limit now. */
    if (chosen.voltage_range != VOLTAGE_RANGE_1) {
        (void)set_voltage_range(chosen.voltage_range);
    }
    return true;
}

const char *tp_clock_init(struct tp_clocks *clocks)
{
    RCC_APB1ENR1 |= RCC_APB1ENR1_PWREN;
    (void)RCC_APB1ENR1;      /* the peripheral may be used two cycles after its clock */
    PWR_CR2 |= PWR_CR2_IOSV; /* port G from pin 2 on is on VDDIO2, which has to be let in */
    if (!set_clock()) {
        *clocks = (struct tp_clocks){RESET_CLOCK_HZ, RESET_CLOCK_HZ};
        return "clock: PLL or regulator not ready, running at the reset clock of 4 MHz";
    }
    *clocks = (struct tp_clocks){chosen.hz, chosen.hz};
    return NULL;
}

const char *tp_clock_trim(void)
{
    (void)tp_switch_on(&PWR_CR1, PWR_CR1_DBP, PWR_CR1_DBP);
    if (!tp_start_crystal(&RCC_BDCR, RCC_BDCR_LSEON, RCC_BDCR_LSERDY)) {
        return "clock: no 32768 Hz crystal, MSI oscillator untrimmed (about 1 %)";
    }
    RCC_CR |= RCC_CR_MSIPLLEN;
    return NULL;
}
