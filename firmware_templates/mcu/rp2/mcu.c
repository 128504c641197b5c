/* SPDX-License-Identifier: 0BSD */
/* RP2040 and RP2350: UART0 on GP0 (sends) and GP1, TIMER as microseconds, the timestamp pin; core 1 sleeps in the boot
 * ROM. Clocks from the 12 MHz crystal of the Picos: RP2040 datasheet, 2.15 to 2.18; RP2350 datasheet, 8.1 to 8.6. */
#include <stddef.h>

#include "tp_mcu.h"

#include "blocks.h"
#include "interrupts.h"
#include "tp_config.h"

#define CRYSTAL_MHZ 12U
#define CRYSTAL_STARTUP 47U /* 1 ms, in units of 256 cycles */
#define VCO_DIVIDER (PLL_POSTDIV1 * PLL_POSTDIV2)
#define POLLS 1000000U
#define PULSE_US 2U /* low for one to two microseconds */
#define SERIAL_TX_PIN GP0
#define SERIAL_RX_PIN GP1

#if !CLOCK_IS_KNOWN
#error "clock_hz of the board file must be one of `clocks` in the chip's file"
#endif

static uint64_t start_us;

static bool wait_for(const volatile uint32_t *reg, uint32_t mask)
{
    for (uint32_t i = 0U; i < POLLS; i++) {
        if ((*reg & mask) == mask) {
            return true;
        }
    }
    return false;
}

static bool bring_up(uint32_t blocks)
{
    CLEAR(RESETS_RESET) = blocks;
    return wait_for(&RESETS_RESET_DONE, blocks);
}

static bool start_crystal(void)
{
    XOSC_STARTUP = CRYSTAL_STARTUP;
    XOSC_CTRL = XOSC_CTRL_ON;
    if (!wait_for(&XOSC_STATUS, XOSC_STATUS_STABLE)) {
        return false;
    }
    CLK_REF_CTRL = CLK_REF_CTRL_XOSC;
    if (!wait_for(&CLK_REF_SELECTED, BIT(CLK_REF_CTRL_XOSC))) {
        return false;
    }
    CLEAR(CLK_SYS_CTRL) = CLK_SYS_CTRL_AUX; /* the RP2350 starts on it, and its source may not change meanwhile */
    return wait_for(&CLK_SYS_SELECTED, CLK_SYS_SELECTED_REF);
}

static bool start_pll(void)
{
    if (!bring_up(RESETS_PLL_SYS)) {
        return false;
    }
    PLL_SYS_CS = 1U; /* the crystal, not divided */
    PLL_SYS_FBDIV_INT = TP_CLOCK_HZ / 1000000U * VCO_DIVIDER / CRYSTAL_MHZ;
    CLEAR(PLL_SYS_PWR) = PLL_SYS_PWR_PD | PLL_SYS_PWR_VCOPD;
    if (!wait_for(&PLL_SYS_CS, PLL_SYS_CS_LOCK)) {
        return false;
    }
    PLL_SYS_PRIM = PLL_POSTDIV1 << 16U | PLL_POSTDIV2 << 12U;
    CLEAR(PLL_SYS_PWR) = PLL_SYS_PWR_POSTDIVPD;
    CLK_SYS_CTRL = 0U; /* the source first, then the switch to it */
    CLK_SYS_CTRL = CLK_SYS_CTRL_AUX;
    return wait_for(&CLK_SYS_SELECTED, BIT(CLK_SYS_CTRL_AUX));
}

void tp_uart0_interrupt(void)
{
    while ((UART0_FR & UART0_FR_RXFE) == 0U) {
        const uint32_t data = UART0_DR;

        if ((data & UART0_DR_OE) != 0U) {
            tp_receive_lost();
        }
        tp_received((uint8_t)data);
    }
    UART0_ICR = UART0_ICR_ALL;
}

static void serial_init(uint32_t clock_hz, uint32_t baud)
{
    const uint32_t divider = (4U * clock_hz + baud / 2U) / baud; /* by 64 of 16 * baud */

    IO_BANK0_GPIO_CTRL(SERIAL_TX_PIN) = FUNCTION_UART;
    IO_BANK0_GPIO_CTRL(SERIAL_RX_PIN) = FUNCTION_UART;
    tp_connect_pin(SERIAL_TX_PIN);
    tp_connect_pin(SERIAL_RX_PIN);
    UART0_IBRD = divider / 64U;
    UART0_FBRD = divider % 64U;
    UART0_LCR_H = UART0_LCR_H_8_BITS; /* after the dividers, which it takes over */
    UART0_CR = UART0_CR_ON;
    UART0_IMSC = UART0_IMSC_RXIM;
    tp_enable_interrupt(IRQ_UART0);
}

/* High from the first moment as an output, so that no false edge is seen. */
static void pin_init(void)
{
    SIO_GPIO_OUT_SET = BIT(TP_TIMESTAMP_PIN);
    SIO_GPIO_OE_SET = BIT(TP_TIMESTAMP_PIN);
    IO_BANK0_GPIO_CTRL(TP_TIMESTAMP_PIN) = FUNCTION_SIO;
    tp_connect_pin(TP_TIMESTAMP_PIN);
}

static uint64_t raw_us(void)
{
    uint32_t high;
    uint32_t low;

    do { /* again if the low half wrapped in between */
        high = TIMER_TIMERAWH;
        low = TIMER_TIMERAWL;
    } while (high != TIMER_TIMERAWH);
    return (uint64_t)high << 32U | low;
}

const char *tp_mcu_init(uint32_t baud)
{
    const bool crystal = start_crystal();
    const bool fast = crystal && start_pll();
    const uint32_t slow_mhz = crystal ? CRYSTAL_MHZ : RING_MHZ;

    CLK_PERI_CTRL = CLK_PERI_CTRL_ENABLE;
    (void)bring_up(RESETS_IO_BANK0 | RESETS_PADS_BANK0 | RESETS_TIMER | RESETS_UART0);
    if (fast) {
        tp_flash_init();
    }
    tp_start_ticks(slow_mhz);
    start_us = raw_us();
    pin_init();
    serial_init(fast ? TP_CLOCK_HZ : slow_mhz * 1000000U, baud);
    if (!crystal) {
        return "clock: no crystal, running at the ring oscillator's few MHz";
    }
    return fast ? NULL : "clock: PLL not ready, running at the crystal's 12 MHz";
}

void tp_serial_put(uint8_t byte)
{
    for (uint32_t i = 0U; i < POLLS && (UART0_FR & UART0_FR_TXFF) != 0U; i++) {
        /* At 9600 baud a byte takes a millisecond. */
    }
    UART0_DR = byte;
}

void tp_serial_drain(void)
{
    for (uint32_t i = 0U; i < POLLS && (UART0_FR & UART0_FR_BUSY) != 0U; i++) {
        /* Likewise. */
    }
}

uint64_t tp_time_us(void)
{
    return raw_us() - start_us;
}

void tp_timestamp_pulse(void)
{
    const uint32_t start = TIMER_TIMERAWL;

    SIO_GPIO_OUT_CLR = BIT(TP_TIMESTAMP_PIN);
    while (TIMER_TIMERAWL - start < PULSE_US) {
        /* The timer cannot stand still here: tp_mcu_init started it. */
    }
    SIO_GPIO_OUT_SET = BIT(TP_TIMESTAMP_PIN);
}
