/* SPDX-License-Identifier: 0BSD */
/* The benchmark loop: timestamps, inferences, results. */
#ifndef TP_BENCHMARK_H
#define TP_BENCHMARK_H

#include <stdint.h>

/* Prepares the model; what is wrong with it is printed, and every inference refused. */
void tp_benchmark_init(void);

/* One timestamp now: a line in performance mode, a pulse in energy mode. */
void tp_benchmark_timestamp(void);

/* Loads the input, runs `warmups` inferences, then a window of `inferences` timed ones. */
void tp_benchmark_infer(uint32_t inferences, uint32_t warmups);

/* As above without warm-up, and the answer is short: stamps, results, and a checksum of both that begins with `sum`. */
void tp_benchmark_window(uint32_t inferences, uint32_t sum);

/* The results of the last window. */
void tp_benchmark_results(void);

#endif
