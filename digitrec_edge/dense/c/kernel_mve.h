/* For Helium (Cortex-M52, M55, M85): sixteen inputs at a time, left out where all are 0; four rows share them. The weights
 * are stored as w + 128, since there is no product of signed with unsigned bytes: 128 times the inputs is too much. */
#if DIGITREC_KERNEL != 2 || DIGITREC_BITS != 8
#error "tables.h was written for another kernel"
#endif
#if !defined(__ARM_FEATURE_MVE) || !(__ARM_FEATURE_MVE & 1)
#error "this core has no Helium (MVE): digitrec-edge export --kernel portable"
#endif

#include <arm_mve.h>

static void dense(const struct digitrec_layer *layer, const uint8_t *in, uint8_t *out)
{
    static uint16_t inked[DIGITREC_MOST_INPUTS / 16];
    int count = 0, inputs = layer->inputs;
    uint32_t all = 0;
    for (int i = 0; i < inputs; i += 16) {
        uint32_t sum = vaddvq_u8(vldrbq_u8(in + i));
        all += sum;
        if (sum)
            inked[count++] = (uint16_t)i;
    }
    const uint8_t *weights = (const uint8_t *)layer->weights;
    for (int o = 0; o < layer->outputs; o += 4, weights += 4 * inputs) {
        uint32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        for (int k = 0; k < count; k++) {
            const uint8_t *w = weights + inked[k];
            uint8x16_t x = vldrbq_u8(in + inked[k]);
            s0 = vmladavaq_u8(s0, x, vldrbq_u8(w));
            s1 = vmladavaq_u8(s1, x, vldrbq_u8(w + inputs));
            s2 = vmladavaq_u8(s2, x, vldrbq_u8(w + 2 * inputs));
            s3 = vmladavaq_u8(s3, x, vldrbq_u8(w + 3 * inputs));
        }
        const int32_t sums[4] = {(int32_t)(s0 - 128 * all), (int32_t)(s1 - 128 * all), (int32_t)(s2 - 128 * all),
                                 (int32_t)(s3 - 128 * all)};
        put(layer, o, sums, out);
    }
}
