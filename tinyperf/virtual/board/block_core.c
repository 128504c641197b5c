/* SPDX-License-Identifier: 0BSD */
/* Called by Unicorn's translated code: counts instructions block by block; see block_core.py. */
#include <stdbool.h>
#include <stdint.h>

enum { BLOCKS = 1 << 16, MOST_EXTENTS = 8, MOST_MEMORIES = 32 };

enum { FETCH = 18 }; /* Unicorn's UC_MEM_FETCH */

/* Unicorn's uc_tlb_entry; rights are its uc_prot. */
struct translation {
    uint64_t address;
    int32_t rights;
};

struct memory {
    uint32_t first, last;
    int32_t rights;
};

/* Programmed code. singly[i]: halfword i is of an IT block, whose instructions are counted by a hook of their own. */
struct extent {
    uint32_t first, end;
    const uint16_t *code;
    uint8_t *singly;
};

/* What was found out of a block when it ran last. */
struct block {
    uint32_t address, bytes;
    int32_t counted; /* instructions that have no hook of their own; -1: it is not for this core */
    int32_t most;    /* all of them */
};

enum { BY_LIMIT = 1, BY_BLOCK = 2 };

struct counting {
    uint64_t executed, limit;
    int (*stop)(void *core);
    int (*write_register)(void *core, int number, const void *value);
    int32_t epsr;            /* its number */
    uint32_t stopped;        /* BY_LIMIT, BY_BLOCK: in front of a block; 0: by an access or an exception */
    uint32_t address, bytes; /* of the block that runs */
    uint32_t extents, memories;
    struct extent extent[MOST_EXTENTS];
    struct memory memory[MOST_MEMORIES];
    struct block seen[BLOCKS];
};

void tp_block(void *core, uint64_t address, uint32_t bytes, void *counting);
void tp_single(void *core, uint64_t address, uint32_t bytes, void *counting);
bool tp_fill(void *core, uint64_t page, int type, struct translation *translation, void *counting);
uint32_t tp_not_executed(const struct counting *counting, uint32_t pc);
uint32_t tp_mark(struct counting *counting, uint32_t address, uint32_t bytes, uint32_t *ranges);

static uint32_t halfwords(uint16_t first)
{
    return first >= 0xE800U ? 2U : 1U;
}

/* What has to do with more than registers and memory: SVC, BKPT, UDF, CPS, MSR, and hints but NOP. */
static int is_special(uint16_t first, uint16_t second)
{
    if (halfwords(first) == 1U) {
        return (first & 0xFE00U) == 0xDE00U || (first & 0xFF00U) == 0xBE00U || (first & 0xFFE0U) == 0xB660U ||
               ((first & 0xFF0FU) == 0xBF00U && first != 0xBF00U);
    }
    return (first & 0xFFC0U) == 0xF380U && (second & 0xD000U) == 0x8000U && first != 0xF3BFU;
}

static int is_it(uint16_t first)
{
    return (first & 0xFF00U) == 0xBF00U && (first & 15U) != 0U;
}

static const struct extent *extent_of(const struct counting *counting, uint32_t address, uint32_t bytes)
{
    for (uint32_t i = 0; i < counting->extents; i++) {
        const struct extent *extent = &counting->extent[i];
        if (address >= extent->first && address < extent->end && bytes <= extent->end - address) {
            return extent;
        }
    }
    return 0;
}

static struct block looked_through(const struct extent *extent, uint32_t address, uint32_t bytes)
{
    struct block block = {address, bytes, extent ? 0 : -1, 0};
    uint32_t at = extent ? (address - extent->first) / 2U : 0U;
    const uint32_t end = extent ? at + bytes / 2U : 0U;

    while (at < end) {
        const uint16_t first = extent->code[at];
        const bool is_new_it = is_it(first) && at + 1U < end && !extent->singly[at + 1U];
        if (is_new_it || is_special(first, at + 1U < end ? extent->code[at + 1U] : 0U)) {
            block.counted = -1;
            return block;
        }
        block.counted += extent->singly[at] ? 0 : 1;
        block.most++;
        at += halfwords(first);
    }
    return block;
}

void tp_block(void *core, uint64_t address, uint32_t bytes, void *counting)
{
    struct counting *now = counting;
    const uint32_t here = (uint32_t)address;
    struct block *block = &now->seen[here / 2U % BLOCKS];

    if (block->address != here || block->bytes != bytes) {
        *block = looked_through(extent_of(now, here, bytes), here, bytes);
    }
    if (block->counted < 0 || now->executed + (uint32_t)block->most > now->limit) {
        now->stopped = block->counted < 0 ? BY_BLOCK : BY_LIMIT;
        (void)now->stop(core);
        return;
    }
    now->executed += (uint32_t)block->counted;
    now->address = here;
    now->bytes = bytes;
}

void tp_single(void *core, uint64_t address, uint32_t bytes, void *counting)
{
    struct counting *now = counting;
    (void)core;
    (void)address;
    (void)bytes;
    now->executed++;
}

/* Whether there is memory at this page; an access to any other ends the run in front of the instruction. */
bool tp_fill(void *core, uint64_t page, int type, struct translation *translation, void *counting)
{
    static const uint32_t thumb_and_no_it = 1U << 24;
    const struct counting *now = counting;

    translation->address = page;
    translation->rights = 0;
    for (uint32_t i = 0; i < now->memories; i++) {
        if (page >= now->memory[i].first && page <= now->memory[i].last) {
            translation->rights = now->memory[i].rights;
        }
    }
    if (type != FETCH && translation->rights != 0) {
        (void)now->write_register(core, now->epsr, &thumb_and_no_it); /* see block_core.py */
    }
    return translation->rights != 0;
}

/* Of the block that ran last, counted though it ended in front of the instruction at pc. */
uint32_t tp_not_executed(const struct counting *counting, uint32_t pc)
{
    const struct extent *extent = extent_of(counting, counting->address, counting->bytes);

    if (!extent || pc - counting->address >= counting->bytes) {
        return 0U;
    }
    return (uint32_t)looked_through(extent, pc, counting->address + counting->bytes - pc).counted +
           extent->singly[(pc - extent->first) / 2U];
}

/* The last halfword of the one to four instructions behind the IT at this halfword. */
static uint32_t last_of_it(const struct extent *extent, uint32_t it)
{
    const uint32_t end = (extent->end - extent->first) / 2U, mask = extent->code[it];
    uint32_t at = it + 1U;

    for (uint32_t left = mask & 1U ? 4U : mask & 2U ? 3U : mask & 4U ? 2U : 1U; left > 0U && at < end; left--) {
        at += halfwords(extent->code[at]);
    }
    return at - 1U;
}

/* What was found out of blocks that have halfwords of this range is no longer so. */
static void forget(struct counting *counting, uint32_t first, uint32_t last)
{
    for (uint32_t i = 0; i < BLOCKS; i++) {
        struct block *block = &counting->seen[i];
        if (block->address <= last && first < block->address + block->bytes) {
            block->bytes = 0;
        }
    }
}

/* Mark what stands in IT blocks that begin in this block, where that is not done. Returns how many IT blocks; ranges
 * becomes address of first and of last halfword of each, and has room for one in two halfwords. */
uint32_t tp_mark(struct counting *counting, uint32_t address, uint32_t bytes, uint32_t *ranges)
{
    const struct extent *extent = extent_of(counting, address, bytes);
    uint32_t count = 0;

    if (!extent) {
        return 0U;
    }
    const uint32_t base = extent->first, end = (address - base + bytes) / 2U, all = (extent->end - base) / 2U;
    for (uint32_t at = (address - base) / 2U; at < end; at += halfwords(extent->code[at])) {
        if (!is_it(extent->code[at]) || at + 1U >= all || extent->singly[at + 1U]) {
            continue;
        }
        const uint32_t last = last_of_it(extent, at) < all ? last_of_it(extent, at) : all - 1U;
        for (uint32_t i = at + 1U; i <= last; i++) {
            extent->singly[i] = 1U;
        }
        ranges[2U * count] = base + 2U * (at + 1U);
        ranges[2U * count + 1U] = base + 2U * last;
        forget(counting, ranges[2U * count], ranges[2U * count + 1U]);
        count++;
    }
    return count;
}
