/* avr-libc starts a program and calls main; what it returns is told to simulator.c. */
#include <stdlib.h>

#include "semihosting.h"

void exit(int status)
{
    host(EXIT, (const void *)(intptr_t)status);
    for (;;) {}
}
