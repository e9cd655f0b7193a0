/* A sum of products to the next layer's numbers, 0 to 255: four ways, each the same to the last bit as the kernels it is
 * named for. The twin of digitrec_edge/dense/rounding.py. No library; needs -ffp-contract=off, which no product here
 * depends on unless a compiler fuses the float32 multiplication with the addition behind it. */
#ifndef DIGITREC_REQUANTIZE_H
#define DIGITREC_REQUANTIZE_H

#include <float.h>
#include <stdint.h>

#define DIGITREC_LITERT 0             /* XNNPACK: times a float32, half to even */
#define DIGITREC_LITERT_REFERENCE 1   /* times a 31-bit number, one shift, halves up */
#define DIGITREC_TFLITE_MICRO 2       /* ... two shifts, the second time halves away from zero */
#define DIGITREC_TFLITE_RUNTIME_X86 3 /* ... two shifts, the second time halves up */

/* In float32: an x87 computes with more bits, until a number goes through memory. */
static inline float digitrec_times(int32_t sum, float factor)
{
#if FLT_EVAL_METHOD < 0 || FLT_EVAL_METHOD == 1 || FLT_EVAL_METHOD == 2
    volatile float real = (float)sum, product = real * factor;
    return product;
#else
    return (float)sum * factor;
#endif
}

/* Clamped first, so that 1.5 * 2**23 can be added: that leaves the nearest whole number, halves to even, in the lowest bits. */
static inline uint8_t digitrec_round_float(int32_t sum, float factor, int32_t zero, int32_t low)
{
    float steps = digitrec_times(sum, factor), least = (float)(low - zero), most = (float)(255 - zero);
    union { float real; int32_t bits; } rounded;
    steps = steps < least ? least : steps > most ? most : steps;
    rounded.real = steps + 12582912.0f;
    return (uint8_t)(rounded.bits - 0x4B400000 + zero);
}

static inline uint8_t digitrec_round_fixed(int way, int32_t sum, int32_t multiplier, int shift, int32_t zero, int32_t low)
{
    int64_t product = (int64_t)sum * multiplier;
    int32_t steps;
    if (way == DIGITREC_LITERT_REFERENCE) {
        steps = (int32_t)((product + ((int64_t)1 << (30 + shift))) >> (31 + shift));
    } else {
        int32_t high = (int32_t)((product + (INT32_C(1) << 30)) >> 31), half = (int32_t)((UINT32_C(1) << shift) >> 1);
        steps = (high + half - (way == DIGITREC_TFLITE_MICRO && high < 0 && half)) >> shift;
    }
    steps += zero;
    return (uint8_t)(steps < low ? low : steps > 255 ? 255 : steps);
}

#endif
