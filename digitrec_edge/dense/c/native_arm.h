/* Kernels of ARM: NEON, and NEON with the int8 dot product. NEON multiplies bytes of one signedness only, so weights are
 * stored as w + 128, and 128 times the sum of all inputs is taken off. */
#ifndef DIGITREC_NATIVE_ARM_H
#define DIGITREC_NATIVE_ARM_H

#include <arm_neon.h>

#include "native_layer.h"

#define W_PLUS_128 256

INLINE uint32_t total_neon(const uint8_t *in, int32_t inputs)
{
    uint16x8_t pairs = vdupq_n_u16(0); /* at most 2 * 255 for every 16 of 1024 inputs */
    uint32_t total;
    int32_t i = 0;
    for (; i + 32 <= inputs; i += 32)
        pairs = vpadalq_u8(vpadalq_u8(pairs, vld1q_u8(in + i)), vld1q_u8(in + i + 16));
    if (i + 16 <= inputs) {
        pairs = vpadalq_u8(pairs, vld1q_u8(in + i));
        i += 16;
    }
    uint32x4_t sums = vpaddlq_u16(pairs);
    total = vgetq_lane_u32(sums, 0) + vgetq_lane_u32(sums, 1) + vgetq_lane_u32(sums, 2) + vgetq_lane_u32(sums, 3);
    for (; i < inputs; i++)
        total += in[i];
    return total;
}

INLINE struct start from(struct start start, uint32_t output)
{
    start.bias += output;
    return start;
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

/* Sixteen registers are too few for all products at once, which compilers like to make before they add any. */
#if defined(__aarch64__)
#define ONE_AFTER_ANOTHER(FIRST, SECOND) (void)0
#else
#define ONE_AFTER_ANOTHER(FIRST, SECOND) __asm__ volatile("" : "+w"(FIRST), "+w"(SECOND) : : "memory")
#endif

#define NEON_BLOCK(NAME, N) /* N registers of 8 outputs */ \
    INLINE void NAME(const uint8_t *weights, const struct term *terms, int32_t count, struct start start, uint32_t *sums) \
    { \
        uint32x4_t s[2 * N]; \
        UNROLLED (int i = 0; i < 2 * N; i++) \
            s[i] = vsubq_u32(vld1q_u32(start.bias + 4 * i), vdupq_n_u32(start.excess)); \
        for (int32_t k = 0; k < count; k++) { \
            const uint8_t *w = weights + terms[k].offset; \
            uint8x8_t x = vreinterpret_u8_u16(vdup_n_u16((uint16_t)terms[k].x)); \
            UNROLLED (int i = 0; i < N; i++) { \
                uint8x16_t v = vld1q_u8(w + 16 * i); \
                s[2 * i] = vpadalq_u16(s[2 * i], vmull_u8(vget_low_u8(v), x)); \
                s[2 * i + 1] = vpadalq_u16(s[2 * i + 1], products_of_upper(v, x)); \
                ONE_AFTER_ANOTHER(s[2 * i], s[2 * i + 1]); \
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

INLINE void accumulate_neon(const uint8_t *weights, uint32_t padded, const struct term *terms, int32_t count,
                            struct start start, uint32_t *sums)
{
    uint32_t o = 0;
    for (; o + NEON_OUTPUTS <= padded; o += NEON_OUTPUTS)
        neon_of_many(weights + 2 * o, terms, count, from(start, o), sums + o);
    for (; o < padded; o += 16)
        neon_of_16(weights + 2 * o, terms, count, from(start, o), sums + o);
}

#if defined(__aarch64__)
/* As digitrec_round_float: to the nearest whole number, halves to even, and then what is too large for 16 bits, or for 8, is cut
 * to the largest there; the order of rounding and cutting does not matter. */
INLINE int16x8_t steps_neon(const uint32_t *sums, const float *factors)
{
    float32x4_t low = vcvtq_f32_s32(vreinterpretq_s32_u32(vld1q_u32(sums)));
    float32x4_t high = vcvtq_f32_s32(vreinterpretq_s32_u32(vld1q_u32(sums + 4)));
    int16x4_t first = vqmovn_s32(vcvtnq_s32_f32(vmulq_f32(low, vld1q_f32(factors))));
    return vqmovn_high_s32(first, vcvtnq_s32_f32(vmulq_f32(high, vld1q_f32(factors + 4))));
}

INLINE void round_neon(const uint32_t *sums, const float *factors, int32_t zero, int32_t low, uint32_t padded, uint8_t *out)
{
    int16x8_t offset = vdupq_n_s16((int16_t)zero);
    uint8x16_t least = vdupq_n_u8((uint8_t)low);
    for (uint32_t o = 0; o < padded; o += 16) {
        uint8x8_t first = vqmovun_s16(vqaddq_s16(steps_neon(sums + o, factors + o), offset));
        int16x8_t second = vqaddq_s16(steps_neon(sums + o + 8, factors + o + 8), offset);
        vst1q_u8(out + o, vmaxq_u8(vqmovun_high_s16(first, second), least));
    }
}
#else
/* As digitrec_round_float. NEON of 32 bits takes numbers below 2**-126 for 0: they are rounded to 0 anyway. */
INLINE int16x4_t steps_neon(const uint32_t *sums, const float *factors, float32x4_t least, float32x4_t most)
{
    float32x4_t steps = vmulq_f32(vcvtq_f32_s32(vreinterpretq_s32_u32(vld1q_u32(sums))), vld1q_f32(factors));
    steps = vaddq_f32(vminq_f32(vmaxq_f32(steps, least), most), vdupq_n_f32(12582912.0f));
    return vmovn_s32(vsubq_s32(vreinterpretq_s32_f32(steps), vdupq_n_s32(0x4B400000)));
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
#endif

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
/* Where a term's weights are; both of its halves are read at once, and the shift costs nothing. */
INLINE const uint8_t *weights_of(const uint8_t *weights, const struct term *term)
{
    uint64_t both;
    __builtin_memcpy(&both, term, sizeof both);
    return weights + (both >> 32);
}

/* One term: the inputs are in one lane of a register, N of them take in their weights. */
#define DOT_TERM(LANE_OF, N) \
    { \
        const uint8_t *w = weights_of(weights, &terms[k + (LANE_OF) / 2]); \
        UNROLLED (int i = 0; i < N; i++) \
            s[i] = vdotq_laneq_u32(s[i], vld1q_u8(w + 16 * i), (LANE_OF) < 4 ? first : second, (LANE_OF) % 4); \
    }
#define DOT_BLOCK(NAME, N) \
    DOT INLINE void NAME(const uint8_t *weights, const struct term *terms, int32_t count, struct start start, uint32_t *sums) \
    { \
        uint32x4_t s[N]; \
        int32_t k = 0; \
        UNROLLED (int i = 0; i < N; i++) \
            s[i] = vsubq_u32(vld1q_u32(start.bias + 4 * i), vdupq_n_u32(start.excess)); \
        for (; k + 4 <= count; k += 4) { \
            uint8x16_t first = vld1q_u8((const uint8_t *)&terms[k]), second = vld1q_u8((const uint8_t *)&terms[k + 2]); \
            DOT_TERM(0, N) DOT_TERM(2, N) DOT_TERM(4, N) DOT_TERM(6, N) \
        } \
        for (; k < count; k++) { \
            const uint8_t *w = weights_of(weights, &terms[k]); \
            uint8x16_t x = vreinterpretq_u8_u32(vdupq_n_u32(terms[k].x)); \
            UNROLLED (int i = 0; i < N; i++) \
                s[i] = vdotq_u32(s[i], vld1q_u8(w + 16 * i), x); \
        } \
        UNROLLED (int i = 0; i < N; i++) \
            vst1q_u32(sums + 4 * i, s[i]); \
    }
DOT_BLOCK(dot_of_64, 16)
DOT_BLOCK(dot_of_16, 4)

DOT INLINE void accumulate_dot(const uint8_t *weights, uint32_t padded, const struct term *terms, int32_t count,
                            struct start start, uint32_t *sums)
{
    uint32_t o = 0;
    for (; o + 64 <= padded; o += 64)
        dot_of_64(weights + 4 * o, terms, count, from(start, o), sums + o);
    for (; o < padded; o += 16)
        dot_of_16(weights + 4 * o, terms, count, from(start, o), sums + o);
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
