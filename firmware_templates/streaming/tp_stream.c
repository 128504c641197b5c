/* SPDX-License-Identifier: 0BSD */
#include "tp_stream.h"

#include <stddef.h>
#include <string.h>

#include "tp_audio.h"
#include "tp_buffer.h"
#include "tp_config.h"
#include "tp_mcu.h"
#include "tp_model.h"
#include "tp_print.h"
#include "tp_text.h"

#define WINDOW_FRAMES 30U   /* of sound before the model's answer */
#define DETECTED_ABOVE 115  /* code of output 0, as in the reference */
#define PULSE_US 1U
#define VALUES_PER_LINE 16U

_Static_assert(TP_BUFFER_BYTES >= TP_STREAM_BYTES, "the buffer holds a frame");
_Static_assert(TP_STREAM_FRAMES == 1U || TP_STREAM_FRAMES == WINDOW_FRAMES, "the model takes a frame, or all of them");

static int8_t codes[TP_MELS];
#if TP_STREAM_FRAMES > 1U
static int8_t window[WINDOW_FRAMES * TP_MELS]; /* newest last; kept here: a model may use up its input */
#endif
static int8_t activations[TP_STREAM_ACTIVATIONS];
static uint32_t frames; /* since start */
static bool streaming;
static bool silent; /* nothing has come since the last reset */
static bool sound_sent; /* over the serial line, since the last reset */

/* The newest features into the model, and its answer. */
static const char *step(void)
{
#if TP_STREAM_FRAMES > 1U
    memmove(window, &window[TP_MELS], sizeof window - TP_MELS);
    memcpy(&window[sizeof window - TP_MELS], codes, TP_MELS);
    memcpy(tp_model_input(0U), window, sizeof window);
#else
    memcpy(tp_model_input(0U), codes, TP_MELS);
#endif
    silent = false;
    return tp_model_invoke();
}

void tp_stream_init(void)
{
    tp_audio_init();
}

const char *tp_stream_reset(void)
{
    const char *error = NULL;

    if (silent) {
        return NULL;
    }
    tp_features_reset();
    tp_model_reset();
    memset(codes, 0, sizeof codes);
#if TP_STREAM_FRAMES > 1U
    memset(window, 0, sizeof window);
#else
    /* A model that keeps its past gets the one that the others' cleared window stands for. */
    for (uint32_t i = 1U; i < WINDOW_FRAMES && error == NULL; i++) {
        error = step();
    }
#endif
    silent = error == NULL;
    return error;
}

const char *tp_stream_frame(const int16_t *samples, uint32_t stride)
{
    tp_features(samples, stride, codes);
    return step();
}

static int8_t answer(size_t index)
{
    return ((const int8_t *)tp_model_output(0U))[index];
}

void tp_stream_poll(void)
{
    const int16_t *const chunk = streaming ? tp_audio_chunk() : NULL;

    if (chunk == NULL) {
        return;
    }
    tp_processing_pin(true);
    (void)tp_stream_frame(chunk, 2U);
    if (answer(0U) > DETECTED_ABOVE || frames == 0U) { /* the first frame tells when the stream began */
        tp_detected_pulse();
    }
    if (frames < TP_STREAM_ACTIVATIONS) {
        activations[frames] = answer(0U);
    }
    frames++;
    tp_processing_pin(false);
}

void tp_stream_echo(const char *command)
{
    tp_print("Received command: ");
    tp_print_text(command);
    tp_print("\r\n");
}

static void print_int(int32_t value)
{
    if (value < 0) {
        tp_print("-");
    }
    tp_print_u64((uint64_t)(value < 0 ? -value : value));
}

static void pulse_processing_pin(void)
{
    const uint64_t begin_us = tp_time_us();

    tp_processing_pin(true);
    while (tp_time_us() - begin_us < PULSE_US + 1U) {
        /* The clock runs. */
    }
    tp_processing_pin(false);
}

void tp_stream_start(char *arguments)
{
    const char *error;

    (void)arguments;
    if (streaming) {
        tp_print("I2S Rx currently in progress. Ignoring request\r\n");
        return;
    }
    error = tp_stream_reset();
    if (error != NULL) {
        tp_print_error(error);
        return;
    }
    frames = 0U;
    sound_sent = false;
    tp_print("Listening for I2S data ... \r\n");
    tp_serial_drain();
    tp_timestamp_pulse();
    tp_processing_pin(false);
    pulse_processing_pin();
    streaming = tp_audio_start();
    if (streaming) {
        tp_print("DMA receive initiated.\r\n");
    } else {
        tp_print_error("No I2S on this board: 'db load' and 'extract_uart_stream' take sound from the serial line");
    }
}

static void print_activations(void)
{
    const uint32_t count = frames < TP_STREAM_ACTIVATIONS ? frames : TP_STREAM_ACTIVATIONS;

    tp_print("target activations: \r\n[");
    for (uint32_t i = 0U; i < count; i++) {
        print_int(activations[i]);
        tp_print(i + 1U == count ? "  " : ", ");
        if (i + 1U == count || (i + 1U) % VALUES_PER_LINE == 0U) {
            tp_print("\r\n");
        }
    }
    tp_print("]\r\n");
}

void tp_stream_stop(char *arguments)
{
    (void)arguments;
    if (!streaming) {
        tp_print("I2S is already idle.  Ignoring stop request\r\n");
        return;
    }
    tp_audio_stop();
    streaming = false;
    tp_timestamp_pulse();
    tp_print("Streaming stopped.\r\n");
    print_activations();
}

/* The last line is tinyperf's own: whether all that was played was computed. */
void tp_stream_state(char *arguments)
{
    (void)arguments;
    tp_print("g_i2s_state = ");
    tp_print_u64(streaming ? 2U : 0U);
    tp_print(", g_int16s_read=");
    tp_print_u64((uint64_t)frames * TP_CHUNK_SAMPLES);
    tp_print("\r\nm-stream-[frames=");
    tp_print_u64(frames);
    tp_print(",lost=");
    tp_print_u64(tp_audio_lost());
    tp_print("]\r\n");
}

void tp_stream_log(char *arguments)
{
    (void)arguments;
    tp_print("Log contents[cp=0]:\r\n<>\r\n");
}

static void print_list(const char *name, const int8_t *values, size_t count)
{
    tp_print(name);
    for (size_t i = 0U; i < count; i++) {
        tp_print(i == 0U ? "" : ", ");
        tp_print(values[i] < 0 ? "" : "+");
        print_int(values[i]);
    }
    tp_print("]\r\n");
}

/* The frame in the buffer, into aligned samples. */
static bool frame_of_buffer(int16_t samples[TP_HOP_SAMPLES])
{
    if (streaming) {
        tp_print_error("Sound is being received: 'stop' comes first");
        return false;
    }
    if (!tp_buffer_complete()) {
        tp_print_error("No complete frame: 'db load 1024' and 'db' come first");
        return false;
    }
    memcpy(samples, tp_buffer_bytes(), TP_STREAM_BYTES);
    return true;
}

void tp_stream_extract_uart(char *arguments)
{
    static int16_t samples[TP_HOP_SAMPLES];
    const char *error = NULL;

    (void)arguments;
    if (!frame_of_buffer(samples)) {
        return;
    }
    if (!sound_sent) {
        error = tp_stream_reset();
        sound_sent = true;
    }
    if (error == NULL) {
        error = tp_stream_frame(samples, 1U);
    }
    if (error != NULL) {
        tp_print_error(error);
        return;
    }
    print_list("m-features-[", codes, TP_MELS);
    print_list("m-activations-[", tp_model_output(0U), 3U);
}

/* Of the frame in the buffer and the one before it; the stream that was sent ends with it. */
void tp_stream_extract(char *arguments)
{
    static int16_t samples[TP_HOP_SAMPLES];
    uint64_t begin_us;

    (void)arguments;
    if (!frame_of_buffer(samples)) {
        return;
    }
    sound_sent = false;
    silent = false;
    begin_us = tp_time_us();
    tp_features(samples, 1U, codes);
    begin_us = tp_time_us() - begin_us;
    tp_print("m-extract-us-");
    tp_print_u64(begin_us);
    tp_print("\r\n");
    print_list("m-features-[", codes, TP_MELS);
}

/* The model once more on the features that it has, which no clip of a class stands for here. */
void tp_stream_run_model(char *arguments)
{
    uint64_t begin_us;
    const char *error;

    (void)arguments;
    sound_sent = false;
    tp_processing_pin(true);
    begin_us = tp_time_us();
    error = step();
    begin_us = tp_time_us() - begin_us;
    tp_processing_pin(false);
    if (error != NULL) {
        tp_print_error(error);
        return;
    }
    tp_print("m-model-us-");
    tp_print_u64(begin_us);
    tp_print("\r\n");
    print_list("Output = [", tp_model_output(0U), 3U);
}

/* One chunk as it comes, to see that the lines are connected. */
void tp_stream_capture(char *arguments)
{
    const int16_t *chunk = NULL;
    const uint64_t begin_us = tp_time_us();

    (void)arguments;
    if (streaming) {
        tp_print("I2S Rx currently in progress. Ignoring request\r\n");
        return;
    }
    if (!tp_audio_start()) {
        tp_print_error("No I2S on this board");
        return;
    }
    tp_print("Listening for I2S data ... \r\n");
    while (chunk == NULL && tp_time_us() - begin_us < 1000000U) {
        chunk = tp_audio_chunk();
    }
    tp_audio_stop();
    if (chunk == NULL) {
        tp_print_error("No sound within a second: clock and frame lines are silent");
        return;
    }
    for (uint32_t i = 0U; i < TP_CHUNK_SAMPLES; i++) {
        tp_print(i == 0U ? "[" : "");
        print_int(chunk[i]);
        tp_print(i + 1U == TP_CHUNK_SAMPLES ? "]\r\n" : (i + 1U) % VALUES_PER_LINE == 0U ? ", \r\n" : ", ");
    }
}

void tp_stream_infer_wav(char *arguments)
{
    (void)arguments;
    tp_print_error("No sound is stored in this firmware: 'db load' and 'extract_uart_stream' take it");
}

void tp_stream_pin_high(char *arguments)
{
    (void)arguments;
    tp_processing_pin(true);
}

void tp_stream_pin_low(char *arguments)
{
    (void)arguments;
    tp_processing_pin(false);
}
