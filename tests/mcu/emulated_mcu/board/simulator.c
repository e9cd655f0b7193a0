/* Runs a program for the ATmega328P in simavr, which counts clock cycles, and does for it what semihosting does for others:
 * the program writes a number to GPIOR0, and in GPIOR1 and GPIOR2 stands where its block of parameters lies. */
#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>
#include <simavr/sim_io.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLOCK = 0, OPEN = 1, CLOSE = 2, WRITE = 5, READ = 6, EXIT = 0x18, WRITING = 5 };
enum { GPIOR0 = 0x3E, GPIOR1 = 0x4A, GPIOR2 = 0x4B, MOST_FILES = 8 };

static FILE *files[MOST_FILES];
static unsigned opened;

static unsigned word(const avr_t *avr, unsigned at) { return avr->data[at] | (unsigned)avr->data[at + 1] << 8; }

static void give(avr_t *avr, unsigned value)
{
    avr->data[GPIOR1] = (uint8_t)value;
    avr->data[GPIOR2] = (uint8_t)(value >> 8);
}

static void called(avr_t *avr, avr_io_addr_t address, uint8_t call, void *none)
{
    unsigned block = word(avr, GPIOR1), first = word(avr, block), at = word(avr, block + 2), size = word(avr, block + 4);
    (void)address, (void)none;
    if (call == CLOCK) {
        for (unsigned k = 0; k < 4; k++)
            avr->data[block + k] = (uint8_t)(avr->cycle >> 8 * k);
    } else if (call == OPEN) {
        files[opened] = fopen((const char *)avr->data + first, at == WRITING ? "wb" : "rb");
        if (!files[opened])
            exit(3);
        give(avr, opened++);
    } else if (call == READ) {
        give(avr, size - (unsigned)fread(avr->data + at, 1, size, files[first]));
    } else if (call == WRITE) {
        give(avr, size - (unsigned)fwrite(avr->data + at, 1, size, files[first]));
    } else if (call == CLOSE) {
        fclose(files[first]);
    } else {
        exit((int)block);
    }
}

int main(int count, char **arguments)
{
    elf_firmware_t program;
    memset(&program, 0, sizeof program);
    if (count != 2 || elf_read_firmware(arguments[1], &program))
        return 4;
    avr_t *avr = avr_make_mcu_by_name("atmega328p");
    avr_init(avr);
    program.frequency = 16000000;
    avr_load_firmware(avr, &program);
    avr_register_io_write(avr, GPIOR0, called, NULL);
    for (;;) {
        int state = avr_run(avr);
        if (state == cpu_Done || state == cpu_Crashed)
            return 5;
    }
}
