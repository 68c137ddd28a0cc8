/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory functions that compilers call on their own, for images without a C library: by words where addresses
 * allow it, as C libraries for small cores have them.
 */
#include <stddef.h>
#include <stdint.h>

#if defined __GNUC__ && !defined __clang__
/* A loop that copies must not become a call of the function that it is in; clang keeps to that with -fno-builtin. */
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

typedef uint32_t __attribute__((may_alias)) word;

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    uint8_t *d = to;
    const uint8_t *s = from;
    if ((((uintptr_t)d | (uintptr_t)s) & 3) == 0) {
        for (; bytes >= 4; bytes -= 4, d += 4, s += 4) {
            *(word *)d = *(const word *)s;
        }
    }
    while (bytes-- > 0) {
        *d++ = *s++;
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
    const uint8_t byte = (uint8_t)value;
    if (((uintptr_t)d & 3) == 0) {
        for (; bytes >= 4; bytes -= 4, d += 4) {
            *(word *)d = byte * 0x01010101u;
        }
    }
    while (bytes-- > 0) {
        *d++ = byte;
    }
    return to;
}
