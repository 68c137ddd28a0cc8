/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_products.h"

void ernn_matvec_s16_s16(const ernn_linear *layer, const int16_t *restrict x, int16_t *restrict y)
{
    const size_t columns = layer->columns;
    const size_t in_fours = layer->rows - layer->rows % ERNN_ROWS_AT_ONCE;
    for (size_t r = 0; r < in_fours; r += ERNN_ROWS_AT_ONCE) {
        int32_t sum[] = {layer->bias[r], layer->bias[r + 1], layer->bias[r + 2], layer->bias[r + 3]};
        ernn_add_four_rows_s16(layer->weight + r * columns, x, columns, sum);
        for (size_t i = 0; i < ERNN_ROWS_AT_ONCE; i++) {
            y[r + i] = ernn_rescale_s16(sum[i], layer->multiplier[r + i], layer->shift[r + i], 0);
        }
    }
    for (size_t r = in_fours; r < layer->rows; r++) {
        int32_t sum = layer->bias[r];
        ernn_add_row_s16(layer->weight + r * columns, x, columns, &sum);
        y[r] = ernn_rescale_s16(sum, layer->multiplier[r], layer->shift[r], 0);
    }
}
