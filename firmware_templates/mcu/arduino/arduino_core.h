/* SPDX-License-Identifier: 0BSD */
/* The Arduino core's headers do not meet the warnings that our own sources are compiled with; as -isystem would. */
#ifndef TP_ARDUINO_CORE_H
#define TP_ARDUINO_CORE_H

#pragma GCC system_header

#include <Arduino.h>

#endif
