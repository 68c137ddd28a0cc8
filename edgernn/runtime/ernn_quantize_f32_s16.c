/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_arithmetic.h"

void ernn_quantize_f32_s16(const float *restrict x, const float *restrict mean, const float *restrict factor,
                           int16_t *restrict q, size_t n, int zero_point)
{
    for (size_t i = 0; i < n; i++) {
        /* volatile: the product is rounded by itself; a fused multiply-add would round some frames differently */
        const volatile float product = (x[i] - mean[i]) * factor[i];
        const float real = product + (float)zero_point;
        const float low = real > -32768.0f ? real : -32768.0f; /* not-a-number, too, compares false */
        q[i] = (int16_t)ernn_round_f32(low < 32767.0f ? low : 32767.0f);
    }
}
