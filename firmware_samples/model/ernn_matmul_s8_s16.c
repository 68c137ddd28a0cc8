/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_products.h"

void ernn_matmul_s8_s16(const ernn_linear *layer, const int8_t *restrict x, size_t count, int16_t *restrict y,
                        int16_t *restrict work)
{
    for (size_t i = ernn_several_s8_s16(layer, x, count, y); i < count; i++) {
        ernn_matvec_s8_s16(layer, x + i * layer->columns, y + i * layer->rows, work);
    }
}
