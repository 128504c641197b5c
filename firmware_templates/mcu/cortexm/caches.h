/* SPDX-License-Identifier: 0BSD */
/* Caches of a Cortex-M7: DDI 0403 (Armv7-M), B2.2.7 and B3.2. Nothing here uses DMA, so that what is written may stay in
 * the cache. */
#ifndef CACHES_H
#define CACHES_H

#include "cortexm.h"

#define SCB_CCR REG(0xE000ED14U)
#define SCB_CCR_DC BIT(16)
#define SCB_CCR_IC BIT(17)
#define SCB_CCSIDR REG(0xE000ED80U)
#define SCB_CSSELR REG(0xE000ED84U)
#define SCB_ICIALLU REG(0xE000EF50U)
#define SCB_DCISW REG(0xE000EF60U)

static inline void tp_barrier(void)
{
    __asm volatile("dsb\nisb" ::: "memory");
}

/* After reset the lines hold anything: invalidated first. To be called once. */
static inline void tp_enable_caches(void)
{
    uint32_t ways;
    uint32_t sets;
    uint32_t size;

    SCB_ICIALLU = 0U;
    SCB_CSSELR = 0U; /* level 1, data */
    tp_barrier();
    size = SCB_CCSIDR;
    ways = size >> 3U & 0x3FFU; /* less one, as the sets */
    sets = size >> 13U & 0x7FFFU;
    for (uint32_t set = 0U; set <= sets; set++) {
        for (uint32_t way = 0U; way <= ways; way++) {
            SCB_DCISW = (ways != 0U ? way << __builtin_clz(ways) : 0U) | set << ((size & 7U) + 4U);
        }
    }
    tp_barrier();
    SCB_CCR |= SCB_CCR_IC | SCB_CCR_DC;
    tp_barrier();
}

#endif
