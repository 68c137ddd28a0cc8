/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_arithmetic.h"

void ernn_add_s16(const int16_t *restrict a, const int16_t *restrict b, int16_t *restrict y, size_t n,
                  int shift)
{
    const int32_t factor = (int32_t)1 << shift; /* a negative number must not be shifted to the left */
    for (size_t i = 0; i < n; i++) {
        y[i] = ernn_saturate_s16(((int32_t)a[i] + b[i]) * factor);
    }
}
