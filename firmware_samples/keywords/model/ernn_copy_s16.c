/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_runtime.h"

void ernn_copy_s16(const int16_t *restrict x, int16_t *restrict y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        y[i] = x[i];
    }
}
