/* SPDX-License-Identifier: 0BSD */
/* For the vector table of a firmware that takes sound. */
#ifndef INTERRUPTS_H
#define INTERRUPTS_H

#include "stm32.h"

#define IRQ_AUDIO 11U /* DMA1 channel 1 */

void tp_audio_interrupt(void);

#define HANDLERS \
    [IRQ_TIMER] = tp_timer_interrupt, [IRQ_SERIAL] = tp_serial_interrupt, [IRQ_AUDIO] = tp_audio_interrupt

#endif
