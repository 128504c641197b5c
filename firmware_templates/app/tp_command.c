/* SPDX-License-Identifier: 0BSD */
#include "tp_command.h"

#include <stdbool.h>
#include <stddef.h>

#include "tp_benchmark.h"
#include "tp_buffer.h"
#include "tp_config.h"
#ifdef TP_LAYERS
#include "tp_layers.h"
#endif
#include "tp_mcu.h"
#include "tp_print.h"
#include "tp_text.h"
#if TP_STREAMING
#include "tp_stream.h"
#endif
#include "tp_window.h"

#if TP_STREAMING
#define PROFILE "MLPerf Tiny Firmware V0.1.0"
#else
#define PROFILE "ULPMark for tinyML Firmware V0.0.1"
#endif
#define DEFAULT_INFERENCES 1U
#define DEFAULT_WARMUPS 10U

/* One more than the limit, for the closing NUL. */
static char line[TP_COMMAND_CHARS + 1U];
static size_t length; /* of the command so far; TP_COMMAND_CHARS + 1 once it is too long */

void tp_command_ready(void)
{
    tp_print("m-ready\r\n");
}

void tp_command_print_build(void)
{
    tp_print("m-build-[" TP_BUILD_ID "]\r\n");
}

static void name(char *arguments)
{
    (void)arguments;
    tp_print("m-name-dut-[" TP_VENDOR "]\r\n");
}

static void timestamp(char *arguments)
{
    (void)arguments;
    tp_benchmark_timestamp();
}

static void profile(char *arguments)
{
    (void)arguments;
    tp_print("m-profile-[" PROFILE "]\r\nm-model-[" TP_MODEL_ID "]\r\n");
}

static void help(char *arguments)
{
    (void)arguments;
    tp_print(PROFILE "\r\n"
                     "help            this text\r\n"
                     "name            the name of the device\r\n"
                     "profile         firmware and model\r\n"
                     "timestamp       one timestamp now\r\n"
                     "db load N       expect N bytes of input\r\n"
                     "db HH[HH]*      the next bytes, two hex digits each\r\n"
                     "db print        the bytes so far\r\n"
                     "db crc          their CRC-32\r\n"
                     "infer [N [W]]   N timed inferences after W warm-ups (1, 10)\r\n"
                     "results         the last results again\r\n"
                     "build           build id, limits and inputs\r\n");
#ifdef TP_LAYERS
    tp_print("layers          cycles of each layer in the last inference\r\n");
#endif
#if TP_STREAMING
    tp_print("start           take sound from the I2S\r\n"
             "stop            end that, and print output 0 of each frame\r\n"
             "state           frames so far\r\n"
             "db getptr       how many bytes came; 'db setptr N' takes back all behind N\r\n"
             "db print_i16    the bytes so far as 16-bit numbers\r\n"
             "extract_uart_stream   features and model of the 512 samples sent with db\r\n"
             "extract         the features alone, and their time\r\n"
             "run_model       the model alone, and its time\r\n"
             "i2scap          512 stereo samples from the I2S\r\n"
             "proc_hi proc_lo the PROCESSING pin\r\n");
#endif
}

static void infer(char *arguments)
{
    const char *const first = tp_word(&arguments);
    const char *const second = tp_word(&arguments);
    uint32_t inferences = DEFAULT_INFERENCES;
    uint32_t warmups = DEFAULT_WARMUPS;

    if (*first != '\0' && (!tp_parse_u32(first, &inferences) || inferences == 0U)) {
        tp_print_error("Inference iterations must be >0");
    } else if (*second != '\0' && !tp_parse_u32(second, &warmups)) {
        tp_print_error("Inference warmup must be >=0");
    } else {
        tp_benchmark_infer(inferences, warmups);
    }
}

static void results(char *arguments)
{
    (void)arguments;
    tp_benchmark_results();
}

#ifdef TP_LAYERS
static void layers(char *arguments)
{
    const uint32_t *const cycles = tp_layers_cycles();

    (void)arguments;
    tp_print("m-layers-[");
    for (size_t i = 0U; i < TP_LAYERS; i++) {
        tp_print(i == 0U ? "" : ",");
        tp_print_u64(cycles[i]);
    }
    tp_print("]\r\n");
}
#endif

static void build(char *arguments)
{
    (void)arguments;
    tp_command_print_build();
    tp_print("m-limits-[cmd=");
    tp_print_u64(TP_COMMAND_CHARS);
    tp_print(",db=");
    tp_print_u64((TP_COMMAND_CHARS - 3U) / 2U); /* "db " and two digits a byte */
    tp_print("]\r\nm-inputs-[" TP_INPUT_TYPES "]\r\n");
#if !TP_STREAMING /* whose replies begin with the command, in front of what is summed */
    tp_window_print_limits();
#endif
}

static const struct {
    const char *word;
    void (*run)(char *arguments);
} commands[] = {
    {"name", name},       {"timestamp", timestamp}, {"profile", profile}, {"help", help},
    {"db", tp_buffer_command}, {"infer", infer},    {"results", results}, {"build", build},
#ifdef TP_LAYERS
    {"layers", layers},
#endif
#if !TP_STREAMING
    {"window", tp_window_command}, {"go", tp_window_go},
#else
    {"start", tp_stream_start},
    {"stop", tp_stream_stop},
    {"state", tp_stream_state},
    {"log", tp_stream_log},
    {"extract", tp_stream_extract},
    {"extract_uart_stream", tp_stream_extract_uart},
    {"run_model", tp_stream_run_model},
    {"i2scap", tp_stream_capture},
    {"infer_wav", tp_stream_infer_wav},
    {"proc_hi", tp_stream_pin_high},
    {"proc_lo", tp_stream_pin_low},
#endif
};

static void run(char *text)
{
    const char *const word = tp_word(&text);

    if (*word == '\0') {
        return;
    }
    for (size_t i = 0U; i < sizeof commands / sizeof commands[0]; i++) {
        if (tp_equal(word, commands[i].word)) {
            commands[i].run(text);
            return;
        }
    }
    tp_print("e-[Unknown command: ");
    tp_print_echo(word, TP_COMMAND_CHARS);
    tp_print("]\r\n");
}

void tp_command_byte(uint8_t byte)
{
    if (tp_window_receiving()) {
        if (tp_window_byte(byte)) {
            tp_command_ready();
        }
        return;
    }
    if (byte != (uint8_t)'%') {
        if (length < TP_COMMAND_CHARS) {
            line[length] = byte == 0U ? '\x7f' : (char)byte; /* a NUL must not cut it short */
            length++;
        } else {
            length = TP_COMMAND_CHARS + 1U;
        }
        return;
    }
    if (tp_serial_overrun()) {
        tp_print_error("Received bytes were lost");
    } else if (length > TP_COMMAND_CHARS) {
        tp_print_error("Command too long");
    } else {
        line[length] = '\0';
#if TP_STREAMING
        tp_stream_echo(line);
#endif
        run(line);
    }
    length = 0U;
    if (!tp_window_receiving()) {
        tp_command_ready();
    }
}
