/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_products.h"

void ernn_matvec_s16_s16(const ernn_linear *layer, const int16_t *restrict x, int16_t *restrict y,
                         int16_t *restrict work)
{
    const size_t columns = ERNN_UP_TO_FOUR(layer->columns);
    ernn_expand_s16(x, layer->columns, work);
    for (size_t r = 0; r < layer->rows; r += ERNN_ROWS) {
        const size_t rows = layer->rows - r < ERNN_ROWS ? layer->rows - r : ERNN_ROWS;
        int32_t sum[ERNN_ROWS];
        ernn_begin(layer->bias + r, rows, sum);
        ernn_add_rows_s16(layer->weight + r * columns, rows, x, work, layer->columns, sum);
        ernn_finish_s16(sum, layer->multiplier + r, layer->shift + r, layer->left, rows, y + r);
    }
}
