/* SPDX-License-Identifier: 0BSD */
/* STM32L4+: LPUART1 on PG7/PG8 (the ST-LINK's virtual COM port), TIM2 as microseconds, the
 * timestamp pin. */
#include "tp_mcu.h"

#include "registers.h"
#include "stm32l4.h"
#include "tp_config.h"

#define SERIAL_PORT 6U /* G */
#define PULSE_US 2U    /* low for one to two microseconds */
/* LPUART: 3 * baud <= kernel clock <= 4096 * baud, and 20 bits of divider. */
#define LPUART_MAX_RATIO 4096U

static volatile uint32_t time_wraps; /* written by the interrupt only */

void tp_lpuart1_interrupt(void)
{
    const uint32_t status = LPUART1_ISR;

    if ((status & LPUART1_ISR_ORE) != 0U) {
        tp_receive_lost();
    }
    LPUART1_ICR = LPUART1_ICR_ERRORS; /* an overrun that stays set stops reception */
    if ((status & LPUART1_ISR_RXNE) != 0U) {
        tp_received((uint8_t)LPUART1_RDR);
    }
}

void tp_tim2_interrupt(void)
{
    TIM2_SR = ~TIM2_SR_UIF;
    time_wraps++;
}

static void time_init(uint32_t clock_hz)
{
    DEMCR |= DEMCR_TRCENA;
    DWT_CYCCNT = 0U;
    DWT_CTRL |= DWT_CTRL_CYCCNTENA;
    RCC_APB1ENR1 |= RCC_APB1ENR1_TIM2EN;
    (void)RCC_APB1ENR1;
    TIM2_PSC = clock_hz / 1000000U - 1U;
    TIM2_ARR = UINT32_MAX;
    TIM2_EGR = TIM2_EGR_UG; /* loads the prescaler; leaves UIF set */
    TIM2_SR = 0U;
    TIM2_DIER = TIM2_DIER_UIE;
    TIM2_CR1 = TIM2_CR1_CEN;
    tp_enable_interrupt(IRQ_TIM2);
}

/* PG7 transmits, PG8 receives, alternate function 8. Port G from pin 2 on is on VDDIO2, which has
 * to be let in. */
static void serial_pins_init(void)
{
    RCC_AHB2ENR |= BIT(SERIAL_PORT);
    PWR_CR2 |= PWR_CR2_IOSV;
    GPIO_AFRL(SERIAL_PORT) = (GPIO_AFRL(SERIAL_PORT) & ~(15UL << 28U)) | 8UL << 28U;
    GPIO_AFRH(SERIAL_PORT) = (GPIO_AFRH(SERIAL_PORT) & ~15UL) | 8UL;
    GPIO_MODER(SERIAL_PORT) = (GPIO_MODER(SERIAL_PORT) & ~(15UL << 14U)) | 10UL << 14U;
}

static void serial_init(uint32_t clock_hz, uint32_t baud)
{
    /* By the value of PRESC. */
    static const uint8_t dividers[] = {1U, 2U, 4U, 6U, 8U, 10U, 12U, 16U};
    uint32_t prescaler = 0U;
    uint32_t kernel_hz = clock_hz;

    while (kernel_hz > LPUART_MAX_RATIO * baud && prescaler + 1U < sizeof dividers) {
        prescaler++;
        kernel_hz = clock_hz / dividers[prescaler];
    }
    serial_pins_init();
    RCC_APB1ENR2 |= RCC_APB1ENR2_LPUART1EN;
    (void)RCC_APB1ENR2;
    LPUART1_PRESC = prescaler;
    LPUART1_BRR = (uint32_t)((256ULL * kernel_hz + baud / 2U) / baud);
    LPUART1_CR1 = LPUART1_CR1_UE;
    LPUART1_CR1 = LPUART1_CR1_UE | LPUART1_CR1_RE | LPUART1_CR1_TE | LPUART1_CR1_RXNEIE;
    tp_enable_interrupt(IRQ_LPUART1);
}

/* High from the first moment as an output, so that no false edge is seen. */
static void pin_init(void)
{
    RCC_AHB2ENR |= BIT(TP_TIMESTAMP_PORT);
    (void)RCC_AHB2ENR;
    GPIO_BSRR(TP_TIMESTAMP_PORT) = BIT(TP_TIMESTAMP_PIN);
    GPIO_MODER(TP_TIMESTAMP_PORT) =
        (GPIO_MODER(TP_TIMESTAMP_PORT) & ~(3UL << (2U * TP_TIMESTAMP_PIN))) |
        1UL << (2U * TP_TIMESTAMP_PIN);
}

const char *tp_mcu_init(uint32_t baud)
{
    const char *note = NULL;
    const uint32_t clock_hz = tp_clock_init(&note);
    const char *trim_note;

    time_init(clock_hz);
    pin_init();
    trim_note = tp_clock_trim();
    serial_init(clock_hz, baud);
    return note != NULL ? note : trim_note;
}

void tp_serial_put(uint8_t byte)
{
    (void)tp_wait_for(&LPUART1_ISR, LPUART1_ISR_TXE, LPUART1_ISR_TXE);
    LPUART1_TDR = byte;
}

void tp_serial_drain(void)
{
    (void)tp_wait_for(&LPUART1_ISR, LPUART1_ISR_TC, LPUART1_ISR_TC);
}

uint64_t tp_time_us(void)
{
    uint32_t wraps;
    uint32_t count;
    uint32_t pending;

    do { /* again if the interrupt came in between */
        wraps = time_wraps;
        count = TIM2_CNT;
        pending = TIM2_SR & TIM2_SR_UIF;
    } while (wraps != time_wraps);
    if (pending != 0U && count < UINT32_MAX / 2U) {
        wraps++; /* wrapped just before the count was read, and the interrupt is still to come */
    }
    return (uint64_t)wraps << 32U | count;
}

void tp_timestamp_pulse(void)
{
    const uint32_t start = TIM2_CNT;

    GPIO_BSRR(TP_TIMESTAMP_PORT) = BIT(TP_TIMESTAMP_PIN) << 16U;
    while (TIM2_CNT - start < PULSE_US) {
        /* The timer cannot stand still here: tp_mcu_init started it. */
    }
    GPIO_BSRR(TP_TIMESTAMP_PORT) = BIT(TP_TIMESTAMP_PIN);
}
