/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_runtime.h"

void ernn_max_s8(const int8_t *restrict a, const int8_t *restrict b, int8_t *restrict y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        y[i] = a[i] > b[i] ? a[i] : b[i];
    }
}
