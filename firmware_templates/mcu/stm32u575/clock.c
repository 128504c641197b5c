/* SPDX-License-Identifier: 0BSD */
/* Clock tree. Sequence and limits: RM0456, chapters PWR, FLASH and RCC. Everything runs from the MSIS oscillator, since that
 * one can be disciplined by the 32,768 Hz crystal. */
#include <stddef.h>

#include "stm32.h"
#include "tp_config.h"

#define RESET_CLOCK_HZ 4000000U

/* One way to clock the core: through the PLL (4 MHz * pll_n / 2), or from MSIS itself where pll_n is 0. A wait state of the
 * flash is for 32 MHz in range 1, 25 in range 2, 8 in range 4 (stm32u5xx_hal_rcc.c of STM32CubeU5, table 1). */
struct clock {
    uint32_t hz;
    uint32_t msi_range; /* 4 is 4 MHz, 1 is 24 MHz */
    uint32_t pll_n;
    uint32_t flash_wait_states;
    uint32_t vos; /* voltage range 1 is 3, range 4 is 0 */
};

#if TP_CLOCK_HZ == 160000000U
static const struct clock chosen = {TP_CLOCK_HZ, 4U, 80U, 4U, 3U};
#elif TP_CLOCK_HZ == 80000000U
static const struct clock chosen = {TP_CLOCK_HZ, 4U, 40U, 3U, 2U};
#elif TP_CLOCK_HZ == 24000000U
static const struct clock chosen = {TP_CLOCK_HZ, 1U, 0U, 2U, 0U};
#else
#error "clock_hz of the board file must be 160000000, 80000000 or 24000000 on an STM32U575/U585"
#endif

static bool set_voltage(uint32_t vos)
{
    if (!tp_select_smps()) {
        return false;
    }
    PWR_VOSR = (PWR_VOSR & ~PWR_VOSR_VOS_MASK) | vos << PWR_VOSR_VOS_POS;
    return tp_wait_for(&PWR_VOSR, PWR_VOSR_VOSRDY, PWR_VOSR_VOSRDY);
}

static bool set_msi_range(uint32_t range)
{
    RCC_ICSCR1 = (RCC_ICSCR1 & ~(15UL << RCC_ICSCR1_MSISRANGE_POS)) |
                 range << RCC_ICSCR1_MSISRANGE_POS | RCC_ICSCR1_MSIRGSEL;
    return tp_wait_for(&RCC_CR, RCC_CR_MSISRDY, RCC_CR_MSISRDY);
}

/* Above 55 MHz the regulator's booster has to run; it is clocked by the PLL's source. */
static bool switch_to_pll(uint32_t pll_n)
{
    RCC_PLL1CFGR = RCC_PLL1CFGR_SOURCE_MSIS | RCC_PLL1CFGR_REN;
    RCC_PLL1DIVR = (pll_n - 1U) | RCC_PLL1DIVR_P_Q_RESET | 1UL << RCC_PLL1DIVR_R_POS;
    if (!tp_switch_on(&PWR_VOSR, PWR_VOSR_BOOSTEN, PWR_VOSR_BOOSTRDY) ||
        !tp_switch_on(&RCC_CR, RCC_CR_PLL1ON, RCC_CR_PLL1RDY)) {
        return false;
    }
    RCC_CFGR1 = (RCC_CFGR1 & ~RCC_CFGR1_SW_MASK) | RCC_CFGR1_SW_PLL1;
    return tp_wait_for(&RCC_CFGR1, RCC_CFGR1_SWS_MASK, RCC_CFGR1_SWS_PLL1);
}

const char *tp_clock_init(struct tp_clocks *clocks)
{
    RCC_AHB3ENR |= RCC_AHB3ENR_PWREN;
    (void)RCC_AHB3ENR;            /* the peripheral may be used two cycles after its clock */
    PWR_SVMCR |= PWR_SVMCR_IO2SV; /* port G from pin 2 on is on VDDIO2, which has to be let in */
    if (!set_voltage(chosen.vos) || !tp_set_flash(chosen.flash_wait_states) || !set_msi_range(chosen.msi_range) ||
        (chosen.pll_n != 0U && !switch_to_pll(chosen.pll_n))) {
        *clocks = (struct tp_clocks){RESET_CLOCK_HZ, RESET_CLOCK_HZ};
        return "clock: PLL or regulator not ready, running at the reset clock of 4 MHz";
    }
    *clocks = (struct tp_clocks){chosen.hz, chosen.hz};
    return NULL;
}

const char *tp_clock_trim(void)
{
    (void)tp_switch_on(&PWR_DBPR, PWR_DBPR_DBP, PWR_DBPR_DBP);
    if (!tp_start_crystal(&RCC_BDCR, RCC_BDCR_LSEON, RCC_BDCR_LSERDY) ||
        !tp_switch_on(&RCC_BDCR, RCC_BDCR_LSESYSEN, RCC_BDCR_LSESYSRDY)) {
        return "clock: no 32768 Hz crystal, MSI oscillator untrimmed (about 1 %)";
    }
    RCC_CR |= RCC_CR_MSIPLLSEL_MSIS;
    RCC_CR |= RCC_CR_MSIPLLEN;
    return NULL;
}
