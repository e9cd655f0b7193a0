/* What tables.h is made of, and what digitrec.c and digitrec_self_test.c share. */
#ifndef DIGITREC_LAYER_H
#define DIGITREC_LAYER_H

#include <stdint.h>

#include "internal.h"
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

#if DIGITREC_TABLES == 2
#define DIGITREC_POOLED /* the first layer weighs the four pixels of each square of 2 x 2 alike: they are added up before it */
typedef uint16_t digitrec_number;
#else
typedef uint8_t digitrec_number;
#endif

struct digitrec_layer {
    uint16_t inputs, outputs;
    uint8_t zero, low; /* what stands for 0.0, and the least number that may come out */
    DIGITREC_FLASH digitrec_word *weights;
    DIGITREC_FLASH int32_t *bias;
    DIGITREC_FLASH digitrec_factor *factors;
    DIGITREC_FLASH uint8_t *shifts; /* with whole-number factors only */
};

#endif
