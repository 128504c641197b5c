/* SPDX-License-Identifier: 0BSD */
/* What RP2040 and RP2350 share. The chip's folder has chip.c, and a registers.h that says where the blocks of blocks.h lie:
 *   INTERRUPTS, IRQ_UART0                 how many the vector table has, and which is UART0's
 *   CLOCKS_BASE, IO_BANK0_BASE, PLL_SYS_BASE, RESETS_BASE, TIMER_BASE, UART0_BASE, XOSC_BASE
 *   RESETS_...                            its bit in RESETS for each block that is used
 *   SIO_GPIO_OUT_SET, SIO_GPIO_OUT_CLR, SIO_GPIO_OE_SET
 *   PLL_POSTDIV1, PLL_POSTDIV2            what the VCO is divided by: it must run at 750 to 1600 MHz
 *   RING_MHZ                              of the ring oscillator that the core starts on, more or less
 *   CLOCK_IS_KNOWN                        TP_CLOCK_HZ is one of `clocks` in the chip's file */
#ifndef RP2_H
#define RP2_H

#include <stdbool.h>
#include <stdint.h>

#include "registers.h"

/* As board files name pins. */
enum {
    GP0, GP1, GP2, GP3, GP4, GP5, GP6, GP7, GP8, GP9, GP10, GP11, GP12, GP13, GP14,
    GP15, GP16, GP17, GP18, GP19, GP20, GP21, GP22, GP23, GP24, GP25, GP26, GP27, GP28
};

/* The chip's: flash at its full rate, with the core at TP_CLOCK_HZ. */
void tp_flash_init(void);

/* The chip's: TIMER counts microseconds, `mhz` cycles of the reference clock each. */
void tp_start_ticks(uint32_t mhz);

/* The chip's: lets a pin out of the isolation that it may be in after reset, as an output and an input. */
void tp_connect_pin(uint32_t pin);

#endif
