/* SPDX-License-Identifier: 0BSD */
/* Sound to log-mel features, frame by frame, in single precision. */
#ifndef TP_FEATURES_H
#define TP_FEATURES_H

#include <stddef.h>
#include <stdint.h>

/* Samples of a frame (32 ms at 16 kHz), and features made of one. */
#define TP_HOP_SAMPLES 512U
#define TP_MELS 40U

/* Silence before the next frame. */
void tp_features_reset(void);

/* The codes of the model's input of TP_HOP_SAMPLES more samples; `stride`: from one to the next, 2 for the left of two
 * channels. */
void tp_features(const int16_t *samples, size_t stride, int8_t codes[TP_MELS]);

#endif
