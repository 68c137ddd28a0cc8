/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_arithmetic.h"

void ernn_blend_scalar_s16(const int16_t *restrict z, const int16_t *restrict g, const int16_t *restrict h,
                           int16_t *restrict y, size_t n)
{
    const int32_t share = z[0];
    for (size_t i = 0; i < n; i++) {
        /* share * |h - g| + 2^14 is at most 32767 * 65535 + 16384, which is below 2^31 */
        y[i] = (int16_t)(g[i] + ernn_shift_right(share * ((int32_t)h[i] - g[i]), 15));
    }
}
