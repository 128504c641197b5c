/* SPDX-License-Identifier: 0BSD */
/* RP2350 datasheet: 8.5 (ticks), 9.7 (pads), 12.14 (QMI). */
#include "rp2.h"

/* The boot ROM has left quad reads at a third of the system clock, sampled a cycle late; W25Q flash bears half of it
 * (75 MHz of 133). The divider alone may change while the flash is being read. */
#define FLASH_DIVIDER 2U

void tp_flash_init(void)
{
    QMI_M0_TIMING = (QMI_M0_TIMING & ~QMI_M0_TIMING_CLKDIV_MASK) | FLASH_DIVIDER;
}

void tp_start_ticks(uint32_t mhz)
{
    TICKS_TIMER0_CYCLES = mhz;
    TICKS_TIMER0_CTRL = TICKS_TIMER0_CTRL_ENABLE;
}

void tp_connect_pin(uint32_t pin)
{
    PADS_BANK0_GPIO(pin) = (PADS_BANK0_GPIO(pin) & ~PADS_BANK0_GPIO_ISO) | PADS_BANK0_GPIO_IE;
}
