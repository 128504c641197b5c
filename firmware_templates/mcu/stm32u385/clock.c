/* SPDX-License-Identifier: 0BSD */
/* Clock tree. Sequence and limits: RM0487, chapters PWR, FLASH and RCC. There is no PLL for the core: it runs from MSIS,
 * which is the RC oscillator 0 of 96 MHz, divided. */
#include <stddef.h>

#include "stm32.h"
#include "tp_config.h"

#define RESET_CLOCK_HZ 12000000U
#define MSIS_DIV_8 3UL /* 12 MHz, as after reset, but of oscillator 0 */

/* A wait state of the flash is for 32 MHz in range 1, 16 in range 2 (stm32u3xx_hal_rcc.c of STM32CubeU3, table 1). */
struct clock {
    uint32_t hz;
    uint32_t msis_div; /* 0: by 1; 1: by 2; 2: by 4 */
    uint32_t flash_wait_states;
    bool range_1; /* above 48 MHz */
    bool boost;   /* above 24 MHz */
};

#if TP_CLOCK_HZ == 96000000U
static const struct clock chosen = {TP_CLOCK_HZ, 0U, 2U, true, true};
#elif TP_CLOCK_HZ == 48000000U
static const struct clock chosen = {TP_CLOCK_HZ, 1U, 2U, false, true};
#elif TP_CLOCK_HZ == 24000000U
static const struct clock chosen = {TP_CLOCK_HZ, 2U, 1U, false, false};
#else
#error "clock_hz of the board file must be 96000000, 48000000 or 24000000 on an STM32U385"
#endif

static bool set_msis(uint32_t div)
{
    if (!tp_wait_for(&RCC_CR, RCC_CR_MSISRDY, RCC_CR_MSISRDY)) {
        return false;
    }
    RCC_ICSCR1 = (RCC_ICSCR1 & ~(RCC_ICSCR1_MSISSEL_RC1 | RCC_ICSCR1_MSISDIV_MASK)) |
                 div << RCC_ICSCR1_MSISDIV_POS | RCC_ICSCR1_MSIRGSEL;
    return tp_wait_for(&RCC_CR, RCC_CR_MSISRDY, RCC_CR_MSISRDY);
}

static bool set_voltage(void)
{
    if (!tp_select_smps()) {
        return false;
    }
    if (chosen.range_1) { /* the two bits may change only together, with the present range ready */
        if (!tp_wait_for(&PWR_VOSR, PWR_VOSR_R2RDY, PWR_VOSR_R2RDY)) {
            return false;
        }
        PWR_VOSR = (PWR_VOSR & ~PWR_VOSR_R2EN) | PWR_VOSR_R1EN;
        if (!tp_wait_for(&PWR_VOSR, PWR_VOSR_R1RDY, PWR_VOSR_R1RDY)) {
            return false;
        }
    }
    RCC_CFGR4 |= RCC_CFGR4_BOOSTSEL_MSIS;
    return !chosen.boost || tp_switch_on(&PWR_VOSR, PWR_VOSR_BOOSTEN, PWR_VOSR_BOOSTRDY);
}

const char *tp_clock_init(struct tp_clocks *clocks)
{
    RCC_AHB1ENR2 |= RCC_AHB1ENR2_PWREN;
    (void)RCC_AHB1ENR2; /* the peripheral may be used two cycles after its clock */
    if (!set_msis(MSIS_DIV_8) || !set_voltage() || !tp_set_flash(chosen.flash_wait_states) || !set_msis(chosen.msis_div)) {
        *clocks = (struct tp_clocks){RESET_CLOCK_HZ, RESET_CLOCK_HZ};
        return "clock: regulator not ready, running at the reset clock of 12 MHz";
    }
    *clocks = (struct tp_clocks){chosen.hz, chosen.hz};
    return NULL;
}

/* Oscillator 0 then runs at 2930 periods of the crystal: 96.010 MHz, 0.01 % fast. */
const char *tp_clock_trim(void)
{
    (void)tp_switch_on(&PWR_DBPR, PWR_DBPR_DBP, PWR_DBPR_DBP);
    if (!tp_start_crystal(&RCC_BDCR, RCC_BDCR_LSEON, RCC_BDCR_LSERDY) ||
        !tp_switch_on(&RCC_BDCR, RCC_BDCR_LSESYSEN, RCC_BDCR_LSESYSRDY) ||
        !tp_switch_on(&RCC_CR, RCC_CR_MSIPLL0EN, RCC_CR_MSIPLL0RDY)) {
        return "clock: no 32768 Hz crystal, MSI oscillator untrimmed (about 1 %)";
    }
    return NULL;
}
