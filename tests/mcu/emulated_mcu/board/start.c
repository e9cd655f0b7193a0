/* From reset to main, for every core here. */
#include <stdint.h>

#include "semihosting.h"

extern uint32_t data_from[], data_start[], data_end[], bss_start[], bss_end[], stack_top[];
int main(void);
void begin(void);

static void leave(int status)
{
    host(EXIT, (const void *)(intptr_t)(status ? 0x20023 : 0x20026));
    for (;;) {}
}

void begin(void)
{
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20; /* CPACR: let the program use the FPU */
    __asm__ volatile("dsb\n isb");
#endif
    const uint32_t *from = data_from;
    for (uint32_t *to = data_start; to < data_end;)
        *to++ = *from++;
    for (uint32_t *to = bss_start; to < bss_end;)
        *to++ = 0;
    leave(main());
}

#ifdef __riscv
__asm__(".section .start\n .global reset\n reset: la sp, stack_top\n call begin\n");
#else
void reset(void);
void reset(void) { begin(); }
static void fault(void) { leave(2); }
__attribute__((section(".start"), used)) static const void *const vectors[16] = {
    stack_top, (void *)reset, (void *)fault, (void *)fault, (void *)fault, (void *)fault, (void *)fault,
};
#endif

/* What compilers call without being asked. */
void *memset(void *to, int value, unsigned long size);
void *memset(void *to, int value, unsigned long size)
{
    for (volatile uint8_t *at = to; size; size--)
        *at++ = (uint8_t)value;
    return to;
}

void *memcpy(void *to, const void *from, unsigned long size);
void *memcpy(void *to, const void *from, unsigned long size)
{
    volatile uint8_t *at = to;
    for (const uint8_t *get = from; size; size--)
        *at++ = *get++;
    return to;
}
