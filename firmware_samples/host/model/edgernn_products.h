/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a matrix product, for the kernels that compute one; models do not include this file. */
#ifndef EDGERNN_PRODUCTS_H
#define EDGERNN_PRODUCTS_H

#include "edgernn_arithmetic.h"

#define ERNN_ROWS_AT_ONCE 4

/* Adds the products of four rows of `weight`, [4][columns]: every x[c] is loaded once for all of them. */
static inline void ernn_add_four_rows(const int8_t *restrict weight, const int8_t *restrict x, size_t columns,
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

static inline void ernn_add_row(const int8_t *restrict weight, const int8_t *restrict x, size_t columns,
                                int32_t *sum)
{
    int32_t s = *sum;
    for (size_t c = 0; c < columns; c++) {
        s += (int32_t)weight[c] * x[c];
    }
    *sum = s;
}

/* A row's sum in the output's type, before its zero point. */
static inline int16_t ernn_rescale_row(const ernn_linear *layer, size_t row, int32_t sum)
{
    return ernn_rescale_s16(sum, layer->multiplier[row], layer->shift[row]);
}

#endif
