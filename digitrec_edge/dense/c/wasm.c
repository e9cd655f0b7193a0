/* One Dense layer for WebAssembly with SIMD: exact int32 sums, then the rounding of LiteRT's XNNPACK (requantize.h).
 *
 * Numbers are 0 to 255, so that background and all that a ReLU cut off are zeros, which add nothing: pairs of zeros are
 * not visited. Of a picture of a digit that is most of them. Weights lie as [outputs / 32][inputs / 2][32][2]: one cache
 * line for a pair of inputs and a block of outputs. Sizes are multiples of 32, what is missing is filled with zeros.
 * The twin in plain JavaScript is digitrec_edge/web/engine/plain.mjs; tests/facts/wasm_kernel.py builds
 * digitrec_edge/web/dense.wasm from this. */
#include <wasm_simd128.h>

#include "requantize.h"

#define BLOCK 32

/* scratch: room for as many 32-bit words as there are inputs. */
__attribute__((export_name("dense")))
void dense(const uint8_t *in, int32_t inputs, const int8_t *weights, const int32_t *bias, const float *factors,
           int32_t outputs, int32_t zero, int32_t low, uint8_t *out, uint32_t *scratch)
{
    uint32_t *value = scratch, *offset = scratch + inputs / 2;
    int32_t used = 0;
    for (int32_t pair = 0; pair < inputs / 2; pair++) {
        uint32_t first = in[2 * pair], second = in[2 * pair + 1];
        value[used] = first | second << 16;
        offset[used] = pair * 2 * BLOCK;
        used += (first | second) != 0;
    }
    for (int32_t o = 0; o < outputs; o += BLOCK, weights += inputs * BLOCK) {
        v128_t sum[BLOCK / 4];
        for (int i = 0; i < BLOCK / 4; i++) sum[i] = wasm_v128_load(bias + o + 4 * i);
        for (int32_t k = 0; k < used; k++) {
            const int8_t *w = weights + offset[k];
            v128_t x = wasm_u32x4_splat(value[k]);
            for (int i = 0; i < BLOCK / 4; i++)
                sum[i] = wasm_i32x4_add(sum[i], wasm_i32x4_dot_i16x8(wasm_i16x8_load8x8(w + 8 * i), x));
        }
        int32_t sums[BLOCK];
        for (int i = 0; i < BLOCK / 4; i++) wasm_v128_store(sums + 4 * i, sum[i]);
        for (int i = 0; i < BLOCK; i++) out[o + i] = digitrec_round_float(sums[i], factors[o + i], zero, low);
    }
}
