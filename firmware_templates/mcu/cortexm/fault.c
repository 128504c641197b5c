/* SPDX-License-Identifier: 0BSD */
/* What is said of a processor fault, on the serial port that still works by polling. */
#include "cortexm.h"
#include "tp_print.h"

static void print_register(const char *name, uint32_t value)
{
    tp_print(name);
    tp_print_hex(value, 8U);
}

void tp_fault(const uint32_t *frame)
{
    print_register("\r\ne-[Hard fault: pc=", frame[6]);
    print_register(" lr=", frame[5]);
    print_register(" cfsr=", SCB_CFSR);
    print_register(" hfsr=", SCB_HFSR);
    tp_print("]\r\n");
    for (;;) {
        /* Stays here: a reset would hide what happened. */
    }
}
