/* SPDX-License-Identifier: 0BSD */
/* Received bytes, from the serial port's interrupt to the main loop. */
#include "cortexm.h"
#include "tp_config.h"
#include "tp_mcu.h"
#if TP_STREAMING
#include "tp_audio.h"
#endif

/* Power of two, so that the free-running indices may wrap without a modulo. */
#define RX_RING_BYTES 256U

static uint8_t rx_ring[RX_RING_BYTES];
static volatile uint32_t rx_head; /* written by the interrupt only */
static volatile uint32_t rx_tail; /* written by the main loop only */
static volatile bool rx_lost;     /* set by the interrupt, cleared by the main loop */

void tp_received(uint8_t byte)
{
    if (rx_head - rx_tail < RX_RING_BYTES) {
        rx_ring[rx_head & (RX_RING_BYTES - 1U)] = byte;
        rx_head++;
    } else {
        rx_lost = true;
    }
}

void tp_receive_lost(void)
{
    rx_lost = true;
}

bool tp_serial_get(uint8_t *byte)
{
    if (rx_tail == rx_head) {
        return false;
    }
    *byte = rx_ring[rx_tail & (RX_RING_BYTES - 1U)];
    rx_tail++;
    return true;
}

bool tp_serial_overrun(void)
{
    const bool lost = rx_lost;

    rx_lost = false;
    return lost;
}

/* Something for the main loop to do. */
static bool waiting(void)
{
#if TP_STREAMING
    if (tp_audio_waiting()) {
        return true;
    }
#endif
    return rx_tail != rx_head;
}

void tp_idle(void)
{
    /* With interrupts masked, a byte that arrives after the test still ends WFI. */
    __asm volatile("cpsid i" ::: "memory");
    if (!waiting()) {
        __asm volatile("dsb\nwfi" ::: "memory");
    }
    __asm volatile("cpsie i" ::: "memory");
}
