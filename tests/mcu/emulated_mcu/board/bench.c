/* Reads images.bin, writes logits.bin, and figures.bin: the ticks of each picture, then the depth of the stack in bytes. */
#include "digitrec.h"
#include "semihosting.h"

#ifdef __AVR__
enum { DEPTH = 256, MARK = 0xA5 };
#else
enum { DEPTH = 1024, MARK = 0xA5 };
#endif

static uint8_t image[DIGITREC_PIXELS];
static int8_t logits[DIGITREC_LABELS];

/* Marks what lies below this function's own frame, calls, and looks how far down the marks are gone. */
__attribute__((noinline)) static uint32_t stack_depth(void)
{
    volatile uint8_t *top, *at;
#ifdef __AVR__
    top = (volatile uint8_t *)SP;
#elif defined(__riscv)
    __asm__ volatile("mv %0, sp" : "=r"(top));
#else
    __asm__ volatile("mov %0, sp" : "=r"(top));
#endif
    for (at = top - DEPTH; at < top; at++)
        *at = MARK;
    digitrec_classify(image);
    for (at = top - DEPTH; at < top && *at == MARK; at++) {}
    return (uint32_t)(top - at);
}

int main(void)
{
    intptr_t in = open_file("images.bin", 10, READING), out = open_file("logits.bin", 10, WRITING);
    intptr_t figures = open_file("figures.bin", 11, WRITING);
    uint32_t deepest = 0;
    start_count();
    while (move(READ, in, image, sizeof image) == 0) {
        uint32_t before = count();
        digitrec_logits(image, logits);
        uint32_t ticks = (count() - before) & 0xFFFFFF;
        move(WRITE, out, logits, sizeof logits);
        move(WRITE, figures, &ticks, sizeof ticks);
        if (!deepest)
            deepest = stack_depth();
    }
    move(WRITE, figures, &deepest, sizeof deepest);
    host(CLOSE, &in);
    host(CLOSE, &out);
    host(CLOSE, &figures);
    return 0;
}
