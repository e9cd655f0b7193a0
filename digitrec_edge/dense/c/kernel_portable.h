/* For every processor: four outputs at a time, over the inputs that are not 0. Paper and what a ReLU cut off are 0, four
 * fifths of a picture and half of what follows. A word holds the weights from one input to the four. */
#if DIGITREC_KERNEL != 0
#error "tables.h was written for another kernel"
#endif

#if DIGITREC_MOST_INPUTS <= 256
typedef uint8_t digitrec_place;
#else
typedef uint16_t digitrec_place;
#endif

/* How what one input gives is added. */
#if DIGITREC_BITS == 8 && defined(__ARM_FEATURE_SIMD32) && defined(__GNUC__)
/* Cortex-M4, M7, M33: two weights are widened at a time, and either half of a register is multiplied. In assembler: gcc has
 * intrinsics for it since version 10, and Arduino's is older. Volatile: in this order the sums stay in registers. */
#define WIDEN(pair, word, turned) __asm__("sxtb16 %0, %1" turned : "=r"(pair) : "r"(word))
#define MULTIPLY_ADD(half, sum, pair, x) __asm__ volatile("smla" half "b %0, %1, %2, %0" : "+r"(sum) : "r"(pair), "r"(x))
#define ADD(x, word)                    \
    do {                                \
        uint32_t even, odd;             \
        WIDEN(even, word, "");          \
        WIDEN(odd, word, ", ror #8");   \
        MULTIPLY_ADD("b", s0, even, x); \
        MULTIPLY_ADD("b", s1, odd, x);  \
        MULTIPLY_ADD("t", s2, even, x); \
        MULTIPLY_ADD("t", s3, odd, x);  \
    } while (0)
#else
#if DIGITREC_BITS == 8
#define WEIGHT(word, k) ((int8_t)((word) >> (8 * (k))))
#elif defined(__AVR__)
/* Bytes for 8-bit registers. A product has 14 bits with its sign; no layer has so many that their sum needs more than 24. */
#define WEIGHT(word, k) ((int8_t)((((uint8_t)((word) >> 8 * ((k) / 2)) >> 4 * ((k) % 2) & 15) ^ 8) - 8))
#define FACTOR int16_t
#define SUM __int24
#else
#define WEIGHT(word, k) ((int32_t)((uint32_t)(word) << (28 - 4 * (k))) >> 28)
#endif

#define ADD(x, word)                 \
    do {                             \
        s0 += (x) * WEIGHT(word, 0); \
        s1 += (x) * WEIGHT(word, 1); \
        s2 += (x) * WEIGHT(word, 2); \
        s3 += (x) * WEIGHT(word, 3); \
    } while (0)
#endif

#ifndef SUM
#define FACTOR int32_t
#define SUM int32_t
#endif

#define TAKE(input)                    \
    do {                               \
        uint16_t at = (input);         \
        FACTOR x = (FACTOR)in[at];     \
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
static ALONE void add_up(const digitrec_number *in, DIGITREC_FLASH digitrec_word *weights, const digitrec_place *inked,
                         int count, int32_t sums[4])
{
    SUM s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    const digitrec_place *end = inked + count;
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

static void dense(const struct digitrec_layer *layer, const digitrec_number *in, digitrec_number *out)
{
    static digitrec_place inked[DIGITREC_MOST_INPUTS];
    int count = 0, inputs = (int)layer->inputs, outputs = (int)layer->outputs;
    for (int i = 0; i < inputs; i++)
        if (in[i])
            inked[count++] = (digitrec_place)i;
    DIGITREC_FLASH digitrec_word *weights = layer->weights;
    for (int o = 0; o < outputs; o += 4, weights += inputs) {
        int32_t sums[4];
        add_up(in, weights, inked, count, sums);
        put(layer, o, sums, out);
    }
}
