/* SPDX-License-Identifier: 0BSD */
/* Any board with an Arduino core: its serial port, microseconds and pins, through the public Arduino API only.
 * Clocks and interrupts are the core's; its SERIAL_RX_BUFFER_SIZE is raised by the project, where the core has one. */
#include "arduino_core.h"

extern "C" {
#include "tp_config.h"
#include "tp_mcu.h"
int tp_main(void);
}

#define PULSE_US 2U

/* micros() counts 32 bits: 71.6 minutes. Every call here extends it, and tp_idle calls often enough. */
static uint32_t last_us;
static uint64_t wraps;

/* The core has a main of its own; ours is called as its set-up and does not return. */
void setup(void)
{
    (void)tp_main();
}

void loop(void)
{
}

const char *tp_mcu_init(uint32_t baud)
{
#if defined(TP_TIMESTAMP_PIN)
    digitalWrite(TP_TIMESTAMP_PIN, HIGH); /* before it is an output, so that no false edge is seen */
    pinMode(TP_TIMESTAMP_PIN, OUTPUT);
    digitalWrite(TP_TIMESTAMP_PIN, HIGH);
#endif
    Serial.begin(baud);
    while (!Serial) {
        /* A USB port of the chip itself is there when the host has opened it. */
    }
    return nullptr;
}

/* Not `byte`, as the header calls it: Arduino has a type of that name. */
void tp_serial_put(uint8_t sent)
{
    (void)Serial.write(sent);
}

bool tp_serial_get(uint8_t *received)
{
    const int value = Serial.available() > 0 ? Serial.read() : -1;

    if (value < 0) {
        return false;
    }
    *received = static_cast<uint8_t>(value);
    return true;
}

void tp_serial_drain(void)
{
    Serial.flush();
}

/* The Arduino API does not tell; a lost byte then shows as a wrong checksum of `db crc`, or as a missing answer. */
bool tp_serial_overrun(void)
{
    return false;
}

uint64_t tp_time_us(void)
{
    const uint32_t now_us = static_cast<uint32_t>(micros());

    if (now_us < last_us) {
        wraps++;
    }
    last_us = now_us;
    return wraps << 32U | now_us;
}

void tp_timestamp_pulse(void)
{
#if defined(TP_TIMESTAMP_PIN)
    digitalWrite(TP_TIMESTAMP_PIN, LOW);
    delayMicroseconds(PULSE_US);
    digitalWrite(TP_TIMESTAMP_PIN, HIGH);
#endif
}

void tp_idle(void)
{
    (void)tp_time_us();
    yield();
}
