/* SPDX-License-Identifier: 0BSD */
#include "tp_benchmark.h"

#include <stddef.h>

#include "tp_buffer.h"
#include "tp_config.h"
#include "tp_mcu.h"
#include "tp_model.h"
#include "tp_print.h"
#include "tp_tensor.h"
#if TP_STREAMING
#include <string.h>

#include "tp_stream.h"
#endif

static const char *model_error = "The model is not initialized";
static bool have_results;

void tp_benchmark_init(void)
{
    model_error = tp_model_init();
    if (model_error != NULL) {
        tp_print_error(model_error);
    }
#if TP_STREAMING
    tp_stream_init();
#endif
}

#if TP_STREAMING
/* An inference is a frame: features and model. The same sound again and again, after silence. */
static int16_t frame[TP_HOP_SAMPLES];

static void load_input(void)
{
    memcpy(frame, tp_buffer_bytes(), sizeof frame);
}

static void reset(void)
{
    (void)tp_stream_reset();
}

static const char *infer_once(void)
{
    return tp_stream_frame(frame, 1U);
}
#else
static void load_input(void)
{
    tp_tensor_load(tp_buffer_bytes());
}

static void reset(void)
{
    tp_model_reset();
}

static const char *infer_once(void)
{
    return tp_model_invoke();
}
#endif

static void print_stamp(uint64_t time_us)
{
    tp_print("m-lap-us-");
    tp_print_u64(time_us);
    tp_print("\r\n");
}

/* Energy mode: the pulse is the stamp. Performance mode: the time, to be printed later. */
static uint64_t stamp(void)
{
#if TP_ENERGY_MODE
    tp_timestamp_pulse();
    return 0U;
#else
    return tp_time_us();
#endif
}

void tp_benchmark_timestamp(void)
{
    const uint64_t time_us = stamp();

    if (!TP_ENERGY_MODE) {
        print_stamp(time_us);
    }
}

static const char *invoke(uint32_t count)
{
    const char *error = NULL;

    for (uint32_t i = 0U; i < count && error == NULL; i++) {
        error = infer_once();
    }
    return error;
}

/* One window. Nothing but inference happens between the stamps: the transmitter is empty before the
 * first, and both are printed after the second. A model with variables starts anew before it, and
 * goes on from inference to inference, as it does in use. */
static const char *window(uint32_t inferences)
{
    const char *error;
    uint64_t start_us;
    uint64_t end_us;

    reset();
    tp_serial_drain();
    start_us = stamp();
    error = invoke(inferences);
    end_us = stamp();
    if (error == NULL && !TP_ENERGY_MODE) {
        print_stamp(start_us);
        print_stamp(end_us);
    }
    return error;
}

static const char *load(void)
{
    const char *error = model_error;

    have_results = false;
    if (error == NULL && !tp_buffer_complete()) {
        error = "No complete input: 'db load' and 'db' come first";
    }
    if (error == NULL) {
        load_input();
    }
    return error;
}

void tp_benchmark_infer(uint32_t inferences, uint32_t warmups)
{
    const char *error = load();

    if (error != NULL) {
        tp_print_error(error);
        return;
    }
    tp_print("m-warmup-start-");
    tp_print_u64(warmups);
    tp_print("\r\n");
    reset();
    error = invoke(warmups);
    if (error == NULL) {
        tp_print("m-warmup-done\r\nm-infer-start-");
        tp_print_u64(inferences);
        tp_print("\r\n");
        error = window(inferences);
    }
    if (error != NULL) {
        tp_print_error(error);
        return;
    }
    tp_print("m-infer-done\r\n");
    have_results = true;
    tp_benchmark_results();
}

void tp_benchmark_window(uint32_t inferences, uint32_t sum)
{
    const char *error = load();

    tp_print_sum_from(sum);
    if (error == NULL) {
        error = window(inferences);
    }
    if (error != NULL) {
        tp_print_error(error);
        return;
    }
    have_results = true;
    tp_benchmark_results();
    tp_print_crc(tp_print_sum());
}

void tp_benchmark_results(void)
{
    if (!have_results) {
        tp_print_error("No results: 'infer' comes first");
        return;
    }
    tp_tensor_results(tp_buffer_bytes());
}
