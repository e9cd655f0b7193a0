/* Kernels of ARM: NEON, and NEON with the int8 dot product. NEON multiplies bytes of one signedness only, so weights are
 * stored as w + 128, and 128 times the sum of all inputs is taken off. */
#ifndef DIGITREC_NATIVE_ARM_H
#define DIGITREC_NATIVE_ARM_H

#include <arm_neon.h>

#include "native_layer.h"

#define W_PLUS_128 256

INLINE uint32_t total_neon(const uint8_t *in, int32_t inputs)
{
    uint32x4_t sums = vdupq_n_u32(0);
    uint32_t total;
    int32_t i = 0;
    for (; i + 16 <= inputs; i += 16)
        sums = vpadalq_u16(sums, vpaddlq_u8(vld1q_u8(in + i)));
    total = vgetq_lane_u32(sums, 0) + vgetq_lane_u32(sums, 1) + vgetq_lane_u32(sums, 2) + vgetq_lane_u32(sums, 3);
    for (; i < inputs; i++)
        total += in[i];
    return total;
}

/* ---- NEON: two inputs a group; 16 products by two multiplications and two pairwise additions (Cortex-A72, -A53, -A7) ---- */
INLINE uint16x8_t products_of_upper(uint8x16_t w, uint8x8_t x)
{
#if defined(__aarch64__)
    return vmull_high_u8(w, vcombine_u8(x, x));
#else
    return vmull_u8(vget_high_u8(w), x);
#endif
}

#define NEON_BLOCK(NAME, N) /* N registers of 8 outputs */ \
    INLINE void NAME(const uint8_t *weights, const struct term *terms, int32_t count, uint32_t *sums) \
    { \
        uint32x4_t s[2 * N]; \
        UNROLLED (int i = 0; i < 2 * N; i++) \
            s[i] = vld1q_u32(sums + 4 * i); \
        for (int32_t k = 0; k < count; k++) { \
            const uint8_t *w = weights + terms[k].offset; \
            uint8x8_t x = vreinterpret_u8_u16(vdup_n_u16((uint16_t)terms[k].x)); \
            UNROLLED (int i = 0; i < N; i++) { \
                uint8x16_t v = vld1q_u8(w + 16 * i); \
                s[2 * i] = vpadalq_u16(s[2 * i], vmull_u8(vget_low_u8(v), x)); \
                s[2 * i + 1] = vpadalq_u16(s[2 * i + 1], products_of_upper(v, x)); \
            } \
        } \
        UNROLLED (int i = 0; i < 2 * N; i++) \
            vst1q_u32(sums + 4 * i, s[i]); \
    }
#if defined(__aarch64__)
#define NEON_OUTPUTS 64 /* as many as fit into the registers */
#else
#define NEON_OUTPUTS 32
#endif
NEON_BLOCK(neon_of_many, NEON_OUTPUTS / 8)
NEON_BLOCK(neon_of_16, 2)

INLINE void accumulate_neon(const uint8_t *weights, uint32_t padded, const struct term *terms, int32_t count, uint32_t *sums)
{
    uint32_t o = 0;
    for (; o + NEON_OUTPUTS <= padded; o += NEON_OUTPUTS)
        neon_of_many(weights + 2 * o, terms, count, sums + o);
    for (; o < padded; o += 16)
        neon_of_16(weights + 2 * o, terms, count, sums + o);
}

/* As digitrec_round_float. NEON of 32 bits takes numbers below 2**-126 for 0: they are rounded to 0 anyway. */
INLINE int16x4_t steps_neon(const uint32_t *sums, const float *factors, float32x4_t least, float32x4_t most)
{
    float32x4_t steps = vmulq_f32(vcvtq_f32_s32(vreinterpretq_s32_u32(vld1q_u32(sums))), vld1q_f32(factors));
    steps = vminq_f32(vmaxq_f32(steps, least), most);
#if defined(__aarch64__)
    return vmovn_s32(vcvtnq_s32_f32(steps));
#else
    steps = vaddq_f32(steps, vdupq_n_f32(12582912.0f));
    return vmovn_s32(vsubq_s32(vreinterpretq_s32_f32(steps), vdupq_n_s32(0x4B400000)));
#endif
}

INLINE void round_neon(const uint32_t *sums, const float *factors, int32_t zero, int32_t low, uint32_t padded, uint8_t *out)
{
    float32x4_t least = vdupq_n_f32((float)(low - zero)), most = vdupq_n_f32((float)(255 - zero));
    uint16x8_t offset = vdupq_n_u16((uint16_t)zero);
    for (uint32_t o = 0; o < padded; o += 8) {
        int16x8_t steps = vcombine_s16(steps_neon(sums + o, factors + o, least, most),
                                       steps_neon(sums + o + 4, factors + o + 4, least, most));
        vst1_u8(out + o, vmovn_u16(vaddq_u16(vreinterpretq_u16_s16(steps), offset)));
    }
}

static const uint8_t *run_neon(const struct native_network *network, const uint8_t *in, struct scratch *scratch)
{
    return run_layers(network, in, scratch, 2, total_neon, accumulate_neon, round_neon);
}

static int has_neon(uint64_t capabilities)
{
    (void)capabilities; /* this library is for CPUs that have it */
    return 1;
}

#if defined(__aarch64__)
/* ---- NEON with dot product: four inputs a group, 16 products an instruction (Cortex-A76) ---- */
#if defined(__clang__)
#define DOT __attribute__((target("dotprod")))
#else
#define DOT __attribute__((target("arch=armv8.2-a+dotprod")))
#endif
#define DOT_BLOCK(NAME, N) \
    DOT INLINE void NAME(const uint8_t *weights, const struct term *terms, int32_t count, uint32_t *sums) \
    { \
        uint32x4_t s[N]; \
        UNROLLED (int i = 0; i < N; i++) \
            s[i] = vld1q_u32(sums + 4 * i); \
        for (int32_t k = 0; k < count; k++) { \
            const uint8_t *w = weights + terms[k].offset; \
            uint8x16_t x = vreinterpretq_u8_u32(vdupq_n_u32(terms[k].x)); \
            UNROLLED (int i = 0; i < N; i++) \
                s[i] = vdotq_u32(s[i], vld1q_u8(w + 16 * i), x); \
        } \
        UNROLLED (int i = 0; i < N; i++) \
            vst1q_u32(sums + 4 * i, s[i]); \
    }
DOT_BLOCK(dot_of_64, 16)
DOT_BLOCK(dot_of_16, 4)

DOT INLINE void accumulate_dot(const uint8_t *weights, uint32_t padded, const struct term *terms, int32_t count, uint32_t *sums)
{
    uint32_t o = 0;
    for (; o + 64 <= padded; o += 64)
        dot_of_64(weights + 4 * o, terms, count, sums + o);
    for (; o < padded; o += 16)
        dot_of_16(weights + 4 * o, terms, count, sums + o);
}

DOT static const uint8_t *run_dot(const struct native_network *network, const uint8_t *in, struct scratch *scratch)
{
    return run_layers(network, in, scratch, 4, total_neon, accumulate_dot, round_neon);
}

static int has_dot(uint64_t capabilities)
{
    return capabilities >> 20 & 1; /* HWCAP_ASIMDDP */
}

#define CPU_KERNELS {"dotprod", 4 + W_PLUS_128, run_dot, has_dot}, {"neon", 2 + W_PLUS_128, run_neon, has_neon},
#else
#define CPU_KERNELS {"neon", 2 + W_PLUS_128, run_neon, has_neon},
#endif

#endif
