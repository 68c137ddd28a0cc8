/* SPDX-License-Identifier: Apache-2.0 */
/* What gcc calls on its own, for the bare metal samples: they have no C library. Yours may have them already. */
#include <stddef.h>
#include <stdint.h>

/* A loop that copies must not become a call of the function that it is in. */
#pragma GCC optimize("no-tree-loop-distribute-patterns")

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    uint8_t *d = to;
    const uint8_t *s = from;
    for (size_t i = 0; i < bytes; i++) {
        d[i] = s[i];
    }
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    uint8_t *d = to;
    const uint8_t *s = from;
    if ((uintptr_t)d - (uintptr_t)s >= bytes) {
        return memcpy(to, from, bytes);
    }
    while (bytes-- > 0) {
        d[bytes] = s[bytes];
    }
    return to;
}

void *memset(void *to, int value, size_t bytes)
{
    uint8_t *d = to;
    for (size_t i = 0; i < bytes; i++) {
        d[i] = (uint8_t)value;
    }
    return to;
}
