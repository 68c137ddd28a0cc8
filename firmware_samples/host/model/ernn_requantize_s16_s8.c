/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_arithmetic.h"

void ernn_requantize_s16_s8(const int16_t *restrict x, int8_t *restrict y, size_t n, int bits)
{
    for (size_t i = 0; i < n; i++) {
        y[i] = ernn_saturate_s8(ernn_shift_right(x[i], bits));
    }
}
