/* SPDX-License-Identifier: 0BSD */
/* RP2040 datasheet: 4.7 for the ticks. */
#include "rp2.h"

void tp_flash_init(void)
{
    /* boot2.c has done it. */
}

void tp_start_ticks(uint32_t mhz)
{
    WATCHDOG_TICK = mhz | WATCHDOG_TICK_ENABLE;
}

void tp_connect_pin(uint32_t pin)
{
    (void)pin; /* none is isolated, and the pads' inputs are on after reset */
}
