/* SPDX-License-Identifier: 0BSD */
/* MPS2 as QEMU plays it: CMSDK UART with a receive interrupt, and a polled timer. */
#include "tp_mcu.h"

#include "interrupts.h"
#include "registers.h"
#include "tp_config.h"

#define TIMER_DIVIDER 16U
#define TIMER_HZ (TP_CLOCK_HZ / TIMER_DIVIDER)
#define POLLS 10000000U
#define MIN_BAUD_DIVIDER 16U

/* Times the timer ran through its 32 bits (45 minutes at 25 MHz); seen by polling, so at least that often. */
static uint64_t timer_wraps;

void tp_uart0_rx_interrupt(void)
{
    UART0_INTCLEAR = UART_INT_RX;
    if ((UART0_STATE & UART_STATE_RX_OVERRUN) != 0U) {
        UART0_STATE = UART_STATE_RX_OVERRUN;
        tp_receive_lost();
    }
    if ((UART0_STATE & UART_STATE_RX_FULL) != 0U) {
        tp_received((uint8_t)UART0_DATA);
    }
}

const char *tp_mcu_init(uint32_t baud)
{
    const uint32_t divider = TP_CLOCK_HZ / baud;

    TIMER1_LOAD = UINT32_MAX;
    TIMER1_INTCLEAR = 1U;
    TIMER1_CONTROL = TIMER_CONTROL_ENABLE | TIMER_CONTROL_PERIODIC | TIMER_CONTROL_INTERRUPT |
                     TIMER_CONTROL_DIV_16 | TIMER_CONTROL_32_BIT;
    FPGAIO_LED = 1U;
    UART0_BAUDDIV = divider < MIN_BAUD_DIVIDER ? MIN_BAUD_DIVIDER : divider;
    UART0_CTRL = UART_CTRL_TX | UART_CTRL_RX | UART_CTRL_RX_INTERRUPT;
    tp_enable_interrupt(IRQ_UART0_RX);
    return NULL;
}

void tp_serial_put(uint8_t byte)
{
    for (uint32_t i = 0U; i < POLLS && (UART0_STATE & UART_STATE_TX_FULL) != 0U; i++) {
        /* QEMU empties it at once; hardware needs the time of one character. */
    }
    UART0_DATA = byte;
}

void tp_serial_drain(void)
{
    for (uint32_t i = 0U; i < POLLS && (UART0_STATE & UART_STATE_TX_FULL) != 0U; i++) {
        /* As above. */
    }
}

uint64_t tp_time_us(void)
{
    uint32_t count = UINT32_MAX - TIMER1_VALUE;

    if ((TIMER1_RAW_STATUS & 1U) != 0U) {
        TIMER1_INTCLEAR = 1U;
        timer_wraps++;
        count = UINT32_MAX - TIMER1_VALUE;
    }
    return (timer_wraps << 32U | count) * 1000000U / TIMER_HZ;
}

void tp_timestamp_pulse(void)
{
    const uint64_t start_us = tp_time_us();

    FPGAIO_LED = 0U;
    while (tp_time_us() - start_us < 2U) {
        /* The timer cannot stand still here: tp_mcu_init started it. */
    }
    FPGAIO_LED = 1U;
}
