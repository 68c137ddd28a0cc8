/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a matrix product, for the kernels that compute one; models do not include this file. */
#ifndef EDGERNN_PRODUCTS_H
#define EDGERNN_PRODUCTS_H

#include "edgernn_arithmetic.h"

#define ERNN_ROWS_AT_ONCE 4

/* Adds the products of four rows of `weight`, [4][columns]: every x[c] is loaded once for all of them. */
static inline void ernn_add_four_rows_s8(const int8_t *restrict weight, const int8_t *restrict x, size_t columns,
                                         int32_t sum[ERNN_ROWS_AT_ONCE])
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

static inline void ernn_add_row_s8(const int8_t *restrict weight, const int8_t *restrict x, size_t columns,
                                   int32_t *sum)
{
    int32_t s = *sum;
    for (size_t c = 0; c < columns; c++) {
        s += (int32_t)weight[c] * x[c];
    }
    *sum = s;
}

static inline void ernn_add_four_rows_s16(const int8_t *restrict weight, const int16_t *restrict x, size_t columns,
                                          int32_t sum[ERNN_ROWS_AT_ONCE])
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

static inline void ernn_add_row_s16(const int8_t *restrict weight, const int16_t *restrict x, size_t columns,
                                    int32_t *sum)
{
    int32_t s = *sum;
    for (size_t c = 0; c < columns; c++) {
        s += (int32_t)weight[c] * x[c];
    }
    *sum = s;
}

/* Adds the products of one row through `count` blocks, `block` weights apart. */
static inline void ernn_add_places_s8(const int8_t *restrict weight, size_t block, const uint8_t *restrict place,
                                      size_t count, const int8_t *restrict x, size_t width, int32_t *sum)
{
    int32_t s = *sum;
    for (size_t b = 0; b < count; b++) {
        ernn_add_row_s8(weight + b * block, x + place[b] * width, width, &s);
    }
    *sum = s;
}

/* Adds the products of `count` blocks of one row of blocks, which begin at `weight` and `place`. */
static inline void ernn_add_blocks_s8(const ernn_sparse_linear *layer, const int8_t *restrict weight,
                                      const uint8_t *restrict place, size_t count, const int8_t *restrict x,
                                      int32_t sum[ERNN_BLOCK_ROWS])
{
    const size_t width = layer->block_columns, block = layer->block_rows * width;
    for (size_t r = 0; r < layer->block_rows; r++, weight += width) {
        if (width == 1) { /* a width that the compiler knows is what makes it fast */
            ernn_add_places_s8(weight, block, place, count, x, 1, &sum[r]);
        } else if (width == 4) {
            ernn_add_places_s8(weight, block, place, count, x, 4, &sum[r]);
        } else {
            ernn_add_places_s8(weight, block, place, count, x, width, &sum[r]);
        }
    }
}

/* Adds the products of one row through `count` blocks, `block` weights apart. */
static inline void ernn_add_places_s16(const int8_t *restrict weight, size_t block, const uint8_t *restrict place,
                                       size_t count, const int16_t *restrict x, size_t width, int32_t *sum)
{
    int32_t s = *sum;
    for (size_t b = 0; b < count; b++) {
        ernn_add_row_s16(weight + b * block, x + place[b] * width, width, &s);
    }
    *sum = s;
}

/* Adds the products of `count` blocks of one row of blocks, which begin at `weight` and `place`. */
static inline void ernn_add_blocks_s16(const ernn_sparse_linear *layer, const int8_t *restrict weight,
                                       const uint8_t *restrict place, size_t count, const int16_t *restrict x,
                                       int32_t sum[ERNN_BLOCK_ROWS])
{
    const size_t width = layer->block_columns, block = layer->block_rows * width;
    for (size_t r = 0; r < layer->block_rows; r++, weight += width) {
        if (width == 1) { /* a width that the compiler knows is what makes it fast */
            ernn_add_places_s16(weight, block, place, count, x, 1, &sum[r]);
        } else if (width == 4) {
            ernn_add_places_s16(weight, block, place, count, x, 4, &sum[r]);
        } else {
            ernn_add_places_s16(weight, block, place, count, x, width, &sum[r]);
        }
    }
}

#endif
