/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_arithmetic.h"

/* The largest integer whose square is at most x. */
static uint32_t square_root(uint64_t x)
{
    uint32_t root = 0;
    for (uint32_t bit = (uint32_t)1 << 31; bit != 0; bit >>= 1) {
        const uint32_t trial = root | bit;
        root = (uint64_t)trial * trial <= x ? trial : root;
    }
    return root;
}

void ernn_normalize_s16(const int16_t *restrict x, int16_t *restrict y, size_t n, int up, uint64_t epsilon,
                        uint64_t root, int shift)
{
    int32_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += x[i];
    }
    uint64_t squares = 0; /* at most 2^60 */
    for (size_t i = 0; i < n; i++) {
        const int64_t centred = (int32_t)n * x[i] - sum;
        squares += (uint64_t)(centred * centred);
    }
    uint64_t radicand = (squares << up) + epsilon;
    while (radicand < (uint64_t)1 << 62) {
        radicand <<= 2;
        shift--;
    }
    const int32_t factor = (int32_t)(root / square_root(radicand));
    for (size_t i = 0; i < n; i++) {
        y[i] = ernn_rescale_s16((int32_t)n * x[i] - sum, factor, shift, 0);
    }
}
