/* SPDX-License-Identifier: 0BSD */
/* Vector table, and what has to happen before main; of Armv6-M only, so that it runs on every
 * core. The chip's interrupts.h says how many interrupts there are and who handles which. */
#include "cortexm.h"
#include "interrupts.h"

typedef void (*handler)(void);

/* From the linker script. */
extern uint32_t tp_stack_top[];
extern uint32_t tp_data_start[];
extern uint32_t tp_data_end[];
extern const uint32_t tp_data_load[];
extern uint32_t tp_bss_start[];
extern uint32_t tp_bss_end[];
extern const handler tp_constructors_start[];
extern const handler tp_constructors_end[];

/* Hands the frame to tp_fault. Naked: the stack pointer must still be the one the exception left;
 * it is the main one, no other is ever used. BL reaches everywhere, on Armv6-M too. */
__attribute__((naked)) static void fault_entry(void)
{
    __asm volatile("mrs r0, msp\n"
                   "bl tp_fault\n");
}

static void unexpected(void)
{
    for (;;) {
        /* An interrupt that nobody enabled: stay here for the debugger. */
    }
}

static const struct {
    uint32_t *stack_top;
    handler exceptions[15];
    handler interrupts[INTERRUPTS];
} vectors __attribute__((section(".vectors"), used)) = {
    .stack_top = tp_stack_top,
    .exceptions = {tp_reset, unexpected, fault_entry, fault_entry, fault_entry, fault_entry},
    .interrupts = {HANDLERS},
};

void tp_reset(void)
{
    const uint32_t *from = tp_data_load;

#if defined(__ARM_FP)
    SCB_CPACR |= SCB_CPACR_FPU; /* before anything that might use a floating-point register */
    __asm volatile("dsb\nisb" ::: "memory");
#endif
    SCB_VTOR = (uint32_t)&vectors;
    for (uint32_t *to = tp_data_start; to < tp_data_end; to++) {
        *to = *from;
        from++;
    }
    for (uint32_t *to = tp_bss_start; to < tp_bss_end; to++) {
        *to = 0U;
    }
    for (const handler *run = tp_constructors_start; run < tp_constructors_end; run++) {
        (*run)();
    }
    (void)main();
    for (;;) {
        /* main does not return. */
    }
}
