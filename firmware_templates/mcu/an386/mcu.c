/* SPDX-License-Identifier: 0BSD */
/* MPS2 as QEMU plays it: CMSDK UART and timer, both polled. Interrupts stay masked for ever; the UART's only ends WFI.
 * The UART holds one byte and QEMU waits until it is read, so that none is lost; a real FPGA would need a ring. */
#include "tp_mcu.h"

#include "registers.h"
#include "tp_config.h"
#include "tp_print.h"

#define TIMER_DIVIDER 16U
#define TIMER_HZ (TP_CLOCK_HZ / TIMER_DIVIDER)
#define POLLS 10000000U
#define MIN_BAUD_DIVIDER 16U

/* Times the timer ran through its 32 bits (45 minutes at 25 MHz); seen by polling, so at least that often. */
static uint64_t timer_wraps;

const char *tp_mcu_init(uint32_t baud)
{
    const uint32_t divider = TP_CLOCK_HZ / baud;

    __asm volatile("cpsid i" ::: "memory");
    TIMER1_LOAD = UINT32_MAX;
    TIMER1_INTCLEAR = 1U;
    TIMER1_CONTROL = TIMER_CONTROL_ENABLE | TIMER_CONTROL_PERIODIC | TIMER_CONTROL_INTERRUPT |
                     TIMER_CONTROL_DIV_16 | TIMER_CONTROL_32_BIT;
    FPGAIO_LED = 1U;
    UART0_BAUDDIV = divider < MIN_BAUD_DIVIDER ? MIN_BAUD_DIVIDER : divider;
    UART0_CTRL = UART_CTRL_TX | UART_CTRL_RX | UART_CTRL_RX_INTERRUPT;
    NVIC_ISER0 = BIT(IRQ_UART0_RX);
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

bool tp_serial_get(uint8_t *byte)
{
    if ((UART0_STATE & UART_STATE_RX_FULL) == 0U) {
        return false;
    }
    *byte = (uint8_t)UART0_DATA;
    UART0_INTCLEAR = UART_INT_RX;
    NVIC_ICPR0 = BIT(IRQ_UART0_RX);
    return true;
}

bool tp_serial_overrun(void)
{
    const bool lost = (UART0_STATE & UART_STATE_RX_OVERRUN) != 0U;

    if (lost) {
        UART0_STATE = UART_STATE_RX_OVERRUN;
    }
    return lost;
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

void tp_idle(void)
{
    if ((UART0_STATE & UART_STATE_RX_FULL) == 0U) {
        __asm volatile("dsb\nwfi" ::: "memory");
    }
}

static void print_register(const char *name, uint32_t value)
{
    tp_print(name);
    tp_print_hex(value, 8U);
}

void tp_fault(const uint32_t *frame)
{
    print_register("\r\ne-[Hard fault: pc=", frame[6]);
    print_register(" lr=", frame[5]);
    print_register(" cfsr=", SCB_CFSR);
    tp_print("]\r\n");
    for (;;) {
        /* Stay here for the debugger. */
    }
}
