/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_arithmetic.h"

void ernn_rescale_s16_s8(const int16_t *restrict x, int8_t *restrict y, size_t n, int zero_in, int32_t multiplier,
                         int shift, int zero_out)
{
    for (size_t i = 0; i < n; i++) {
        y[i] = ernn_rescale_s8((int32_t)x[i] - zero_in, multiplier, shift, zero_out);
    }
}
