/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_arithmetic.h"

void ernn_blend_s16(const int16_t *restrict z, const int16_t *restrict g, const int16_t *restrict h,
                    int16_t *restrict y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        y[i] = ernn_blend(z[i], g[i], h[i]);
    }
}
