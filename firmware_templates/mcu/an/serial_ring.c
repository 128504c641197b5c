/* SPDX-License-Identifier: 0BSD */
/* In place of the ring of mcu/cortexm. QEMU delivers a byte as soon as the one before is read, at no
 * baud rate, so that an interrupt which reads them fills any ring while the main loop is busy. Unread,
 * QEMU keeps what is behind, and none is lost. */
#include "cortexm.h"
#include "registers.h"
#include "tp_config.h"
#include "tp_mcu.h"
#if TP_STREAMING
#include "tp_audio.h"
#endif

static bool received(void)
{
    return (UART0_STATE & UART_STATE_RX_FULL) != 0U;
}

bool tp_serial_get(uint8_t *byte)
{
    if (!received()) {
        return false;
    }
    *byte = (uint8_t)UART0_DATA;
    return true;
}

bool tp_serial_overrun(void)
{
    const bool lost = (UART0_STATE & UART_STATE_RX_OVERRUN) != 0U;

    UART0_STATE = UART_STATE_RX_OVERRUN;
    return lost;
}

static bool waiting(void)
{
#if TP_STREAMING
    if (tp_audio_waiting()) {
        return true;
    }
#endif
    return received();
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
