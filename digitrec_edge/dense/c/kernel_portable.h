/* For every processor: four outputs at a time, over the inputs that are not 0. Paper and what a ReLU cut off are 0, four
 * fifths of a picture and half of what follows. A word holds the weights from one input to the four. */
#if DIGITREC_KERNEL != 0
#error "tables.h was written for another kernel"
#endif

/* How what one input gives is added. */
#if DIGITREC_BITS == 8 && defined(__ARM_FEATURE_DSP)
#include <arm_acle.h>

/* Cortex-M4, M7, M33: two weights are widened at a time, and either half of a register is multiplied. */
static inline int32_t odd_bytes(uint32_t word)
{
    int32_t pair;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(word));
    return pair;
}

#define ADD(x, word)                                                      \
    do {                                                                  \
        int32_t even = __sxtb16((int32_t)(word)), odd = odd_bytes(word);  \
        s0 = __smlabb(even, x, s0);                                       \
        s1 = __smlabb(odd, x, s1);                                        \
        s2 = __smlatb(even, x, s2);                                       \
        s3 = __smlatb(odd, x, s3);                                        \
    } while (0)
#else
#if DIGITREC_BITS == 8
#define WEIGHT(word, k) ((int8_t)((word) >> (8 * (k))))
#else
#define WEIGHT(word, k) ((int32_t)((uint32_t)(word) << (28 - 4 * (k))) >> 28)
#endif

#define ADD(x, word)                \
    do {                            \
        s0 += (x) * WEIGHT(word, 0); \
        s1 += (x) * WEIGHT(word, 1); \
        s2 += (x) * WEIGHT(word, 2); \
        s3 += (x) * WEIGHT(word, 3); \
    } while (0)
#endif

#define TAKE(input)                    \
    do {                               \
        uint16_t at = (input);         \
        int32_t x = in[at];            \
        digitrec_word w = weights[at]; \
        ADD(x, w);                     \
    } while (0)

/* Cortex-M0 computes with eight registers: what it does all the time must not share them with what is around it. Others
 * have enough of them. */
#if defined(__GNUC__) && defined(__thumb__) && !defined(__thumb2__)
#define ALONE __attribute__((noinline))
#else
#define ALONE inline
#endif

/* Where nine tenths of the time go. */
static ALONE void add_up(const uint8_t *in, const digitrec_word *weights, const uint16_t *inked, int count, int32_t sums[4])
{
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    const uint16_t *end = inked + count;
    if (count % 2)
        TAKE(*inked++);
    for (; inked < end; inked += 2) { /* two in a row, for a branch costs a sixth of one */
        TAKE(inked[0]);
        TAKE(inked[1]);
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

static void dense(const struct digitrec_layer *layer, const uint8_t *in, uint8_t *out)
{
    static uint16_t inked[DIGITREC_MOST_INPUTS];
    int count = 0, inputs = layer->inputs;
    for (int i = 0; i < inputs; i++)
        if (in[i])
            inked[count++] = (uint16_t)i;
    const digitrec_word *weights = layer->weights;
    for (int o = 0; o < layer->outputs; o += 4, weights += inputs) {
        int32_t sums[4];
        add_up(in, weights, inked, count, sums);
        put(layer, o, sums, out);
    }
}
