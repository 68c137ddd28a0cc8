/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_products.h"

void ernn_matvec_sparse_s16_s16(const ernn_sparse_linear *layer, const int16_t *restrict x,
                                int16_t *restrict y, int16_t *restrict work)
{
    const size_t height = layer->block_rows;
    const int8_t *weight = layer->weight;
    const uint8_t *place = layer->place;
    ernn_expand_s16(x, layer->columns, work);
    for (size_t r = 0; r < layer->rows; r += height) {
        const size_t count = layer->count[r / height];
        int32_t sum[ERNN_BLOCK_ROWS];
        ernn_begin(layer->bias + r, height, sum);
        ernn_add_blocks_s16(layer, weight, place, count, x, work, sum);
        ernn_finish_s16(sum, layer->multiplier + r, layer->shift + r, layer->left, height, y + r);
        weight += count * height * layer->block_columns;
        place += count;
    }
}
