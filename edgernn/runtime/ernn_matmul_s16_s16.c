/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_runtime.h"

void ernn_matmul_s16_s16(const ernn_linear *layer, const int16_t *restrict x, size_t count, int16_t *restrict y,
                        int16_t *restrict work)
{
    for (size_t i = 0; i < count; i++) {
        ernn_matvec_s16_s16(layer, x + i * layer->columns, y + i * layer->rows, work);
    }
}
