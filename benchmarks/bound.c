/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What no kernel can beat that reads all its weights in order at every step: reading them, and nothing else.
 * GNU C, for its vectors of 64 bytes: one load of AVX-512, two of AVX2, four of SSE2.
 */
#include <stddef.h>

typedef long long vector __attribute__((vector_size(64)));

/* Reads `count` vectors `repeats` times; the sum that it gives keeps the compiler from dropping a load. */
long long bound_read(const vector *weights /* [count], aligned */, size_t count, size_t repeats)
{
    vector a = {0}, b = {0}, c = {0}, d = {0}; /* four, so that no addition waits for the one before */
    for (size_t repeat = 0; repeat < repeats; repeat++) {
        size_t i = 0;
        for (; i + 4 <= count; i += 4) {
            a += weights[i];
            b += weights[i + 1];
            c += weights[i + 2];
            d += weights[i + 3];
        }
        for (; i < count; i++) {
            a += weights[i];
        }
        __asm__ volatile("" ::: "memory"); /* the weights may have changed: they are read again */
    }
    a += b + c + d;
    return a[0] + a[1] + a[2] + a[3] + a[4] + a[5] + a[6] + a[7];
}
