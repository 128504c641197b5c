/* SPDX-License-Identifier: 0BSD */
/* Boot in the order that EnergyRunner expects, then one command after the other, for ever. */
#include <stddef.h>

#include "tp_benchmark.h"
#include "tp_command.h"
#include "tp_config.h"
#include "tp_mcu.h"
#include "tp_print.h"
#if TP_STREAMING
#include "tp_stream.h"
#endif

/* A framework that has a main of its own calls this one by another name. */
#ifndef TP_MAIN
#define TP_MAIN main
#endif
int TP_MAIN(void);

static void greet(const char *chip_note)
{
    tp_print(TP_ENERGY_MODE ? "m-timestamp-mode-energy\r\n" : "m-timestamp-mode-performance\r\n");
    tp_benchmark_timestamp();
    if (chip_note != NULL) {
        tp_print("m-[");
        tp_print(chip_note);
        tp_print("]\r\n");
    }
    tp_benchmark_init();
    tp_command_print_build();
    tp_print("m-init-done\r\n");
    tp_command_ready();
}

int TP_MAIN(void)
{
    greet(tp_mcu_init(TP_BAUD));
    for (;;) {
        uint8_t byte;

        while (tp_serial_get(&byte)) {
            tp_command_byte(byte);
        }
#if TP_STREAMING
        tp_stream_poll();
#endif
        tp_idle();
    }
}
