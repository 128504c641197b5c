/* SPDX-License-Identifier: 0BSD */
/* MPS2 and MPS3 as QEMU plays them: CMSDK UART whose receive interrupt ends WFI, and a polled counter. */
#include "tp_mcu.h"

#include "interrupts.h"
#include "registers.h"
#include "tp_config.h"

#define POLLS 10000000U
#define MIN_BAUD_DIVIDER 16U

/* The counter's 32 bits last 71 minutes; a wrap is seen by polling, so at least that often. */
static uint64_t wraps;
static uint32_t latest;

void tp_uart0_rx_interrupt(void)
{
    UART0_INTCLEAR = UART_INT_RX;
}

const char *tp_mcu_init(uint32_t baud)
{
    const uint32_t divider = TP_CLOCK_HZ / baud;

    FPGAIO_PRESCALE = FPGAIO_HZ / 1000000U - 1U;
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
    const uint32_t count = FPGAIO_COUNTER;

    if (count < latest) {
        wraps++;
    }
    latest = count;
    return wraps << 32U | count;
}

void tp_timestamp_pulse(void)
{
    const uint64_t start_us = tp_time_us();

    FPGAIO_LED = 0U;
    while (tp_time_us() - start_us < 2U) {
        /* The counter cannot stand still here: tp_mcu_init started it. */
    }
    FPGAIO_LED = 1U;
}
