/* SPDX-License-Identifier: 0BSD */
/* What the host computed for tp_features.c. */
#ifndef TP_FEATURES_TABLES_H
#define TP_FEATURES_TABLES_H

#include <stdint.h>

/* First half of the Hamming window of 1024 points. */
extern const float tp_window[512];
/* cos and -sin of 2 pi k / 512, one behind the other; and of 2 pi k / 1024. */
extern const float tp_twiddles[1024];
extern const float tp_half_turns[512];
/* Each filter's first bin, how many bins it has, and the weights of all filters one behind the other. */
extern const uint16_t tp_mel_first[40];
extern const uint16_t tp_mel_count[40];
extern const float tp_mel_weights[];

#endif
