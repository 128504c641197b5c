/* SPDX-License-Identifier: 0BSD */
/* An STM32 behind tp_mcu.h: a USART whose receiver interrupts, a timer as microseconds, the timestamp pin. */
#include "tp_mcu.h"

#include "blocks.h"
#include "stm32.h"
#include "tp_config.h"

#define POLLS 1000000U
#define CRYSTAL_START_US 2000000U
#define PULSE_US 2U /* low for one to two microseconds */
/* LPUART: 3 * baud <= kernel clock <= 4096 * baud, and 20 bits of divider. */
#define LPUART_MAX_RATIO 4096U

static volatile uint32_t time_wraps; /* written by the interrupt only */

bool tp_wait_for(const volatile uint32_t *reg, uint32_t mask, uint32_t wanted)
{
    for (uint32_t i = 0U; i < POLLS; i++) {
        if ((*reg & mask) == wanted) {
            return true;
        }
    }
    return false;
}

bool tp_switch_on(volatile uint32_t *reg, uint32_t bits, uint32_t ready)
{
    *reg |= bits;
    return tp_wait_for(reg, ready, ready);
}

bool tp_start_crystal(volatile uint32_t *reg, uint32_t bits, uint32_t ready)
{
    const uint64_t give_up_us = tp_time_us() + CRYSTAL_START_US;

    *reg |= bits;
    while ((*reg & ready) != ready) {
        if (tp_time_us() >= give_up_us) {
            return false;
        }
    }
    return true;
}

/* A peripheral may be used two cycles after its clock. */
static void enable_clock(volatile uint32_t *reg, uint32_t bit)
{
    *reg |= bit;
    (void)*reg;
}

void tp_serial_interrupt(void)
{
    const uint32_t status = USART_ISR;

    if ((status & USART_ISR_ORE) != 0U) {
        tp_receive_lost();
    }
    USART_ICR = USART_ICR_ERRORS; /* an overrun that stays set stops reception */
    if ((status & USART_ISR_RXNE) != 0U) {
        tp_received((uint8_t)USART_RDR);
    }
}

void tp_timer_interrupt(void)
{
    TIM_SR = ~TIM_SR_UIF;
    time_wraps++;
}

static void time_init(uint32_t timer_hz)
{
#if __ARM_ARCH > 6 /* Armv6-M has no cycle counter */
    DEMCR |= DEMCR_TRCENA;
    DWT_CYCCNT = 0U;
    DWT_CTRL |= DWT_CTRL_CYCCNTENA;
#endif
    enable_clock(&TIMER_ENABLE, TIMER_ENABLE_BIT);
    TIM_PSC = timer_hz / 1000000U - 1U;
    TIM_ARR = UINT32_MAX;
    TIM_EGR = TIM_EGR_UG; /* loads the prescaler; leaves UIF set */
    TIM_SR = 0U;
    TIM_DIER = TIM_DIER_UIE;
    TIM_CR1 = TIM_CR1_CEN;
    tp_enable_interrupt(IRQ_TIMER);
}

static void set_mode(uint32_t port, uint32_t pin, uint32_t mode)
{
    GPIO_MODER(port) = (GPIO_MODER(port) & ~(3UL << (2U * pin))) | mode << (2U * pin);
}

static void serial_pin_init(uint32_t port, uint32_t pin)
{
    const uint32_t shift = 4U * (pin % 8U);

    enable_clock(&GPIO_ENABLE, BIT(port));
    GPIO_AFR(port, pin) = (GPIO_AFR(port, pin) & ~(15UL << shift)) | SERIAL_FUNCTION << shift;
    set_mode(port, pin, GPIO_MODER_ALTERNATE);
}

#if SERIAL_IS_LPUART
static void set_baud(uint32_t serial_hz, uint32_t baud)
{
    /* By the value of PRESC. */
    static const uint8_t dividers[] = {1U, 2U, 4U, 6U, 8U, 10U, 12U, 16U};
    uint32_t prescaler = 0U;
    uint32_t kernel_hz = serial_hz;

    while (kernel_hz > LPUART_MAX_RATIO * baud && prescaler + 1U < sizeof dividers) {
        prescaler++;
        kernel_hz = serial_hz / dividers[prescaler];
    }
    USART_PRESC = prescaler;
    USART_BRR = (uint32_t)((256ULL * kernel_hz + baud / 2U) / baud);
}
#else
static void set_baud(uint32_t serial_hz, uint32_t baud)
{
    USART_BRR = (serial_hz + baud / 2U) / baud;
}
#endif

static void serial_init(uint32_t serial_hz, uint32_t baud)
{
    serial_pin_init(SERIAL_TX_PORT, SERIAL_TX_PIN);
    serial_pin_init(SERIAL_RX_PORT, SERIAL_RX_PIN);
    enable_clock(&SERIAL_ENABLE, SERIAL_ENABLE_BIT);
    set_baud(serial_hz, baud);
    USART_CR1 = USART_CR1_UE;
    USART_CR1 = USART_CR1_UE | USART_CR1_RE | USART_CR1_TE | USART_CR1_RXNEIE;
    tp_enable_interrupt(IRQ_SERIAL);
}

/* High from the first moment as an output, so that no false edge is seen. */
static void pin_init(void)
{
    enable_clock(&GPIO_ENABLE, BIT(TP_TIMESTAMP_PORT));
    GPIO_BSRR(TP_TIMESTAMP_PORT) = BIT(TP_TIMESTAMP_PIN);
    set_mode(TP_TIMESTAMP_PORT, TP_TIMESTAMP_PIN, GPIO_MODER_OUTPUT);
}

const char *tp_mcu_init(uint32_t baud)
{
    struct tp_clocks clocks;
    const char *note = tp_clock_init(&clocks);
    const char *trim_note;

    time_init(clocks.timer_hz);
    pin_init();
    trim_note = tp_clock_trim();
    serial_init(clocks.serial_hz, baud);
    return note != NULL ? note : trim_note;
}

void tp_serial_put(uint8_t byte)
{
    (void)tp_wait_for(&USART_ISR, USART_ISR_TXE, USART_ISR_TXE);
    USART_TDR = byte;
}

void tp_serial_drain(void)
{
    (void)tp_wait_for(&USART_ISR, USART_ISR_TC, USART_ISR_TC);
}

uint64_t tp_time_us(void)
{
    uint32_t wraps;
    uint32_t count;
    uint32_t pending;

    do { /* again if the interrupt came in between */
        wraps = time_wraps;
        count = TIM_CNT;
        pending = TIM_SR & TIM_SR_UIF;
    } while (wraps != time_wraps);
    if (pending != 0U && count < UINT32_MAX / 2U) {
        wraps++; /* wrapped just before the count was read, and the interrupt is still to come */
    }
    return (uint64_t)wraps << 32U | count;
}

void tp_timestamp_pulse(void)
{
    const uint32_t start = TIM_CNT;

    GPIO_BSRR(TP_TIMESTAMP_PORT) = BIT(TP_TIMESTAMP_PIN) << 16U;
    while (TIM_CNT - start < PULSE_US) {
        /* The timer cannot stand still here: tp_mcu_init started it. */
    }
    GPIO_BSRR(TP_TIMESTAMP_PORT) = BIT(TP_TIMESTAMP_PIN);
}
