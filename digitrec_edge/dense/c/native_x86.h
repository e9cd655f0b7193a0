/* Kernels of x86-64: AVX2, and AVX-512 with VNNI. */
#ifndef DIGITREC_NATIVE_X86_H
#define DIGITREC_NATIVE_X86_H

#include <cpuid.h>
#include <immintrin.h>

#include "native_layer.h"

#define AVX2 __attribute__((target("avx2")))
#define VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))

/* ---- AVX2: two inputs a group; bytes widened to 16 bits, 16 products by three instructions ---- */
#define AVX2_BLOCK(NAME, N) \
    AVX2 INLINE void NAME(const uint8_t *weights, const struct term *terms, int32_t count, const uint32_t *bias, \
                          uint32_t *sums) \
    { \
        __m256i s[N]; \
        UNROLLED (int i = 0; i < N; i++) \
            s[i] = _mm256_loadu_si256((const __m256i *)(const void *)(bias + 8 * i)); \
        for (int32_t k = 0; k < count; k++) { \
            const uint8_t *w = weights + terms[k].offset; \
            __m256i x = _mm256_set1_epi32((int32_t)((terms[k].x & 255) | (terms[k].x >> 8) << 16)); \
            UNROLLED (int i = 0; i < N; i++) { \
                __m256i wide = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(w + 16 * i))); \
                s[i] = _mm256_add_epi32(s[i], _mm256_madd_epi16(wide, x)); \
            } \
        } \
        UNROLLED (int i = 0; i < N; i++) \
            _mm256_storeu_si256((__m256i *)(void *)(sums + 8 * i), s[i]); \
    }
AVX2_BLOCK(avx2_of_64, 8)
AVX2_BLOCK(avx2_of_16, 2)

AVX2 INLINE void accumulate_avx2(const uint8_t *weights, uint32_t padded, const struct term *terms, int32_t count,
                                 struct start start, uint32_t *sums)
{
    uint32_t o = 0;
    for (; o + 64 <= padded; o += 64)
        avx2_of_64(weights + 2 * o, terms, count, start.bias + o, sums + o);
    for (; o < padded; o += 16)
        avx2_of_16(weights + 2 * o, terms, count, start.bias + o, sums + o);
}

/* As digitrec_round_float, with the CPU's own conversion to the nearest whole number, halves to even. */
AVX2 INLINE __m256i steps_avx2(const uint32_t *sums, const float *factors, __m256 least, __m256 most)
{
    __m256 real = _mm256_cvtepi32_ps(_mm256_loadu_si256((const __m256i *)(const void *)sums));
    __m256 steps = _mm256_mul_ps(real, _mm256_loadu_ps(factors));
    return _mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(steps, least), most));
}

AVX2 INLINE void round_avx2(const uint32_t *sums, const float *factors, int32_t zero, int32_t low, uint32_t padded, uint8_t *out)
{
    __m256 least = _mm256_set1_ps((float)(low - zero)), most = _mm256_set1_ps((float)(255 - zero));
    __m256i offset = _mm256_set1_epi16((int16_t)zero);
    for (uint32_t o = 0; o < padded; o += 16) {
        __m256i first = steps_avx2(sums + o, factors + o, least, most);
        __m256i second = steps_avx2(sums + o + 8, factors + o + 8, least, most);
        /* packing works on halves, so the quarters are put right behind it */
        __m256i steps = _mm256_permute4x64_epi64(_mm256_packs_epi32(first, second), 0xD8);
        __m256i numbers = _mm256_add_epi16(steps, offset);
        _mm_storeu_si128((__m128i *)(void *)(out + o),
                         _mm_packus_epi16(_mm256_castsi256_si128(numbers), _mm256_extracti128_si256(numbers, 1)));
    }
}

AVX2 static const uint8_t *run_avx2(const struct native_network *network, const uint8_t *in, struct scratch *scratch)
{
    return run_layers(network, in, scratch, 2, 0, accumulate_avx2, round_avx2);
}

/* ---- AVX-512 VNNI: four inputs a group, 64 products an instruction ---- */
#define VNNI_BLOCK(NAME, N) \
    VNNI INLINE void NAME(const uint8_t *weights, const struct term *terms, int32_t count, const uint32_t *bias, \
                          uint32_t *sums) \
    { \
        __m512i s[N]; \
        UNROLLED (int i = 0; i < N; i++) \
            s[i] = _mm512_loadu_si512(bias + 16 * i); \
        for (int32_t k = 0; k < count; k++) { \
            const uint8_t *w = weights + terms[k].offset; \
            __m512i x = _mm512_set1_epi32((int32_t)terms[k].x); \
            UNROLLED (int i = 0; i < N; i++) \
                s[i] = _mm512_dpbusd_epi32(s[i], x, _mm512_loadu_si512(w + 64 * i)); \
        } \
        UNROLLED (int i = 0; i < N; i++) \
            _mm512_storeu_si512(sums + 16 * i, s[i]); \
    }
VNNI_BLOCK(vnni_of_256, 16)
VNNI_BLOCK(vnni_of_128, 8)
VNNI_BLOCK(vnni_of_16, 1)

VNNI INLINE void accumulate_vnni(const uint8_t *weights, uint32_t padded, const struct term *terms, int32_t count,
                                 struct start start, uint32_t *sums)
{
    uint32_t o = 0;
    for (; o + 256 <= padded; o += 256)
        vnni_of_256(weights + 4 * o, terms, count, start.bias + o, sums + o);
    for (; o + 128 <= padded; o += 128)
        vnni_of_128(weights + 4 * o, terms, count, start.bias + o, sums + o);
    for (; o < padded; o += 16)
        vnni_of_16(weights + 4 * o, terms, count, start.bias + o, sums + o);
}

VNNI INLINE void round_vnni(const uint32_t *sums, const float *factors, int32_t zero, int32_t low, uint32_t padded, uint8_t *out)
{
    __m512 least = _mm512_set1_ps((float)(low - zero)), most = _mm512_set1_ps((float)(255 - zero));
    __m512i offset = _mm512_set1_epi32(zero);
    for (uint32_t o = 0; o < padded; o += 16) {
        __m512 steps = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_loadu_si512(sums + o)), _mm512_loadu_ps(factors + o));
        __m512i whole = _mm512_cvtps_epi32(_mm512_min_ps(_mm512_max_ps(steps, least), most));
        _mm_storeu_si128((__m128i *)(void *)(out + o), _mm512_cvtepi32_epi8(_mm512_add_epi32(whole, offset)));
    }
}

VNNI static const uint8_t *run_vnni(const struct native_network *network, const uint8_t *in, struct scratch *scratch)
{
    return run_layers(network, in, scratch, 4, 0, accumulate_vnni, round_vnni);
}

/* By CPUID itself: __builtin_cpu_supports asks a library, and says no to everything when zig 0.17 compiles it. */
#define CPU_AVX2 1
#define CPU_VNNI 2
static int cpu_has(void)
{
    unsigned a, b, c, d, low, high;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
        return 0;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0)); /* which registers the system saves: 6 for AVX, 0xE6 for AVX-512 */
    (void)high;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (low & 6) != 6 || !(b >> 5 & 1))
        return 0;
    int avx512 = b >> 16 & 1 && b >> 30 & 1 && b >> 31 && c >> 11 & 1; /* F, BW, VL, VNNI */
    return avx512 && (low & 0xE6) == 0xE6 ? CPU_AVX2 | CPU_VNNI : CPU_AVX2;
}

static int has_avx2(uint64_t capabilities)
{
    (void)capabilities;
    return cpu_has() & CPU_AVX2;
}

static int has_vnni(uint64_t capabilities)
{
    (void)capabilities;
    return cpu_has() & CPU_VNNI;
}

#define CPU_KERNELS {"vnni", 4, run_vnni, has_vnni}, {"avx2", 2, run_avx2, has_avx2},

#endif
