/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_runtime.h"

void ernn_quantize_f32_s8(const float *restrict x, const float *restrict mean, const float *restrict factor,
                          int8_t *restrict q, size_t n, int zero_point)
{
    for (size_t i = 0; i < n; i++) {
        /* volatile: the product is rounded by itself; a fused multiply-add would round some frames differently */
        const volatile float product = (x[i] - mean[i]) * factor[i];
        const float real = product + (float)zero_point;
        const float low = real > -128.0f ? real : -128.0f; /* not-a-number, too, compares false */
        const float clamped = low < 127.0f ? low : 127.0f;
        q[i] = (int8_t)((int32_t)(clamped + 128.5f) - 128); /* positive: the conversion rounds down */
    }
}
