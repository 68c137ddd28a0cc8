/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keyword model on a bare Cortex-M, from samples to words. Text leaves by semihosting, which emulators and
 * debuggers serve; on a product put() writes to its UART, and words_listen gets what the microphone's DMA filled.
 */
#include <stdint.h>

#include "words.h"

enum { SYS_WRITE0 = 0x04, SYS_EXIT_EXTENDED = 0x20 };
enum { APPLICATION_EXIT = 0x20026 };
enum { BUFFER = 160 }; /* samples that a DMA would fill at a time: 10 ms */

extern const int16_t recording[], recording_end[]; /* recording.S */

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
    static words_stream stream;
    words_begin(&stream);
    for (size_t left = (size_t)(recording_end - recording), n; left > 0; left -= n) {
        n = left < BUFFER ? left : BUFFER;
        words_listen(&stream, recording_end - left, n, put);
    }
    host(SYS_EXIT_EXTENDED, done);
    return 0;
}
