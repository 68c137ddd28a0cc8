/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The harness on a microcontroller: files of the emulator's host by semihosting, "input" and "output" in the folder
 * it runs in. Calls and numbers are those of Arm's "Semihosting for AArch32 and AArch64", which RISC-V has taken over.
 */
#include "harness.h"

enum { SYS_OPEN = 0x01, SYS_CLOSE = 0x02, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_EXIT_EXTENDED = 0x20 };
enum { READ_BINARY = 1, WRITE_BINARY = 5 };
enum { APPLICATION_EXIT = 0x20026 };
enum { STACK_BYTES = 65536, LEAST_STACK_BYTES = 1024 };

extern char harness_free[]; /* of the linker script: where RAM is free from */

static char *next = harness_free;
static uintptr_t input, output;

static uintptr_t host(uintptr_t call, const void *block)
{
#if defined __arm__
    register uintptr_t number __asm__("r0") = call;
    register const void *argument __asm__("r1") = block;
    __asm__ volatile("bkpt 0xab" : "+r"(number) : "r"(argument) : "memory");
#else
    register uintptr_t number __asm__("a0") = call;
    register const void *argument __asm__("a1") = block;
    __asm__ volatile(".option push\n"
                     ".balign 16\n" /* the three stay in one page */
                     ".option norvc\n"
                     "slli x0, x0, 0x1f\n"
                     "ebreak\n"
                     "srai x0, x0, 7\n"
                     ".option pop"
                     : "+r"(number)
                     : "r"(argument)
                     : "memory");
#endif
    return number;
}

static uintptr_t open(const char *name, uintptr_t length, uintptr_t mode)
{
    const uintptr_t block[] = {(uintptr_t)name, mode, length};
    return host(SYS_OPEN, block);
}

int harness_read(void *to, size_t bytes)
{
    const uintptr_t block[] = {input, (uintptr_t)to, bytes};
    return host(SYS_READ, block) == 0; /* it gives the bytes that it did not read */
}

int harness_write(const void *from, size_t bytes)
{
    const uintptr_t block[] = {output, (uintptr_t)from, bytes};
    return host(SYS_WRITE, block) == 0;
}

void *harness_memory(size_t bytes)
{
    char *const given = next;
    const uintptr_t room = (uintptr_t)__builtin_frame_address(0) - (uintptr_t)given;
    if (bytes + 15 + LEAST_STACK_BYTES > room) {
        return NULL;
    }
    next += (bytes + 15) & ~(size_t)15;
    return given;
}

uintptr_t harness_stack_limit(uintptr_t top)
{
    const uintptr_t lowest = (uintptr_t)next;
    return top - lowest > STACK_BYTES ? top - STACK_BYTES : lowest;
}

_Noreturn void harness_exit(int code);
_Noreturn void harness_fault(void);
_Noreturn void harness_main(void);

void harness_exit(int code)
{
    const uintptr_t block[] = {APPLICATION_EXIT, (uintptr_t)code};
    for (;;) {
        host(SYS_EXIT_EXTENDED, block);
    }
}

void harness_fault(void)
{
    harness_exit(HARNESS_FAULT);
}

void harness_main(void)
{
    input = open("input", 5, READ_BINARY);
    output = open("output", 6, WRITE_BINARY);
    if (input == (uintptr_t)-1) {
        harness_exit(HARNESS_BAD_INPUT);
    }
    if (output == (uintptr_t)-1) {
        harness_exit(HARNESS_BAD_OUTPUT);
    }
    const int code = harness_run();
    const uintptr_t block[] = {output};
    host(SYS_CLOSE, block);
    harness_exit(code);
}
