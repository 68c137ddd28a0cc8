/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The activity model on a bare Cortex-M. Text leaves by semihosting, which emulators and debuggers serve; on a
 * product put() writes to its UART, and frames come from the sensor to stream_decide.
 */
#include <stdint.h>

#include "stream.h"

enum { SYS_WRITE0 = 0x04, SYS_EXIT_EXTENDED = 0x20 };
enum { APPLICATION_EXIT = 0x20026 };

static uintptr_t host(uintptr_t call, const void *argument)
{
    register uintptr_t number __asm__("r0") = call;
    register const void *pointer __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(number) : "r"(pointer) : "memory");
    return number;
}

static void put(const char *text)
{
    host(SYS_WRITE0, text);
}

int main(void)
{
    static const uintptr_t done[] = {APPLICATION_EXIT, 0};
    stream_play(put);
    host(SYS_EXIT_EXTENDED, done);
    return 0;
}
