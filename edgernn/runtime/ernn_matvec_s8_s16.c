/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_arithmetic.h"

#define ROWS_AT_ONCE 4

/* Adds the products of four rows of `weight`, [4][columns]: every x[c] is loaded once for all of them. */
static void add_products(const int8_t *restrict weight, const int8_t *restrict x, size_t columns,
                         int32_t sum[ROWS_AT_ONCE])
{
    const int8_t *restrict w0 = weight;
    const int8_t *restrict w1 = w0 + columns;
    const int8_t *restrict w2 = w1 + columns;
    const int8_t *restrict w3 = w2 + columns;
    int32_t s0 = sum[0], s1 = sum[1], s2 = sum[2], s3 = sum[3];
    for (size_t c = 0; c < columns; c++) {
        s0 += (int32_t)w0[c] * x[c];
        s1 += (int32_t)w1[c] * x[c];
        s2 += (int32_t)w2[c] * x[c];
        s3 += (int32_t)w3[c] * x[c];
    }
    sum[0] = s0, sum[1] = s1, sum[2] = s2, sum[3] = s3;
}

static void add_products_of_row(const int8_t *restrict weight, const int8_t *restrict x, size_t columns,
                                int32_t *sum)
{
    int32_t s = *sum;
    for (size_t c = 0; c < columns; c++) {
        s += (int32_t)weight[c] * x[c];
    }
    *sum = s;
}

static int16_t rescaled(const ernn_linear *layer, size_t row, int32_t sum)
{
    return ernn_rescale_s16(sum, layer->multiplier[row], layer->shift[row]);
}

void ernn_matvec_s8_s16(const ernn_linear *layer, const int8_t *restrict x, int16_t *restrict y)
{
    const size_t columns = layer->columns;
    const size_t in_fours = layer->rows - layer->rows % ROWS_AT_ONCE;
    for (size_t r = 0; r < in_fours; r += ROWS_AT_ONCE) {
        int32_t sum[ROWS_AT_ONCE] = {layer->bias[r], layer->bias[r + 1], layer->bias[r + 2], layer->bias[r + 3]};
        add_products(layer->weight + r * columns, x, columns, sum);
        for (size_t i = 0; i < ROWS_AT_ONCE; i++) {
            y[r + i] = rescaled(layer, r + i, sum[i]);
        }
    }
    for (size_t r = in_fours; r < layer->rows; r++) {
        int32_t sum = layer->bias[r];
        add_products_of_row(layer->weight + r * columns, x, columns, &sum);
        y[r] = rescaled(layer, r, sum);
    }
}
