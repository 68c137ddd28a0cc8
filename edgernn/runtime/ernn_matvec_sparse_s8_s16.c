/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_products.h"

void ernn_matvec_sparse_s8_s16(const ernn_sparse_linear *layer, const int8_t *restrict x, int16_t *restrict y)
{
    const size_t height = layer->block_rows, block = height * layer->block_columns;
    const int8_t *weight = layer->weight;
    const uint8_t *place = layer->place;
    for (size_t r = 0; r < layer->rows; r += height) {
        const size_t count = layer->count[r / height];
        int32_t sum[ERNN_BLOCK_ROWS];
        for (size_t i = 0; i < height; i++) {
            sum[i] = layer->bias[r + i];
        }
        ernn_add_blocks_s8(layer, weight, place, count, x, sum);
        for (size_t i = 0; i < height; i++) {
            y[r + i] = ernn_rescale_s16(sum[i], layer->multiplier[r + i], layer->shift[r + i], 0);
        }
        weight += count * block;
        place += count;
    }
}
