/* SPDX-License-Identifier: 0BSD */
/* Clock tree. Sequence and limits: RM0444, chapters PWR, FLASH and RCC. Everything runs from HSI16, the
 * 16 MHz oscillator that the core starts on; nothing on the boards is better than its 1 %. */
#include <stddef.h>

#include "stm32.h"
#include "tp_config.h"

#define HSI16_HZ 16000000U
#define VOLTAGE_RANGE_1 1UL
#define VOLTAGE_RANGE_2 2UL

/* One way to clock the core: through the PLL (16 MHz * pll_n / pll_r), or from HSI16 itself where
 * pll_n is 0. */
struct clock {
    uint32_t hz;
    uint32_t pll_n;
    uint32_t pll_r;
    uint32_t flash_wait_states;
    uint32_t voltage_range;
};

#if TP_CLOCK_HZ == 64000000U
static const struct clock chosen = {TP_CLOCK_HZ, 8U, 2U, 2U, VOLTAGE_RANGE_1};
#elif TP_CLOCK_HZ == 48000000U
static const struct clock chosen = {TP_CLOCK_HZ, 6U, 2U, 1U, VOLTAGE_RANGE_1};
#elif TP_CLOCK_HZ == 16000000U
static const struct clock chosen = {TP_CLOCK_HZ, 0U, 0U, 1U, VOLTAGE_RANGE_2};
#else
#error "clock_hz of the board file must be 64000000, 48000000 or 16000000 on an STM32G0"
#endif

static bool set_voltage_range(uint32_t range)
{
    PWR_CR1 = (PWR_CR1 & ~PWR_CR1_VOS_MASK) | range << PWR_CR1_VOS_POS;
    return tp_wait_for(&PWR_SR2, PWR_SR2_VOSF, 0U);
}

static bool set_flash_wait_states(uint32_t count)
{
    FLASH_ACR = (FLASH_ACR & ~FLASH_ACR_LATENCY_MASK) | count | FLASH_ACR_PRFTEN | FLASH_ACR_ICEN;
    return tp_wait_for(&FLASH_ACR, FLASH_ACR_LATENCY_MASK, count);
}

static bool switch_to_pll(uint32_t n, uint32_t r)
{
    RCC_PLLCFGR = RCC_PLLCFGR_SOURCE_HSI16 | n << RCC_PLLCFGR_N_POS | (r - 1U) << RCC_PLLCFGR_R_POS |
                  RCC_PLLCFGR_REN;
    if (!tp_switch_on(&RCC_CR, RCC_CR_PLLON, RCC_CR_PLLRDY)) {
        return false;
    }
    RCC_CFGR = (RCC_CFGR & ~RCC_CFGR_SW_MASK) | RCC_CFGR_SW_PLL;
    return tp_wait_for(&RCC_CFGR, RCC_CFGR_SWS_MASK, RCC_CFGR_SWS_PLL);
}

const char *tp_clock_init(struct tp_clocks *clocks)
{
    RCC_APBENR1 |= RCC_APBENR1_PWREN;
    (void)RCC_APBENR1; /* the peripheral may be used two cycles after its clock */
    *clocks = (struct tp_clocks){HSI16_HZ, HSI16_HZ};
    if (!set_voltage_range(VOLTAGE_RANGE_1) || !set_flash_wait_states(chosen.flash_wait_states) ||
        (chosen.pll_n != 0U && !switch_to_pll(chosen.pll_n, chosen.pll_r))) {
        return "clock: PLL or regulator not ready, running at the reset clock of 16 MHz";
    }
    /* The low range is allowed from here on: the clock is within its limit now. */
    if (chosen.voltage_range != VOLTAGE_RANGE_1) {
        (void)set_voltage_range(chosen.voltage_range);
    }
    *clocks = (struct tp_clocks){chosen.hz, chosen.hz};
    return NULL;
}

const char *tp_clock_trim(void)
{
    return "clock: HSI16 oscillator, nothing to trim it by (about 1 %)";
}
