/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_runtime.h"

void ernn_dequantize_s16_f32(const int16_t *restrict q, float *restrict y, size_t n, float scale)
{
    for (size_t i = 0; i < n; i++) {
        y[i] = (float)q[i] * scale;
    }
}
