/* A recogniser of hand-written signs, made by digitrec-edge: 784 bytes in, a number out.
 *
 * C99, and C++ above it. No heap, no libc, no libm, no float but one multiplication for each neuron. The buffers are
 * static, so that no two calls may run at the same time: call it from one task, and not from an interrupt as well. */
#ifndef DIGITREC_H
#define DIGITREC_H

#include <stdint.h>

#define DIGITREC_SIDE 28
#define DIGITREC_PIXELS 784
#define DIGITREC_LABELS @labels@ /* what the numbers are called stands in extras/labels.txt */

/* A logit in real numbers: DIGITREC_LOGIT_SCALE * (logits[k] - DIGITREC_LOGIT_ZERO) */
#define DIGITREC_LOGIT_SCALE @scale@
#define DIGITREC_LOGIT_ZERO @zero@

#ifdef __cplusplus
extern "C" {
#endif

/* Read a picture: 28 rows from the top, 28 pixels from the left; 0 is paper, 255 is ink. The sign is 20 pixels high or
 * wide, whichever is more, and its centre of mass lies in the middle, as in MNIST.
 * Returns the number of the likeliest label, of equal ones the lower; @none@. */
int digitrec_classify(const uint8_t image[DIGITREC_PIXELS]);

/* The scores behind it: the bytes of the int8 output of the TFLite model. */
void digitrec_logits(const uint8_t image[DIGITREC_PIXELS], int8_t logits[DIGITREC_LABELS]);

/* Whether the tables are as they were written, and computed with as they should be. Returns 0 when all is well, 1 when a
 * bit of the tables has changed, 2 when an answer is another than at export, 3 for both. Takes as long as @signs@ pictures of
 * signs and @noise@ of noise without a 0, the slowest there are, and @bits@ steps of a checksum; and 784 bytes more of RAM in
 * a program that calls it. README.md has how long each of the two kinds takes. */
int digitrec_self_test(void);

#ifdef __cplusplus
}
#endif

#endif
