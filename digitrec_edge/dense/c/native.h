/* A network in one block of memory, as digitrec_edge/dense/block.py lays it out, and what can be done with it.
 *
 * All places in the block are offsets from its start, so it holds no pointer and is the same wherever it lies. It is checked
 * once, by digitrec_native_check, and only read from then on: any number of threads may share it. */
#ifndef DIGITREC_NATIVE_H
#define DIGITREC_NATIVE_H

#include <stdint.h>

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "inputs are read four at a time as numbers: a little-endian CPU is needed"
#endif

#define NATIVE_VERSION 1     /* of the block and of these functions; the twin of VERSION in digitrec_edge/dense/library.py */
#define NATIVE_MOST_LAYERS 8 /* the twins of these two are in digitrec_edge/dense/tflite.py */
#define NATIVE_MOST_NUMBERS 1024
#define NATIVE_LANES 16 /* outputs are filled up to a multiple of it, and inputs are looked at so many at a time */
#define NATIVE_ALIGNED 64

/* Arrays of `padded` numbers: outputs filled up to whole lanes. Weights lie in groups of inputs: [group][padded][group size],
 * the size and the sign of a weight as the kernel wants them. */
struct native_layer {
    int32_t inputs, outputs, zero, low;
    uint32_t weights, bias, factors, multipliers, shifts; /* offsets of uint8, int32, float32, int32 and int32 */
};

struct native_network {
    uint32_t size; /* of the block, in bytes */
    int32_t kernel, rounding, count;
    struct native_layer layers[NATIVE_MOST_LAYERS];
};

#define NATIVE_EXPORTED __attribute__((visibility("default")))

/* Which kernels there are, the fastest first: the name of number k, "" where this CPU does not run it, 0 behind the last.
 * `capabilities` are the system's AT_HWCAP on ARM, and nothing elsewhere. */
NATIVE_EXPORTED const char *digitrec_native_kernel(int32_t number, uint64_t capabilities);
/* How many inputs are a group (1, 2 or 4), plus 256 where weights are stored as w + 128. */
NATIVE_EXPORTED int32_t digitrec_native_layout(int32_t number);
NATIVE_EXPORTED int32_t digitrec_native_version(void);

/* 0 if a block of so many bytes is whole, and never reads or writes outside of itself; else what is wrong with it. */
NATIVE_EXPORTED int32_t digitrec_native_check(const void *block, uint64_t size);
/* The place of the largest of the outputs, the first of equal ones. */
NATIVE_EXPORTED int32_t digitrec_native_classify(const void *block, const uint8_t *inputs);
/* `count` times: inputs to outputs. */
NATIVE_EXPORTED void digitrec_native_run(const void *block, const uint8_t *inputs, int64_t count, uint8_t *outputs);

#endif
