/* The self-test: a checksum of the tables, and one of the answers to pictures whose answers are known.
 *
 * A file of its own, so that a program that does not call it is none the larger for it. */
#include "digitrec.h"
#include "digitrec/internal.h"
#include "digitrec/known.h"

static uint8_t picture[DIGITREC_PIXELS];

static uint32_t with_answer(uint32_t crc)
{
    int8_t logits[DIGITREC_LABELS];
    digitrec_logits(picture, logits);
    for (int k = 0; k < DIGITREC_LABELS; k++)
        crc = digitrec_crc(crc, (uint8_t)logits[k], 8);
    return digitrec_crc(crc, (uint8_t)digitrec_classify(picture), 8);
}

/* Digits leave most weights alone, since paper is 0: noise without a zero reaches every one of the first layer. It is
 * faint, from 1 to 64, for strong noise drives what follows to its limits. */
static void fill_with_noise(uint32_t *state)
{
    for (int i = 0; i < DIGITREC_PIXELS; i++) {
        *state = *state * UINT32_C(1664525) + UINT32_C(1013904223);
        picture[i] = (uint8_t)((*state >> 26) + 1);
    }
}

/* Paper is written as 0 and how many pixels of it there are, all else as it is. */
static DIGITREC_FLASH uint8_t *unpack(DIGITREC_FLASH uint8_t *packed)
{
    for (int i = 0, blank = 0; i < DIGITREC_PIXELS; i++) { /* one pixel at a time: of a run of 0, compilers make a call of memset */
        if (!blank && !*packed) {
            blank = packed[1];
            packed += 2;
        }
        picture[i] = blank ? 0 : *packed++;
        blank -= blank > 0;
    }
    return packed;
}

int digitrec_self_test(void)
{
    DIGITREC_FLASH uint8_t *packed = digitrec_known;
    uint32_t crc = UINT32_C(0xFFFFFFFF), state = DIGITREC_NOISE_SEED;
    for (int k = 0; k < DIGITREC_KNOWN; k++) {
        packed = unpack(packed);
        crc = with_answer(crc);
    }
    for (int k = 0; k < DIGITREC_NOISE; k++) {
        fill_with_noise(&state);
        crc = with_answer(crc);
    }
    return (digitrec_tables_crc() != DIGITREC_TABLES_CRC) + 2 * (~crc != DIGITREC_ANSWERS_CRC);
}
