/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_arithmetic.h"

void ernn_mul_scalar_s16(const int16_t *restrict a, const int16_t *restrict b, int16_t *restrict y, size_t n,
                         int bits)
{
    for (size_t i = 0; i < n; i++) {
        y[i] = (int16_t)ernn_product(a[i], b[0], bits);
    }
}
