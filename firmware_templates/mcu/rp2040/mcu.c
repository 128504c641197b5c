/* SPDX-License-Identifier: 0BSD */
/* RP2040: UART0 on GP0 (sends) and GP1, TIMER as microseconds, the timestamp pin; core 1 sleeps in the boot ROM.
 * Clocks from the 12 MHz crystal of the Pico: RP2040 datasheet, 2.15 to 2.18. */
#include <stddef.h>

#include "tp_mcu.h"

#include "interrupts.h"
#include "registers.h"
#include "tp_config.h"

#define CRYSTAL_MHZ 12U
#define CRYSTAL_STARTUP 47U /* 1 ms, in units of 256 cycles */
#define RING_MHZ 6U         /* of the ring oscillator that the core starts on, more or less */
#define VCO_DIVIDER 12U     /* 6 and 2 */
#define POLLS 1000000U
#define PULSE_US 2U /* low for one to two microseconds */
#define SERIAL_TX_PIN GP0
#define SERIAL_RX_PIN GP1

#if TP_CLOCK_HZ != 133000000U && TP_CLOCK_HZ != 125000000U
#error "clock_hz of the board file must be 133000000 or 125000000 on an RP2040"
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
    return wait_for(&CLK_REF_SELECTED, BIT(CLK_REF_CTRL_XOSC));
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
    PLL_SYS_PRIM = PLL_SYS_PRIM_6_AND_2;
    CLEAR(PLL_SYS_PWR) = PLL_SYS_PWR_POSTDIVPD;
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
    WATCHDOG_TICK = slow_mhz | WATCHDOG_TICK_ENABLE; /* of the reference clock, which TIMER counts */
    start_us = raw_us();
    pin_init();
    serial_init(fast ? TP_CLOCK_HZ : slow_mhz * 1000000U, baud);
    if (!crystal) {
        return "clock: no crystal, running at the ring oscillator's 6 MHz or so";
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
