/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_arithmetic.h"

void ernn_quantize_f32_s8(const float *restrict x, const float *restrict mean, const float *restrict factor,
                          int8_t *restrict q, size_t n, int zero_point)
{
    for (size_t i = 0; i < n; i++) {
        /* volatile: the product is rounded by itself; a fused multiply-add would round some frames differently */
        const volatile float product = (x[i] - mean[i]) * factor[i];
        const float real = product + (float)zero_point;
        const float low = real > -128.0f ? real : -128.0f; /* not-a-number, too, compares false */
        q[i] = (int8_t)ernn_round_f32(low < 127.0f ? low : 127.0f);
    }
}
