/* SPDX-License-Identifier: 0BSD */
/* A chip without an I2S that this firmware knows: sound comes over the serial line (extract_uart_stream). */
#include <stddef.h>

#include "tp_audio.h"

void tp_audio_init(void)
{
}

bool tp_audio_start(void)
{
    return false;
}

void tp_audio_stop(void)
{
}

const int16_t *tp_audio_chunk(void)
{
    return NULL;
}

bool tp_audio_waiting(void)
{
    return false;
}

uint32_t tp_audio_lost(void)
{
    return 0U;
}

void tp_processing_pin(bool high)
{
    (void)high;
}

void tp_detected_pulse(void)
{
}
