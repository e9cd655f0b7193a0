/* What tables.h is made of, and what digitrec.c and digitrec_self_test.c share. */
#ifndef DIGITREC_LAYER_H
#define DIGITREC_LAYER_H

#include <stdint.h>

#include "requantize.h"

#if DIGITREC_BITS == 4
typedef uint16_t digitrec_word; /* four weights, the first in the lowest bits */
#else
typedef uint32_t digitrec_word;
#endif

#if DIGITREC_ROUNDING == DIGITREC_LITERT
typedef float digitrec_factor;
#else
typedef int32_t digitrec_factor;
#endif

struct digitrec_layer {
    uint16_t inputs, outputs;
    uint8_t zero, low; /* what stands for 0.0, and the least number that may come out */
    const digitrec_word *weights;
    const int32_t *bias;
    const digitrec_factor *factors;
    const uint8_t *shifts; /* with whole-number factors only */
};

#endif
