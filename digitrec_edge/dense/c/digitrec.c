/* The network: each layer by the kernel, then the best label and whether it is one at all. */
#include "digitrec.h"

#include "digitrec/tables.h"

#include "digitrec/internal.h"

#if defined(__AVR__) && !defined(DIGITREC_POOLED)
#error "AVR has too little RAM for this network; one of the recipe tiny fits: see README.md"
#endif

#if defined(__SOFTFP__) || defined(__AVR__) || (defined(__riscv) && !defined(__riscv_flen))
/* digitrec_round_float without an FPU, where to compare two floats is a call: what is not below 2**22 is told by its bits. */
static inline uint8_t round_float(int32_t sum, float factor, int32_t zero, int32_t low)
{
    union { float real; int32_t bits; } steps;
    int32_t whole;
    steps.real = digitrec_times(sum, factor);
    if ((steps.bits & INT32_C(0x7FFFFFFF)) >= INT32_C(0x4A800000))
        return (uint8_t)(steps.bits < 0 ? low : 255);
    steps.real += 12582912.0f;
    whole = steps.bits - INT32_C(0x4B400000) + zero;
    return (uint8_t)(whole < low ? low : whole > 255 ? 255 : whole);
}
#else
#define round_float digitrec_round_float
#endif

/* Rounds the sums of up to four outputs; the last four of a layer may be fewer. What a ReLU cuts off is told by its sign:
 * that is half of all, and on a core without an FPU a product costs a hundred instructions. */
static inline void put(const struct digitrec_layer *layer, int first, const int32_t sums[4], digitrec_number *out)
{
    const int32_t zero = layer->zero, low = layer->low;
    DIGITREC_FLASH int32_t *bias = layer->bias + first;
    DIGITREC_FLASH digitrec_factor *factors = layer->factors + first;
    int left = (int)layer->outputs - first, count = left < 4 ? left : 4;
    for (int k = 0; k < count; k++) {
        int32_t sum = bias[k] + sums[k];
        if (sum <= 0 && low == zero)
            out[first + k] = (digitrec_number)low;
        else
#if DIGITREC_ROUNDING == DIGITREC_LITERT
            out[first + k] = round_float(sum, factors[k], zero, low);
#else
            out[first + k] =
                digitrec_round_fixed(DIGITREC_ROUNDING, sum, factors[k], layer->shifts[first + k], zero, low);
#endif
    }
}

#include "digitrec/kernel.h" /* static void dense(const struct digitrec_layer *, const digitrec_number *in, digitrec_number *out) */

/* What the first layer takes and what every second one gives lie in the same place: they are not needed at one time. */
static digitrec_number odd[DIGITREC_WIDEST];
#ifdef DIGITREC_POOLED
static digitrec_number even[DIGITREC_MOST_INPUTS > DIGITREC_WIDEST ? DIGITREC_MOST_INPUTS : DIGITREC_WIDEST];

static const digitrec_number *enter(const uint8_t *image)
{
    digitrec_number *sum = even;
    for (int y = 0; y < DIGITREC_SIDE; y += 2, image += DIGITREC_SIDE)
        for (int x = 0; x < DIGITREC_SIDE; x += 2, image += 2)
            *sum++ = (digitrec_number)(image[0] + image[1] + image[DIGITREC_SIDE] + image[DIGITREC_SIDE + 1]);
    return even;
}
#else
static digitrec_number even[DIGITREC_WIDEST];

static inline const digitrec_number *enter(const uint8_t *image) { return image; }
#endif

/* The numbers of the last layer; they stay until the next call. */
static const digitrec_number *run(const uint8_t *image)
{
    const digitrec_number *in = enter(image);
    for (int k = 0; k < DIGITREC_LAYERS; k++) {
        digitrec_number *out = k % 2 ? even : odd;
        dense(&digitrec_layers[k], in, out);
        in = out;
    }
    return in;
}

int digitrec_classify(const uint8_t image[DIGITREC_PIXELS])
{
    const digitrec_number *scores = run(image);
    int best = 0;
    int32_t sum = 0;
    for (int k = 0; k < DIGITREC_LABELS; k++) {
        sum += scores[k];
        if (scores[k] > scores[best])
            best = k;
    }
    /* The largest less the mean of all, times how many there are: a whole number, and no division. */
    return (int32_t)scores[best] * DIGITREC_LABELS - sum < DIGITREC_THRESHOLD ? -1 : best;
}

void digitrec_logits(const uint8_t image[DIGITREC_PIXELS], int8_t logits[DIGITREC_LABELS])
{
    const digitrec_number *scores = run(image);
    for (int k = 0; k < DIGITREC_LABELS; k++)
        logits[k] = (int8_t)(scores[k] - 128);
}

uint32_t digitrec_tables_crc(void)
{
    uint32_t crc = UINT32_C(0xFFFFFFFF);
    for (int k = 0; k < DIGITREC_LAYERS; k++) {
        const struct digitrec_layer *layer = &digitrec_layers[k];
        int32_t words = (layer->outputs + INT32_C(3)) / 4 * layer->inputs;
        crc = digitrec_crc(crc, layer->inputs | (uint32_t)layer->outputs << 16, 32);
        crc = digitrec_crc(crc, layer->zero | (uint32_t)layer->low << 8, 16);
        for (int32_t w = 0; w < words; w++)
            crc = digitrec_crc(crc, layer->weights[w], 4 * DIGITREC_BITS);
        for (int o = 0; o < (int)layer->outputs; o++) {
            crc = digitrec_crc(crc, (uint32_t)layer->bias[o], 32);
#if DIGITREC_ROUNDING == DIGITREC_LITERT
            union { float real; uint32_t bits; } factor;
            factor.real = layer->factors[o];
            crc = digitrec_crc(crc, factor.bits, 32);
#else
            crc = digitrec_crc(crc, (uint32_t)layer->factors[o], 32);
            crc = digitrec_crc(crc, layer->shifts[o], 8);
#endif
        }
    }
    return ~digitrec_crc(crc, DIGITREC_THRESHOLD, 32);
}
