/* SPDX-License-Identifier: 0BSD */
#include "tp_buffer.h"

#include <stddef.h>

#include "tp_config.h"
#include "tp_crc.h"
#include "tp_print.h"
#include "tp_text.h"

#define PRINT_BYTES_PER_LINE 8U

_Static_assert(TP_BUFFER_BYTES >= TP_INPUT_BYTES, "the buffer holds the input of one inference");
_Static_assert(TP_COMMAND_CHARS >= 80U, "hosts send up to 80 characters unasked");

static struct tp_frame frame;
static uint8_t *const buffer = frame.input;
static uint32_t expected_bytes;
static uint32_t received_bytes;

bool tp_buffer_complete(void)
{
    return received_bytes == expected_bytes && received_bytes >= TP_INPUT_BYTES;
}

const uint8_t *tp_buffer_bytes(void)
{
    return buffer;
}

struct tp_frame *tp_buffer_frame(void)
{
    return &frame;
}

uint32_t tp_buffer_set(uint32_t count)
{
    const uint32_t before = tp_buffer_complete() ? received_bytes : 0U;

    expected_bytes = count;
    received_bytes = count;
    return before;
}

static void load(char *arguments)
{
    const char *const number = tp_word(&arguments);
    uint32_t bytes = 0U;

    /* A refused load leaves nothing to run on, least of all the input before it. */
    expected_bytes = 0U;
    received_bytes = 0U;
    if (*number == '\0') {
        tp_print_error("Command 'db load' requires the # of bytes");
    } else if (!tp_all_digits(number) || (tp_parse_u32(number, &bytes) && bytes == 0U)) {
        tp_print_error("Command 'db load' must be >0 bytes");
    } else if (bytes == 0U || bytes > TP_BUFFER_BYTES) {
        tp_print("e-[Supplied buffer size ");
        tp_print_echo(number, 20U);
        tp_print(" exceeds maximum of ");
        tp_print_u64(TP_BUFFER_BYTES);
        tp_print("]\r\n");
    } else {
        expected_bytes = bytes;
        tp_print("m-[Expecting ");
        tp_print_u64(bytes);
        tp_print(" bytes]\r\n");
    }
}

static void print(void)
{
    /* The second bound is never the one that ends it; the compiler wants to see it for a buffer of a few bytes. */
    for (uint32_t i = 0U; i < received_bytes && i < TP_BUFFER_BYTES; i++) {
        const bool last = i + 1U == received_bytes || (i + 1U) % PRINT_BYTES_PER_LINE == 0U;

        if (i % PRINT_BYTES_PER_LINE == 0U) {
            tp_print("m-buffer-");
        }
        tp_print_hex(buffer[i], 2U);
        tp_print(last ? "\r\n" : "-");
    }
}

/* Takes a whole command or nothing of it, so that a host can send a damaged one again. */
static void take(const char *hex)
{
    const size_t digits = tp_length(hex);
    const uint32_t wanted = expected_bytes - received_bytes;
    const uint32_t count = digits / 2U < wanted ? (uint32_t)(digits / 2U) : wanted;
    uint8_t byte = 0U;

    if (digits % 2U != 0U) {
        tp_print_error("Insufficent number of hex digits");
        return;
    }
    if (wanted == 0U) {
        tp_print_error("No bytes expected: 'db load' comes first");
        return;
    }
    for (uint32_t i = 0U; i < count; i++) {
        if (!tp_parse_byte(&hex[2U * i], &byte)) {
            tp_print("e-[Invalid hex digit '");
            tp_print_echo(&hex[2U * i], 2U);
            tp_print("']\r\n");
            return;
        }
    }
    for (uint32_t i = 0U; i < count; i++) {
        (void)tp_parse_byte(&hex[2U * i], &buffer[received_bytes]);
        received_bytes++;
    }
    if (received_bytes == expected_bytes) {
        tp_print("m-load-done\r\n");
#if TP_STREAMING
    } else {
        tp_print_u64(received_bytes);
        tp_print(" bytes received\r\n");
#endif
    }
}

#if TP_STREAMING
static void print_pointer(void)
{
    tp_print("m-buff-ptr-");
    tp_print_u64(received_bytes);
    tp_print("\r\n");
}

/* Back to a byte that came already: what a host sends again after a torn command. */
static void set_pointer(char *arguments)
{
    uint32_t bytes = 0U;

    if (!tp_parse_u32(tp_word(&arguments), &bytes) || bytes > received_bytes) {
        tp_print_error("Command 'db setptr' requires a number of bytes received");
        return;
    }
    received_bytes = bytes;
}

static void print_i16(void)
{
    for (uint32_t i = 0U; i + 1U < received_bytes && i + 1U < TP_BUFFER_BYTES; i += 2U) {
        const uint32_t code = buffer[i] | (uint32_t)buffer[i + 1U] << 8U;

        tp_print(i == 0U ? "[" : ", ");
        tp_print(code >= 0x8000U ? "-" : "");
        tp_print_u64(code >= 0x8000U ? 0x10000U - code : code);
    }
    tp_print("]\r\n");
}
#endif

void tp_buffer_command(char *arguments)
{
    const char *const word = tp_word(&arguments);

    if (*word == '\0') {
        tp_print_error("Command 'db' requires a subcommand");
    } else if (tp_equal(word, "load")) {
        load(arguments);
    } else if (tp_equal(word, "print")) {
        print();
    } else if (tp_equal(word, "crc")) {
        tp_print_crc(tp_crc32(0U, buffer, received_bytes));
#if TP_STREAMING
    } else if (tp_equal(word, "getptr")) {
        print_pointer();
    } else if (tp_equal(word, "setptr")) {
        set_pointer(arguments);
    } else if (tp_equal(word, "print_i16")) {
        print_i16();
#endif
    } else if (*tp_word(&arguments) != '\0') {
        tp_print_error("Command 'db' takes one string of hex digits");
    } else {
        take(word);
    }
}
