/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin for user-mode QEMU (7.0 to 8.2) that counts executed guest instructions exactly. The emulator adds 1 to a
 * counter in front of every instruction; the counter lies in a file that the guest maps too, so that the guest
 * reads its own count with a plain load: no stopping, no log, nothing to subtract but the load itself.
 *
 *   cc -O2 -shared -fPIC count_plugin.c -o count_plugin.so
 *   qemu-aarch64 -plugin file=count_plugin.so,counter=FILE[,places=FILE] PROGRAM
 *
 * counter=FILE  at least 8 bytes long; the count is its first 64-bit word.
 * places=FILE   also counts each address by itself. The guest's system call 0x464F56 (which does not exist) with
 *               argument 1 sets these counts to 0, with argument 2 writes them out: a line for each address with its
 *               count, its symbol and its disassembly, separated by tabs.
 *
 * Meant for one thread: the counts are not atomic.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The part of QEMU's plugin interface that is used here, version 1. Debian ships no header for it. */
typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_info_t qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
typedef void (*translate_callback)(qemu_plugin_id_t id, struct qemu_plugin_tb* block);
typedef void (*syscall_callback)(qemu_plugin_id_t id, unsigned vcpu, int64_t number, uint64_t a1, uint64_t a2, uint64_t a3,
                                 uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb* block);
struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb* block, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn* instruction);
char* qemu_plugin_insn_disas(const struct qemu_plugin_insn* instruction);
const char* qemu_plugin_insn_symbol(const struct qemu_plugin_insn* instruction);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn* instruction, enum qemu_plugin_op operation,
                                                void* pointer, uint64_t value);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translate_callback callback);
void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t id, syscall_callback callback);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t* info, int argc, char** argv);

enum { kMarkSyscall = 0x464F56, kMarkReset = 1, kMarkWrite = 2, kBuckets = 1 << 16 };

/* A guest address. Its counter must stay where it is: the translated code holds its address. */
struct Place {
    uint64_t address;
    uint64_t count;
    char* symbol;
    char* text;
    struct Place* next;
};

static uint64_t* counter;
static const char* places_path;
static struct Place* buckets[kBuckets];

static struct Place* find_place(const struct qemu_plugin_insn* instruction) {
    const uint64_t address = qemu_plugin_insn_vaddr(instruction);
    struct Place** bucket = &buckets[address / 4 % kBuckets];
    for (struct Place* place = *bucket; place != NULL; place = place->next) {
        if (place->address == address) return place;
    }
    struct Place* place = calloc(1, sizeof(*place));
    if (place == NULL) abort();
    const char* symbol = qemu_plugin_insn_symbol(instruction);
    place->address = address;
    place->symbol = strdup(symbol != NULL ? symbol : "");
    place->text = qemu_plugin_insn_disas(instruction);
    place->next = *bucket;
    *bucket = place;
    return place;
}

static void count_block(qemu_plugin_id_t id, struct qemu_plugin_tb* block) {
    (void)id;
    const size_t instructions = qemu_plugin_tb_n_insns(block);
    /* One by one: a block can be left in its middle by a fault. */
    for (size_t i = 0; i < instructions; ++i) {
        struct qemu_plugin_insn* instruction = qemu_plugin_tb_get_insn(block, i);
        qemu_plugin_register_vcpu_insn_exec_inline(instruction, QEMU_PLUGIN_INLINE_ADD_U64, counter, 1);
        if (places_path != NULL) {
            qemu_plugin_register_vcpu_insn_exec_inline(instruction, QEMU_PLUGIN_INLINE_ADD_U64,
                                                       &find_place(instruction)->count, 1);
        }
    }
}

static void write_places(void) {
    FILE* file = fopen(places_path, "w");
    if (file == NULL) {
        perror(places_path);
        exit(1);
    }
    for (size_t i = 0; i < kBuckets; ++i) {
        for (const struct Place* place = buckets[i]; place != NULL; place = place->next) {
            if (place->count == 0) continue;
            fprintf(file, "%" PRIx64 "\t%" PRIu64 "\t%s\t%s\n", place->address, place->count, place->symbol,
                    place->text != NULL ? place->text : "");
        }
    }
    if (fclose(file) != 0) {
        perror(places_path);
        exit(1);
    }
}

static void on_syscall(qemu_plugin_id_t id, unsigned vcpu, int64_t number, uint64_t a1, uint64_t a2, uint64_t a3,
                       uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8) {
    (void)id, (void)vcpu, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
    if (number != kMarkSyscall) return;
    if (a1 == kMarkReset) {
        for (size_t i = 0; i < kBuckets; ++i) {
            for (struct Place* place = buckets[i]; place != NULL; place = place->next) place->count = 0;
        }
    } else if (a1 == kMarkWrite) {
        write_places();
    }
}

static const char* value_of(const char* argument, const char* name) {
    const size_t length = strlen(name);
    return strncmp(argument, name, length) == 0 && argument[length] == '=' ? argument + length + 1 : NULL;
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t* info, int argc, char** argv) {
    (void)info;
    const char* counter_path = NULL;
    for (int i = 0; i < argc; ++i) {
        const char* value = NULL;
        if ((value = value_of(argv[i], "counter")) != NULL) {
            counter_path = strdup(value);
        } else if ((value = value_of(argv[i], "places")) != NULL) {
            places_path = strdup(value);
        } else {
            fprintf(stderr, "count_plugin: unknown argument %s\n", argv[i]);
            return -1;
        }
    }
    const int file = counter_path != NULL ? open(counter_path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) {
        fprintf(stderr, "count_plugin: counter=FILE must name a file that can be written\n");
        return -1;
    }
    void* page = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (page == MAP_FAILED) {
        perror("count_plugin: mmap");
        return -1;
    }
    counter = page;
    qemu_plugin_register_vcpu_tb_trans_cb(id, count_block);
    if (places_path != NULL) qemu_plugin_register_vcpu_syscall_cb(id, on_syscall);
    return 0;
}
