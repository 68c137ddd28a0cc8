/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the harness needs of a machine: two files and memory. semihosting.c gives it on a microcontroller under
 * an emulator, process.c on an operating system.
 */
#ifndef EDGERNN_HARNESS_H
#define EDGERNN_HARNESS_H

#include <stddef.h>
#include <stdint.h>

enum {
    HARNESS_DONE = 0,
    HARNESS_BAD_INPUT = 10,    /* the input file is missing or too short */
    HARNESS_BAD_OUTPUT = 11,   /* the output file cannot be written */
    HARNESS_NO_MEMORY = 12,    /* windows do not fit the machine's RAM */
    HARNESS_DEEP_STACK = 13,   /* the model used all the stack there is */
    HARNESS_FAULT = 14         /* the processor refused an instruction or an address */
};

/* Reads the windows, runs the model, writes the results; gives one of the above. */
int harness_run(void);

/* `bytes` of memory, aligned for every type; NULL when there is no more. It is never given back. */
void *harness_memory(size_t bytes);

/* The lowest address that a stack may use which now stands at `top`. */
uintptr_t harness_stack_limit(uintptr_t top);

/* All of the next `bytes`; 0 when that failed. */
int harness_read(void *to, size_t bytes);
int harness_write(const void *from, size_t bytes);

#endif
