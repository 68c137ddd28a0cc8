/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin of QEMU that counts instructions exactly: those that run between two functions, `before` and `after`,
 * without those of the function that calls them, `low` to `high`. Each number goes to the file `to`, as uint64.
 *
 *   -plugin count.so,before=ADDRESS,after=ADDRESS,low=ADDRESS,high=ADDRESS,to=FILE     addresses in decimal
 *
 * QEMU runs code by blocks that are entered at their top only and, but for faults, left at their end only. The
 * declarations are those of QEMU's qemu-plugin.h, which distributions do not ship; QEMU takes a plugin whose
 * version of the interface, PLUGIN_VERSION, is one that it knows.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info_t;
typedef uint64_t plugin_id;
typedef void (*on_block)(plugin_id, struct qemu_plugin_tb *);
typedef void (*on_execution)(unsigned int, void *);
typedef void (*on_exit)(plugin_id, void *);
enum callback_flags { NO_REGISTERS };

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, on_block function);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block, on_execution function,
                                          enum callback_flags flags, void *data);
void qemu_plugin_register_atexit_cb(plugin_id id, on_exit function, void *data);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *block);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);

#define EXPORT __attribute__((visibility("default")))

EXPORT int qemu_plugin_version = PLUGIN_VERSION;
EXPORT int qemu_plugin_install(plugin_id id, const struct qemu_info_t *info, int count, char **arguments);

static uint64_t before, after, low, high, counted;
static FILE *to;

static void start(unsigned int cpu, void *data)
{
    (void)cpu, (void)data;
    counted = 0;
}

static void finish(unsigned int cpu, void *data)
{
    (void)cpu, (void)data;
    fwrite(&counted, sizeof counted, 1, to);
}

static void add(unsigned int cpu, void *instructions)
{
    (void)cpu;
    counted += (uintptr_t)instructions;
}

static void translated(plugin_id id, struct qemu_plugin_tb *block)
{
    (void)id;
    const uint64_t address = qemu_plugin_tb_vaddr(block);
    if (address == before) {
        qemu_plugin_register_vcpu_tb_exec_cb(block, start, NO_REGISTERS, NULL);
    } else if (address == after) {
        qemu_plugin_register_vcpu_tb_exec_cb(block, finish, NO_REGISTERS, NULL);
    } else if (address < low || address >= high) {
        const uintptr_t instructions = qemu_plugin_tb_n_insns(block);
        qemu_plugin_register_vcpu_tb_exec_cb(block, add, NO_REGISTERS, (void *)instructions);
    }
}

static void finished(plugin_id id, void *data)
{
    (void)id, (void)data;
    fclose(to);
}

int qemu_plugin_install(plugin_id id, const struct qemu_info_t *info, int count, char **arguments)
{
    const struct {
        const char *name;
        uint64_t *value;
    } addresses[] = {{"before=", &before}, {"after=", &after}, {"low=", &low}, {"high=", &high}};
    (void)info;
    for (int i = 0; i < count; i++) {
        for (size_t k = 0; k < sizeof addresses / sizeof addresses[0]; k++) {
            const size_t length = strlen(addresses[k].name);
            if (strncmp(arguments[i], addresses[k].name, length) == 0) {
                *addresses[k].value = strtoull(arguments[i] + length, NULL, 10);
            }
        }
        if (strncmp(arguments[i], "to=", 3) == 0) {
            to = fopen(arguments[i] + 3, "wb");
        }
    }
    if (to == NULL) {
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, finished, NULL);
    return 0;
}
