/* What the files of the library share. */
#ifndef DIGITREC_INTERNAL_H
#define DIGITREC_INTERNAL_H

#include <stdint.h>

/* Constants: AVR copies them to its RAM, unless it is told to read them where they lie. */
#ifdef __AVR__
#define DIGITREC_FLASH const __flash
#else
#define DIGITREC_FLASH const
#endif

/* CRC-32 (that of ZIP files, of PNG and of Ethernet) over the lowest bits of a word, lowest byte first. Start with all
 * bits set, and invert the end. */
static inline uint32_t digitrec_crc(uint32_t crc, uint32_t word, int bits)
{
    crc ^= word;
    while (bits-- > 0)
        crc = (crc >> 1) ^ (UINT32_C(0xEDB88320) & (UINT32_C(0) - (crc & 1)));
    return crc;
}

/* The checksum of every number in tables.h that is computed with. */
uint32_t digitrec_tables_crc(void);

#endif
