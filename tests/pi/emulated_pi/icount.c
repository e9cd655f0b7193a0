/* QEMU TCG plugin: counts the instructions that a program executes, per thread, and lets the program mark points.
 *
 * syscall(0x4242, k) is unknown to the kernel, so it does nothing but fail; here it writes a line
 * "k instructions" to out=FILE, with what the calling thread has executed so far. Which instruction it is
 * does not matter, so every architecture will do.
 *
 * The declarations are those of qemu-plugin.h, which Debian does not package; they are the same from
 * QEMU 7.2 to 10. Build with -DAPI_VERSION=1 for QEMU 7 and 8, =2 for later ones.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))
#define MARK 0x4242
#define MOST_THREADS 1024

typedef uint64_t plugin_id;
struct block;

extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct block *));
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct block *, void (*)(unsigned, void *), int flags, void *);
extern size_t qemu_plugin_tb_n_insns(const struct block *);
extern void qemu_plugin_register_vcpu_syscall_cb(
    plugin_id, void (*)(plugin_id, unsigned, int64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                        uint64_t, uint64_t));

EXPORTED int qemu_plugin_version = API_VERSION;

static uint64_t executed[MOST_THREADS];
static FILE *out;

static void on_execution(unsigned thread, void *instructions)
{
    executed[thread % MOST_THREADS] += (uintptr_t)instructions;
}

static void on_translation(plugin_id id, struct block *block)
{
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_cb(block, on_execution, 0, (void *)qemu_plugin_tb_n_insns(block));
}

static void on_syscall(plugin_id id, unsigned thread, int64_t number, uint64_t mark, uint64_t a2, uint64_t a3,
                       uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8)
{
    (void)id, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
    if (number == MARK) {
        fprintf(out, "%" PRIu64 " %" PRIu64 "\n", mark, executed[thread % MOST_THREADS]);
        fflush(out);
    }
}

EXPORTED int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "out=", 4) == 0) {
            out = fopen(argv[i] + 4, "w");
        }
    }
    if (out == NULL) {
        fprintf(stderr, "icount: out=FILE is missing or cannot be written\n");
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_vcpu_syscall_cb(id, on_syscall);
    return 0;
}
