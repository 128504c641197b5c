/* SPDX-License-Identifier: 0BSD */
/* What a chip must provide for sound, beside tp_mcu.h: stereo samples of 16 bits at 16 kHz from an I2S, and two pins. */
#ifndef TP_AUDIO_H
#define TP_AUDIO_H

#include <stdbool.h>
#include <stdint.h>

/* Samples of a chunk, left and right in turn. */
#define TP_CHUNK_SAMPLES 1024U

/* PROCESSING low, WW_DETECTED high. Called once. */
void tp_audio_init(void);

/* Receives from now on, chunk after chunk. False: this chip has nothing to receive with. */
bool tp_audio_start(void);
void tp_audio_stop(void);

/* The newest whole chunk that was not asked for yet, or NULL. It may be read until the next but one has come. */
const int16_t *tp_audio_chunk(void);

/* A chunk waits. */
bool tp_audio_waiting(void);

/* Chunks that came while one waited already, since tp_audio_start. */
uint32_t tp_audio_lost(void);

/* High while a frame is computed. */
void tp_processing_pin(bool high);

/* WW_DETECTED low for a microsecond or two; the falling edge is the event. */
void tp_detected_pulse(void);

#endif
