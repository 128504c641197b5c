/* SPDX-License-Identifier: 0BSD */
/* The streaming wakeword: frames of sound through front end and model, as they come or as they are sent. */
#ifndef TP_STREAM_H
#define TP_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "tp_features.h"

/* What one `infer` and one `extract_uart_stream` take: 16-bit samples of one channel, little-endian. */
#define TP_STREAM_BYTES (2U * TP_HOP_SAMPLES)

/* Called once, when the model is there. */
void tp_stream_init(void);

/* Silence before the next frame, for the front end and for the model. NULL, or why the model cannot run. */
const char *tp_stream_reset(void);

/* One frame: features, then the model. NULL, or why it failed. */
const char *tp_stream_frame(const int16_t *samples, uint32_t stride);

/* Computes the frame that has come, if one has. */
void tp_stream_poll(void);

/* "Received command: ...", as the reference begins every reply. */
void tp_stream_echo(const char *command);

/* Commands; `arguments`: what follows the word. */
void tp_stream_start(char *arguments);
void tp_stream_stop(char *arguments);
void tp_stream_state(char *arguments);
void tp_stream_log(char *arguments);
void tp_stream_extract(char *arguments);
void tp_stream_extract_uart(char *arguments);
void tp_stream_run_model(char *arguments);
void tp_stream_capture(char *arguments);
void tp_stream_infer_wav(char *arguments);
void tp_stream_pin_high(char *arguments);
void tp_stream_pin_low(char *arguments);

#endif
