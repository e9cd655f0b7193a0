/* The native runtime: a network of int8 Dense layers, answered with the bytes of the kernels that its rounding is named for.
 * One source for every CPU; no heap, no library; scratch memory is on the stack of the caller. */
#include "native.h"

#include "native_layer.h"

#if defined(__x86_64__)
#include "native_x86.h"
#elif defined(__aarch64__) || defined(__ARM_NEON)
#include "native_arm.h"
#else
#define CPU_KERNELS
#endif

struct kernel {
    const char *name;
    int32_t layout;
    const uint8_t *(*run)(const struct native_network *network, const uint8_t *in, struct scratch *scratch);
    int (*runs_here)(uint64_t capabilities);
};

static int runs_everywhere(uint64_t capabilities)
{
    (void)capabilities;
    return 1;
}

static const struct kernel kernels[] = {CPU_KERNELS{"plain", 1, run_plain, runs_everywhere}};
#define KERNELS ((int32_t)(sizeof kernels / sizeof kernels[0]))

NATIVE_EXPORTED int32_t digitrec_native_version(void)
{
    return NATIVE_VERSION;
}

NATIVE_EXPORTED const char *digitrec_native_kernel(int32_t number, uint64_t capabilities)
{
    if (number < 0 || number >= KERNELS)
        return 0;
    return kernels[number].runs_here(capabilities) ? kernels[number].name : "";
}

NATIVE_EXPORTED int32_t digitrec_native_layout(int32_t number)
{
    return number < 0 || number >= KERNELS ? 0 : kernels[number].layout;
}

/* Whether an array of the block lies inside it and is aligned. */
static int lies_inside(uint32_t size, uint32_t offset, uint32_t bytes)
{
    return offset % NATIVE_ALIGNED == 0 && offset >= sizeof(struct native_network) && offset <= size && bytes <= size - offset;
}

static int is_whole(const struct native_network *network, const struct native_layer *layer)
{
    if (layer->inputs < 1 || layer->inputs > NATIVE_MOST_NUMBERS || layer->outputs < 1 ||
        layer->outputs > NATIVE_MOST_NUMBERS || layer->zero < 0 || layer->zero > 255 || layer->low < 0 || layer->low > 255)
        return 0;
    uint32_t padded = padded_to_lanes(layer->outputs), inputs = ((uint32_t)layer->inputs + 3) & ~UINT32_C(3);
    if (!lies_inside(network->size, layer->weights, inputs * padded) || !lies_inside(network->size, layer->bias, 4 * padded) ||
        !lies_inside(network->size, layer->factors, 4 * padded) || !lies_inside(network->size, layer->multipliers, 4 * padded) ||
        !lies_inside(network->size, layer->shifts, 4 * padded))
        return 0;
    const int32_t *shifts = (const int32_t *)(const void *)((const uint8_t *)network + layer->shifts);
    for (uint32_t o = 0; o < padded; o++)
        if (shifts[o] < 0 || shifts[o] > 30)
            return 0;
    return 1;
}

NATIVE_EXPORTED int32_t digitrec_native_check(const void *block, uint64_t size)
{
    const struct native_network *network = block;
    if ((uintptr_t)block % NATIVE_ALIGNED || size < sizeof *network || size > INT32_MAX || size != network->size)
        return 1; /* not a block */
    if (network->kernel < 0 || network->kernel >= KERNELS || network->rounding < DIGITREC_LITERT ||
        network->rounding > DIGITREC_TFLITE_RUNTIME_X86 || network->count < 1 || network->count > NATIVE_MOST_LAYERS)
        return 2; /* no such kernel or rounding, or too many layers */
    for (int32_t k = 0; k < network->count; k++) {
        if (!is_whole(network, &network->layers[k]))
            return 3; /* a layer is too large, or lies outside */
        if (k && network->layers[k].inputs != network->layers[k - 1].outputs)
            return 4; /* layers do not fit one another */
    }
    return 0;
}

NATIVE_EXPORTED int32_t digitrec_native_classify(const void *block, const uint8_t *inputs)
{
    const struct native_network *network = block;
    struct scratch scratch;
    const uint8_t *outputs = kernels[network->kernel].run(network, inputs, &scratch);
    int32_t best = 0, count = network->layers[network->count - 1].outputs;
    for (int32_t k = 1; k < count; k++)
        if (outputs[k] > outputs[best])
            best = k;
    return best;
}

NATIVE_EXPORTED void digitrec_native_run(const void *block, const uint8_t *inputs, int64_t count, uint8_t *outputs)
{
    const struct native_network *network = block;
    int32_t width = network->layers[network->count - 1].outputs;
    struct scratch scratch;
    for (int64_t k = 0; k < count; k++, inputs += network->layers[0].inputs, outputs += width) {
        const uint8_t *numbers = kernels[network->kernel].run(network, inputs, &scratch);
        for (int32_t o = 0; o < width; o++)
            outputs[o] = numbers[o];
    }
}
