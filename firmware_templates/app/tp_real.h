/* SPDX-License-Identifier: 0BSD */
/* A float32 as text, without printf and exactly. */
#ifndef TP_REAL_H
#define TP_REAL_H

#include <stdbool.h>

/* Neither an infinity nor a NaN. */
bool tp_is_finite(float value);

/* As printf's "%.3f" of the number, halves to even; never "-0.000", and "inf", "-inf" or "nan" where it is none. */
void tp_print_real(float value);

#endif
