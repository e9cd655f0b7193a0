/* The network: each layer by the kernel, then the best label and whether it is one at all. */
#include "digitrec.h"

#include "digitrec/tables.h"

#include "digitrec/internal.h"

#ifdef __AVR__
#error "AVR keeps constants in RAM, and no AVR has enough of it: see README.md for boards that fit"
#endif

/* Rounds the sums of up to four outputs; the last four of a layer may be fewer. What a ReLU cuts off is told by its sign:
 * that is half of all, and on a core without an FPU a product costs a hundred instructions. */
static inline void put(const struct digitrec_layer *layer, int first, const int32_t sums[4], uint8_t *out)
{
    const int32_t zero = layer->zero, low = layer->low;
    const int32_t *bias = layer->bias + first;
    const digitrec_factor *factors = layer->factors + first;
    int count = layer->outputs - first < 4 ? layer->outputs - first : 4;
    for (int k = 0; k < count; k++) {
        int32_t sum = bias[k] + sums[k];
        if (sum <= 0 && low == zero)
            out[first + k] = (uint8_t)low;
        else
#if DIGITREC_ROUNDING == DIGITREC_LITERT
            out[first + k] = digitrec_round_float(sum, factors[k], zero, low);
#else
            out[first + k] =
                digitrec_round_fixed(DIGITREC_ROUNDING, sum, factors[k], layer->shifts[first + k], zero, low);
#endif
    }
}

#include "digitrec/kernel.h" /* static void dense(const struct digitrec_layer *layer, const uint8_t *in, uint8_t *out) */

/* The numbers of the last layer; they stay until the next call. */
static const uint8_t *run(const uint8_t *image)
{
    static uint8_t numbers[2][DIGITREC_WIDEST];
    const uint8_t *in = image;
    for (int k = 0; k < DIGITREC_LAYERS; k++) {
        dense(&digitrec_layers[k], in, numbers[k % 2]);
        in = numbers[k % 2];
    }
    return in;
}

int digitrec_classify(const uint8_t image[DIGITREC_PIXELS])
{
    const uint8_t *scores = run(image);
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
    const uint8_t *scores = run(image);
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
        for (int o = 0; o < layer->outputs; o++) {
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
