/* SPDX-License-Identifier: Apache-2.0 */
/* The harness as a process of an operating system: image INPUT OUTPUT. */
#include <stdio.h>
#include <stdlib.h>

#include "harness.h"

enum { STACK_BYTES = 65536 }; /* that a model may use; every main thread has more */

static FILE *input, *output;

void *harness_memory(size_t bytes)
{
    return malloc(bytes);
}

uintptr_t harness_stack_limit(uintptr_t top)
{
    return top - STACK_BYTES;
}

int harness_read(void *to, size_t bytes)
{
    return fread(to, 1, bytes, input) == bytes;
}

int harness_write(const void *from, size_t bytes)
{
    return fwrite(from, 1, bytes, output) == bytes;
}

int main(int count, char **arguments)
{
    if (count != 3 || (input = fopen(arguments[1], "rb")) == NULL) {
        return HARNESS_BAD_INPUT;
    }
    if ((output = fopen(arguments[2], "wb")) == NULL) {
        return HARNESS_BAD_OUTPUT;
    }
    const int code = harness_run();
    return fclose(output) == 0 ? code : HARNESS_BAD_OUTPUT;
}
