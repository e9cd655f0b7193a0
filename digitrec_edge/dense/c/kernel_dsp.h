/* For ARM's DSP extension (Cortex-M4, M7, M33): pairs of neighbouring inputs that are not both 0, four outputs at a time.
 * SXTB16 makes two 16-bit numbers of two of a word's bytes, SMLAD multiplies and adds both. Of inputs p and q and outputs
 * a to d two words are ap bp aq bq and cp dp cq dq. */
#if DIGITREC_KERNEL != 1 || DIGITREC_BITS != 8
#error "tables.h was written for another kernel"
#endif
#ifndef __ARM_FEATURE_SIMD32
#error "this core has no DSP extension: digitrec-edge export --kernel portable"
#endif

/* In assembler: gcc has intrinsics for it since version 10, and Arduino's is older. */
#define WIDEN(pair, word, turned) __asm__("sxtb16 %0, %1" turned : "=r"(pair) : "r"(word))
#define ADD(sum, word, turned, x)                                        \
    do {                                                                 \
        uint32_t pair;                                                   \
        WIDEN(pair, word, turned);                                       \
        __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(pair), "r"(x)); \
    } while (0)

static void dense(const struct digitrec_layer *layer, const uint8_t *in, uint8_t *out)
{
    static struct { uint32_t x, index; } inked[DIGITREC_MOST_INPUTS / 2];
    int count = 0, pairs = layer->inputs / 2;
    for (int i = 0; i < pairs; i++)
        if (in[2 * i] | in[2 * i + 1]) {
            inked[count].x = in[2 * i] | (uint32_t)in[2 * i + 1] << 16;
            inked[count++].index = 2 * (uint32_t)i;
        }
    const uint32_t *weights = layer->weights;
    for (int o = 0; o < layer->outputs; o += 4, weights += 2 * pairs) {
        int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        for (int k = 0; k < count; k++) {
            uint32_t x = inked[k].x;
            const uint32_t *w = weights + inked[k].index;
            uint32_t ab = w[0], cd = w[1];
            ADD(s0, ab, "", x);
            ADD(s1, ab, ", ror #8", x);
            ADD(s2, cd, "", x);
            ADD(s3, cd, ", ror #8", x);
        }
        const int32_t sums[4] = {s0, s1, s2, s3};
        put(layer, o, sums, out);
    }
}
