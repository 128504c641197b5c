/* SPDX-License-Identifier: 0BSD */
#include "tp_window.h"

#include <stddef.h>
#include <string.h>

#include "tp_benchmark.h"
#include "tp_buffer.h"
#include "tp_config.h"
#include "tp_crc.h"
#include "tp_mcu.h"
#include "tp_print.h"

static uint8_t *next;       /* where the next byte of the frame goes */
static uint32_t wanted;     /* so many are still to come of its header, or of its input */
static bool in_header;
static uint32_t have_bytes; /* of the input before, of which a part may be kept */

void tp_window_print_limits(void)
{
    tp_print("m-window-[bytes=");
    tp_print_u64(TP_BUFFER_BYTES);
    tp_print(",at=");
    tp_print_hex((uint32_t)(uintptr_t)tp_buffer_frame(), 8U);
    tp_print("]\r\n");
}

void tp_window_command(char *arguments)
{
    (void)arguments;
    have_bytes = tp_buffer_set(0U);
    next = (uint8_t *)tp_buffer_frame();
    wanted = TP_FRAME_HEADER_BYTES;
    in_header = true;
}

bool tp_window_receiving(void)
{
    return wanted > 0U;
}

/* The whole frame has come: is it as the host meant it? */
static void finish(uint32_t count)
{
    const struct tp_frame *const frame = tp_buffer_frame();
    const uint32_t crc = tp_crc32(0U, (const uint8_t *)frame, offsetof(struct tp_frame, crc));

    if (tp_serial_overrun()) {
        tp_print_error("Received bytes were lost");
    } else if (tp_crc32(crc, frame->input, count) != frame->crc) {
        tp_print_error("Window: wrong checksum");
    } else {
        (void)tp_buffer_set(count);
        if (frame->inferences == 0U) {
            tp_print("m-load-done\r\n");
        } else {
            tp_benchmark_window(frame->inferences, frame->crc);
        }
    }
}

static bool fits(const struct tp_frame *frame)
{
    return frame->keep <= have_bytes && frame->bytes <= TP_BUFFER_BYTES - frame->keep &&
           frame->keep + frame->bytes > 0U;
}

/* The tail of the input before becomes the head of this one, as windows of one recording overlap. */
static bool begin_input(void)
{
    struct tp_frame *const frame = tp_buffer_frame();

    in_header = false;
    if (!fits(frame)) {
        tp_print_error("Window: impossible header");
        return true;
    }
    memmove(frame->input, &frame->input[have_bytes - frame->keep], frame->keep);
    next = &frame->input[frame->keep];
    wanted = frame->bytes;
    return false;
}

bool tp_window_byte(uint8_t byte)
{
    *next = byte;
    next++;
    wanted--;
    if (wanted == 0U && in_header && begin_input()) {
        return true;
    }
    if (wanted == 0U) {
        finish(tp_buffer_frame()->keep + tp_buffer_frame()->bytes);
        return true;
    }
    return false;
}

void tp_window_go(char *arguments)
{
    const struct tp_frame *const frame = tp_buffer_frame();

    (void)arguments;
    have_bytes = 0U;
    (void)tp_buffer_set(0U);
    if (fits(frame)) {
        finish(frame->bytes);
    } else {
        tp_print_error("Window: impossible header");
    }
}
