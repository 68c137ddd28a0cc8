/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_arithmetic.h"

void ernn_mul_scalar_s16(const int16_t *restrict a, const int16_t *restrict b, int16_t *restrict y, size_t n,
                         int bits)
{
    const int32_t factor = b[0];
    for (size_t i = 0; i < n; i++) {
        y[i] = ernn_saturate_s16(ernn_shift_right(a[i] * factor, bits));
    }
}
