/* Files of the machine that emulates (Arm's and RISC-V's semihosting, and simulator.c's of AVR), and a count of instructions,
 * of AVR of clock cycles. */
#ifndef SEMIHOSTING_H
#define SEMIHOSTING_H

#include <stdint.h>

#ifdef __AVR__
#include <avr/io.h>
#endif

enum { CLOCK = 0, OPEN = 1, CLOSE = 2, WRITE = 5, READ = 6, EXIT = 0x18, READING = 1, WRITING = 5 };

static inline intptr_t host(intptr_t call, const void *block)
{
#ifdef __AVR__
    GPIOR1 = (uint8_t)(uintptr_t)block;
    GPIOR2 = (uint8_t)((uintptr_t)block >> 8);
    __asm__ volatile("" ::: "memory");
    GPIOR0 = (uint8_t)call;
    __asm__ volatile("" ::: "memory");
    return (intptr_t)(GPIOR1 | (uint16_t)GPIOR2 << 8);
#elif defined(__riscv)
    register intptr_t a0 __asm__("a0") = call;
    register const void *a1 __asm__("a1") = block;
    __asm__ volatile(".balign 16\n .option push\n .option norvc\n slli x0, x0, 0x1f\n ebreak\n srai x0, x0, 7\n .option pop"
                     : "+r"(a0) : "r"(a1) : "memory");
    return a0;
#else
    register intptr_t r0 __asm__("r0") = call;
    register const void *r1 __asm__("r1") = block;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
#endif
}

static inline intptr_t open_file(const char *name, intptr_t length, intptr_t mode)
{
    const intptr_t block[3] = {(intptr_t)name, mode, length};
    return host(OPEN, block);
}

/* Returns how many bytes were left undone. */
static inline intptr_t move(intptr_t call, intptr_t file, const void *data, intptr_t size)
{
    const intptr_t block[3] = {file, (intptr_t)data, size};
    return host(call, block);
}

static inline void start_count(void)
{
#if !defined(__riscv) && !defined(__AVR__)
    volatile uint32_t *systick = (volatile uint32_t *)0xE000E010;
    systick[1] = 0xFFFFFF;
    systick[2] = 0;
    systick[0] = 5; /* on, by the core's clock */
#endif
}

/* Instructions, or ticks of a clock that QEMU lets run by instructions, or cycles; counts up, to 24 bits on ARM. */
static inline uint32_t count(void)
{
#ifdef __AVR__
    uint32_t now;
    host(CLOCK, &now);
    return now & 0xFFFFFF;
#elif defined(__riscv)
    uint32_t now;
    __asm__ volatile("csrr %0, minstret" : "=r"(now));
    return now & 0xFFFFFF;
#else
    return 0xFFFFFF - *(volatile uint32_t *)0xE000E018;
#endif
}

#endif
