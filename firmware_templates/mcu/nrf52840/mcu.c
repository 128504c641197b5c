/* SPDX-License-Identifier: 0BSD */
/* nRF52840: UARTE0 on the pins that the board names, TIMER0 as microseconds, the timestamp pin. The core always runs at
 * 64 MHz; the crystal oscillator only makes it exact. */
#include "tp_mcu.h"

#include "interrupts.h"
#include "registers.h"
#include "tp_config.h"

#if TP_CLOCK_HZ != 64000000U
#error "clock_hz of the board file must be 64000000 on an nRF52840"
#endif
#ifndef TP_SERIAL_TX_PIN
#error "serial.tx and serial.rx of the board file must name the UART's pins on an nRF52840"
#endif

#define POLLS 1000000U
#define PULSE_US 2U /* low for one to two microseconds */

static volatile uint32_t time_wraps; /* written by the interrupt only */
/* EasyDMA reaches RAM only, and one byte at a time is all that is asked of it: behind the byte that it writes, the
 * receiver keeps a few more. */
static volatile uint8_t rx_byte;
static volatile uint8_t tx_byte;

void tp_uarte0_interrupt(void)
{
    if (UARTE0_EVENTS_ERROR != 0U) {
        const uint32_t errors = UARTE0_ERRORSRC;

        UARTE0_EVENTS_ERROR = 0U;
        UARTE0_ERRORSRC = errors;
        if ((errors & UARTE_ERRORSRC_OVERRUN) != 0U) {
            tp_receive_lost();
        }
    }
    if (UARTE0_EVENTS_ENDRX != 0U) {
        UARTE0_EVENTS_ENDRX = 0U;
        tp_received(rx_byte);
        UARTE0_TASKS_STARTRX = 1U;
    }
}

void tp_timer0_interrupt(void)
{
    TIMER0_EVENTS_COMPARE1 = 0U;
    time_wraps++;
}

static void time_init(void)
{
    TIMER0_BITMODE = TIMER_BITMODE_32;
    TIMER0_PRESCALER = TIMER_PRESCALER_1_MHZ;
    TIMER0_CC1 = 0U;
    TIMER0_TASKS_START = 1U;
    TIMER0_TASKS_CAPTURE0 = 1U;
    while (TIMER0_CC0 == 0U) {
        TIMER0_TASKS_CAPTURE0 = 1U; /* until the count that it starts with is behind it */
    }
    TIMER0_EVENTS_COMPARE1 = 0U;
    TIMER0_INTENSET = TIMER_INT_COMPARE1;
    tp_enable_interrupt(IRQ_TIMER0);
}

/* The values of the product specification. */
static uint32_t baud_register(uint32_t baud)
{
    switch (baud) {
    case 9600U:
        return 0x00275000U;
    case 38400U:
        return 0x009D0000U;
    case 230400U:
        return 0x03B00000U;
    case 460800U:
        return 0x07400000U;
    case 921600U:
        return 0x0F000000U;
    default:
        return 0x01D60000U; /* 115200 */
    }
}

static void serial_init(uint32_t baud)
{
    GPIO_OUTSET(TP_SERIAL_TX_PORT) = BIT(TP_SERIAL_TX_PIN); /* the line's level while the UART is off */
    GPIO_DIRSET(TP_SERIAL_TX_PORT) = BIT(TP_SERIAL_TX_PIN);
    GPIO(TP_SERIAL_RX_PORT, 0x700U + 4U * TP_SERIAL_RX_PIN) = 0U; /* PIN_CNF: an input */
    UARTE0_PSEL_TXD = PSEL(TP_SERIAL_TX_PORT, TP_SERIAL_TX_PIN);
    UARTE0_PSEL_RXD = PSEL(TP_SERIAL_RX_PORT, TP_SERIAL_RX_PIN);
    UARTE0_BAUDRATE = baud_register(baud);
    UARTE0_RXD_PTR = (uint32_t)&rx_byte;
    UARTE0_RXD_MAXCNT = 1U;
    UARTE0_TXD_PTR = (uint32_t)&tx_byte;
    UARTE0_TXD_MAXCNT = 1U;
    UARTE0_ENABLE = UARTE_ENABLE;
    UARTE0_EVENTS_ENDTX = 1U; /* as after a byte that was sent */
    UARTE0_INTENSET = UARTE_INT_ENDRX | UARTE_INT_ERROR;
    tp_enable_interrupt(IRQ_UARTE0);
    UARTE0_TASKS_STARTRX = 1U;
}

const char *tp_mcu_init(uint32_t baud)
{
    const char *note = "clock: the 32 MHz crystal does not start, running from the RC oscillator (some percent)";

    NVMC_ICACHECNF = NVMC_ICACHECNF_CACHEEN;
    CLOCK_EVENTS_HFCLKSTARTED = 0U;
    CLOCK_TASKS_HFCLKSTART = 1U;
    for (uint32_t i = 0U; i < POLLS && note != NULL; i++) {
        note = CLOCK_EVENTS_HFCLKSTARTED != 0U ? NULL : note;
    }
    time_init();
    /* High from the first moment as an output, so that no false edge is seen. */
    GPIO_OUTSET(TP_TIMESTAMP_PORT) = BIT(TP_TIMESTAMP_PIN);
    GPIO_DIRSET(TP_TIMESTAMP_PORT) = BIT(TP_TIMESTAMP_PIN);
    serial_init(baud);
    return note;
}

void tp_serial_drain(void)
{
    for (uint32_t i = 0U; i < POLLS && UARTE0_EVENTS_ENDTX == 0U; i++) {
        /* The byte is on the line. */
    }
}

void tp_serial_put(uint8_t byte)
{
    tp_serial_drain();
    UARTE0_EVENTS_ENDTX = 0U;
    tx_byte = byte;
    UARTE0_TASKS_STARTTX = 1U;
}

static uint32_t now_us(void)
{
    TIMER0_TASKS_CAPTURE0 = 1U;
    return TIMER0_CC0;
}

uint64_t tp_time_us(void)
{
    uint32_t wraps;
    uint32_t count;
    uint32_t pending;

    do { /* again if the interrupt came in between */
        wraps = time_wraps;
        count = now_us();
        pending = TIMER0_EVENTS_COMPARE1;
    } while (wraps != time_wraps);
    if (pending != 0U && count < UINT32_MAX / 2U) {
        wraps++; /* wrapped just before the count was read, and the interrupt is still to come */
    }
    return (uint64_t)wraps << 32U | count;
}

void tp_timestamp_pulse(void)
{
    const uint32_t start = now_us();

    GPIO_OUTCLR(TP_TIMESTAMP_PORT) = BIT(TP_TIMESTAMP_PIN);
    while (now_us() - start < PULSE_US) {
        /* The timer cannot stand still here: tp_mcu_init started it. */
    }
    GPIO_OUTSET(TP_TIMESTAMP_PORT) = BIT(TP_TIMESTAMP_PIN);
}
