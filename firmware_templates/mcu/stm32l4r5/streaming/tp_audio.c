/* SPDX-License-Identifier: 0BSD */
/* SAI1 block A as an I2S slave receiver, 16 bits of stereo, and DMA1 channel 1 in a circle over two chunks. Registers:
 * RM0432, chapters SAI, DMA and DMAMUX. Pins of the Nucleo-144 (CN9): PE4 frame, PE5 bit clock, PE6 data. */
#include "tp_audio.h"

#include <stddef.h>

#include "blocks.h"
#include "interrupts.h"
#include "tp_config.h"

#define RCC_AHB1ENR REG(0x40021048U)
#define RCC_AHB1ENR_DMA1EN BIT(0)
#define RCC_AHB1ENR_DMAMUX1EN BIT(2)
#define RCC_APB2ENR REG(0x40021060U)
#define RCC_APB2ENR_SAI1EN BIT(21)

#define SAI_CR1 REG(0x40015404U)
#define SAI_CR1_SLAVE_RECEIVER 3UL
#define SAI_CR1_16_BITS (4UL << 5U)
#define SAI_CR1_CKSTR BIT(9) /* sampled at the rising edge of the bit clock */
#define SAI_CR1_SAIEN BIT(16)
#define SAI_CR1_DMAEN BIT(17)
#define SAI_CR2 REG(0x40015408U)
#define SAI_CR2_FFLUSH BIT(3)
#define SAI_FRCR REG(0x4001540CU)
/* 32 bit clocks, 16 of them for the left channel; FS low for it, and one bit early, as I2S says. */
#define SAI_FRCR_I2S (31UL | 15UL << 8U | BIT(16) | BIT(18))
#define SAI_SLOTR REG(0x40015410U)
#define SAI_SLOTR_TWO (1UL << 8U | 3UL << 16U)
#define SAI_DR 0x40015420U

#define DMA_ISR REG(0x40020000U)
#define DMA_IFCR REG(0x40020004U)
#define DMA_COMPLETE BIT(1)
#define DMA_HALF BIT(2)
#define DMA_CCR REG(0x40020008U)
#define DMA_CCR_ON BIT(0)
/* Interrupts at the end and at half, circular, memory counts up, halfwords on both sides. */
#define DMA_CCR_SET (BIT(1) | BIT(2) | BIT(5) | BIT(7) | BIT(8) | BIT(10))
#define DMA_CNDTR REG(0x4002000CU)
#define DMA_CPAR REG(0x40020010U)
#define DMA_CMAR REG(0x40020014U)
#define DMAMUX_C0CR REG(0x40020800U)
#define REQUEST_SAI1_A 36UL

#define PORT_E 4U
#define FUNCTION_SAI 13UL
#define PULSE_US 2U

static int16_t chunks[2][TP_CHUNK_SAMPLES];
static volatile uint32_t arrived; /* chunks since start; written by the interrupt only */
static volatile uint32_t taken;   /* of them, by the main loop */
static uint32_t lost;

void tp_audio_interrupt(void)
{
    const uint32_t flags = DMA_ISR & (DMA_HALF | DMA_COMPLETE);

    DMA_IFCR = flags;
    arrived += ((flags & DMA_HALF) != 0U ? 1U : 0U) + ((flags & DMA_COMPLETE) != 0U ? 1U : 0U);
}

static void output(uint32_t port, uint32_t pin, bool high)
{
    GPIO_ENABLE |= BIT(port);
    (void)GPIO_ENABLE;
    GPIO_BSRR(port) = BIT(pin) << (high ? 0U : 16U);
    GPIO_MODER(port) = (GPIO_MODER(port) & ~(3UL << (2U * pin))) | GPIO_MODER_OUTPUT << (2U * pin);
}

static void sound_pin(uint32_t pin)
{
    const uint32_t shift = 4U * (pin % 8U);

    GPIO_AFR(PORT_E, pin) = (GPIO_AFR(PORT_E, pin) & ~(15UL << shift)) | FUNCTION_SAI << shift;
    GPIO_MODER(PORT_E) = (GPIO_MODER(PORT_E) & ~(3UL << (2U * pin))) | GPIO_MODER_ALTERNATE << (2U * pin);
}

void tp_audio_init(void)
{
    output(TP_DETECTED_PORT, TP_DETECTED_PIN, true);
    output(TP_PROCESSING_PORT, TP_PROCESSING_PIN, false);
    GPIO_ENABLE |= BIT(PORT_E);
    RCC_AHB1ENR |= RCC_AHB1ENR_DMA1EN | RCC_AHB1ENR_DMAMUX1EN;
    RCC_APB2ENR |= RCC_APB2ENR_SAI1EN;
    (void)RCC_APB2ENR;
    sound_pin(4U);
    sound_pin(5U);
    sound_pin(6U);
    SAI_FRCR = SAI_FRCR_I2S;
    SAI_SLOTR = SAI_SLOTR_TWO;
    SAI_CR1 = SAI_CR1_SLAVE_RECEIVER | SAI_CR1_16_BITS | SAI_CR1_CKSTR;
    DMAMUX_C0CR = REQUEST_SAI1_A;
    tp_enable_interrupt(IRQ_AUDIO);
}

bool tp_audio_start(void)
{
    arrived = 0U;
    taken = 0U;
    lost = 0U;
    DMA_IFCR = 15U;
    DMA_CPAR = SAI_DR;
    DMA_CMAR = (uint32_t)chunks;
    DMA_CNDTR = 2U * TP_CHUNK_SAMPLES;
    DMA_CCR = DMA_CCR_SET | DMA_CCR_ON;
    SAI_CR2 |= SAI_CR2_FFLUSH;
    SAI_CR1 |= SAI_CR1_DMAEN;
    SAI_CR1 |= SAI_CR1_SAIEN;
    return true;
}

void tp_audio_stop(void)
{
    SAI_CR1 &= ~(SAI_CR1_SAIEN | SAI_CR1_DMAEN);
    DMA_CCR = DMA_CCR_SET;
    DMA_IFCR = 15U;
}

bool tp_audio_waiting(void)
{
    return arrived != taken;
}

const int16_t *tp_audio_chunk(void)
{
    const uint32_t now = arrived;

    if (now == taken) {
        return NULL;
    }
    lost += now - taken - 1U;
    taken = now;
    return chunks[(now - 1U) % 2U];
}

uint32_t tp_audio_lost(void)
{
    return lost;
}

void tp_processing_pin(bool high)
{
    GPIO_BSRR(TP_PROCESSING_PORT) = BIT(TP_PROCESSING_PIN) << (high ? 0U : 16U);
}

void tp_detected_pulse(void)
{
    const uint32_t begin = TIM_CNT;

    GPIO_BSRR(TP_DETECTED_PORT) = BIT(TP_DETECTED_PIN) << 16U;
    while (TIM_CNT - begin < PULSE_US) {
        /* The timer runs. */
    }
    GPIO_BSRR(TP_DETECTED_PORT) = BIT(TP_DETECTED_PIN);
}
