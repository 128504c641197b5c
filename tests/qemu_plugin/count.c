/* SPDX-License-Identifier: 0BSD */
/* TCG plugin for QEMU 7 and 8: how often each translation block ran, written to a file when QEMU ends.
 *
 * The prototypes are those of qemu-plugin.h, API version 1, restated: Debian ships the header with no package. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
enum { QEMU_PLUGIN_INLINE_ADD_U64 };
typedef void (*on_translation)(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void (*on_end)(qemu_plugin_id_t, void *);
extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, on_translation);
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int, void *, uint64_t);
extern void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, on_end, void *);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);

#define BLOCKS 65536U

static struct block {
    uint64_t address;
    uint64_t instructions;
    uint64_t runs;
} blocks[BLOCKS];
static size_t count;
static char path[4096];

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    struct block *const block = &blocks[count];

    (void)id;
    if (count == BLOCKS) {
        abort(); /* a count that leaves something out would be worse */
    }
    count++;
    block->address = qemu_plugin_tb_vaddr(tb);
    block->instructions = qemu_plugin_tb_n_insns(tb);
    qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &block->runs, 1U);
}

static void ended(qemu_plugin_id_t id, void *unused)
{
    FILE *const file = fopen(path, "w");

    (void)id;
    (void)unused;
    if (file == NULL) {
        abort();
    }
    for (size_t i = 0U; i < count; i++) {
        fprintf(file, "%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", blocks[i].address, blocks[i].instructions,
                blocks[i].runs);
    }
    fclose(file);
}

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
    (void)info;
    if (argc != 1 || strncmp(argv[0], "out=", 4U) != 0 || strlen(argv[0]) >= sizeof path) {
        return -1;
    }
    strcpy(path, argv[0] + 4U);
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
