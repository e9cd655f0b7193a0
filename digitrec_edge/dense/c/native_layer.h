/* A Dense layer, apart from the loops over weights, which are each kernel's own: what is zero is left out, the rest is
 * summed, and the sums are rounded. All of it is inlined into each kernel, so that it is compiled for the kernel's CPU. */
#ifndef DIGITREC_NATIVE_LAYER_H
#define DIGITREC_NATIVE_LAYER_H

#include "native.h"
#include "requantize.h"

#define INLINE static inline __attribute__((always_inline))
#if defined(__OPTIMIZE__)
#define UNROLLED _Pragma("GCC unroll 16") for /* sums stay in registers only where the loop over them is gone */
#else
#define UNROLLED for
#endif

/* Inputs that are not all zero, a byte each, and where their weights are. */
struct term {
    uint32_t x, offset;
};

struct scratch {
    struct term terms[NATIVE_MOST_NUMBERS + NATIVE_LANES];
    uint32_t sums[NATIVE_MOST_NUMBERS];
    uint8_t numbers[2][NATIVE_MOST_NUMBERS];
};

/* Where sums begin: at the bias, less what (w + 128) * x is more than w * x over all inputs. */
struct start {
    const uint32_t *bias;
    uint32_t excess;
};

typedef void accumulate_fn(const uint8_t *weights, uint32_t padded, const struct term *terms, int32_t count,
                           struct start start, uint32_t *sums);
typedef void round_fn(const uint32_t *sums, const float *factors, int32_t zero, int32_t low, uint32_t padded, uint8_t *out);
typedef uint32_t total_fn(const uint8_t *in, int32_t inputs);

INLINE uint32_t padded_to_lanes(int32_t outputs)
{
    return ((uint32_t)outputs + NATIVE_LANES - 1) / NATIVE_LANES * NATIVE_LANES;
}

/* Appends the groups among 16 inputs that are not zero; most of a picture is. */
INLINE int32_t gather_lanes(const uint8_t *in, int32_t group, uint32_t offset, uint32_t step, struct term *terms, int32_t count)
{
    uint64_t halves[2];
    __builtin_memcpy(halves, in, sizeof halves);
    if ((halves[0] | halves[1]) == 0)
        return count;
    UNROLLED (int32_t k = 0; k < NATIVE_LANES / group; k++) {
        uint32_t x = 0;
        __builtin_memcpy(&x, in + k * group, (uint32_t)group);
        terms[count].x = x;
        terms[count].offset = offset + (uint32_t)k * step;
        count += x != 0;
    }
    return count;
}

INLINE int32_t gather(const uint8_t *in, int32_t inputs, int32_t group, uint32_t padded, struct term *terms)
{
    uint32_t step = (uint32_t)group * padded, offset = 0;
    int32_t count = 0, i = 0;
    for (; i + NATIVE_LANES <= inputs; i += NATIVE_LANES, offset += NATIVE_LANES * padded)
        count = gather_lanes(in + i, group, offset, step, terms, count);
    if (i < inputs) {
        uint8_t rest[NATIVE_LANES];
        for (int32_t k = 0; k < NATIVE_LANES; k++)
            rest[k] = i + k < inputs ? in[i + k] : 0;
        count = gather_lanes(rest, group, offset, step, terms, count);
    }
    return count;
}

INLINE void round_fixed(const struct native_layer *layer, const uint8_t *block, int32_t rounding, uint32_t padded,
                        const uint32_t *sums, uint8_t *out)
{
    const int32_t *multipliers = (const int32_t *)(const void *)(block + layer->multipliers);
    const int32_t *shifts = (const int32_t *)(const void *)(block + layer->shifts);
    for (uint32_t o = 0; o < padded; o++)
        out[o] = digitrec_round_fixed(rounding, (int32_t)sums[o], multipliers[o], shifts[o], layer->zero, layer->low);
}

/* All layers; `total` is 0 where weights are stored as they are. Returns where the outputs are. */
INLINE const uint8_t *run_layers(const struct native_network *network, const uint8_t *in, struct scratch *scratch,
                                 int32_t group, total_fn *total, accumulate_fn *accumulate, round_fn *round)
{
    const uint8_t *block = (const uint8_t *)network;
    for (int32_t k = 0; k < network->count; k++) {
        const struct native_layer *layer = &network->layers[k];
        struct start start = {(const uint32_t *)(const void *)(block + layer->bias), 0};
        const float *factors = (const float *)(const void *)(block + layer->factors);
        uint32_t padded = padded_to_lanes(layer->outputs), *sums = scratch->sums;
        int32_t count = gather(in, layer->inputs, group, padded, scratch->terms);
        uint8_t *out = scratch->numbers[k % 2];
        if (total)
            start.excess = 128 * total(in, layer->inputs);
        accumulate(block + layer->weights, padded, scratch->terms, count, start, sums);
        if (network->rounding == DIGITREC_LITERT)
            round(sums, factors, layer->zero, layer->low, padded, out);
        else
            round_fixed(layer, block, network->rounding, padded, sums, out);
        in = out;
    }
    return in;
}

/* ---- plain C: one input at a time, so that every zero is left out ---- */
INLINE void accumulate_plain(const uint8_t *weights, uint32_t padded, const struct term *terms, int32_t count,
                             struct start start, uint32_t *sums)
{
    for (uint32_t o = 0; o < padded; o++)
        sums[o] = start.bias[o];
    for (int32_t k = 0; k < count; k++) {
        const int8_t *w = (const int8_t *)weights + terms[k].offset;
        int32_t x = (int32_t)terms[k].x;
        for (uint32_t o = 0; o < padded; o++)
            sums[o] += (uint32_t)(w[o] * x);
    }
}

INLINE void round_plain(const uint32_t *sums, const float *factors, int32_t zero, int32_t low, uint32_t padded, uint8_t *out)
{
    for (uint32_t o = 0; o < padded; o++)
        out[o] = digitrec_round_float((int32_t)sums[o], factors[o], zero, low);
}

static const uint8_t *run_plain(const struct native_network *network, const uint8_t *in, struct scratch *scratch)
{
    return run_layers(network, in, scratch, 1, 0, accumulate_plain, round_plain);
}

#endif
