/* SPDX-License-Identifier: 0BSD */
/* This computer as the chip: standard input and output (pipes or a pty) are the serial port. Ends
 * with its input. */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tp_mcu.h"

#define BUFFER_BYTES 4096U

static uint8_t received[BUFFER_BYTES];
static size_t received_count;
static size_t received_next;
static struct timespec start;

const char *tp_mcu_init(uint32_t baud)
{
    (void)baud;
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    return NULL;
}

void tp_serial_put(uint8_t byte)
{
    if (putchar(byte) == EOF) {
        exit(EXIT_FAILURE);
    }
}

void tp_serial_drain(void)
{
    if (fflush(stdout) != 0) {
        exit(EXIT_FAILURE);
    }
}

bool tp_serial_get(uint8_t *byte)
{
    if (received_next == received_count) {
        return false;
    }
    *byte = received[received_next];
    received_next++;
    return true;
}

bool tp_serial_overrun(void)
{
    return false; /* the pipe holds the sender back instead */
}

uint64_t tp_time_us(void)
{
    struct timespec now;
    int64_t elapsed_ns;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    elapsed_ns = (int64_t)(now.tv_sec - start.tv_sec) * 1000000000 +
                 (int64_t)(now.tv_nsec - start.tv_nsec);
    return (uint64_t)(elapsed_ns / 1000);
}

void tp_timestamp_pulse(void)
{
    /* No pin. The host tool refuses energy builds for boards without one. */
}

void tp_idle(void)
{
    ssize_t count;

    tp_serial_drain();
    if (received_next < received_count) {
        return;
    }
    count = read(STDIN_FILENO, received, sizeof received);
    if (count <= 0) {
        exit(EXIT_SUCCESS); /* the host has gone */
    }
    received_count = (size_t)count;
    received_next = 0U;
}
