/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the matrix products are made of, for the kernels that compute them; models do not include this file.
 *
 * A path, chosen in edgernn_paths.h, may replace each of these functions by its own with the same result, and says
 * so by defining ERNN_HAS_...; those that it leaves are here, in portable C:
 *
 *   ernn_begin                         ERNN_HAS_BEGIN                       the sums to begin with: biases
 *   ernn_several_s8_s16                ERNN_HAS_SEVERAL_S8_S16              products of several inputs at once
 *   ernn_backward_s8_s16               ERNN_HAS_BACKWARD_S8_S16             those strips, the last first; optional
 *   ernn_strips_s8_s16                 ERNN_HAS_STRIPS_S8_S16               strips from bias to output, in registers
 *   ernn_block_rows_s8_s16             ERNN_HAS_BLOCK_ROWS_S8_S16           rows of blocks the same way
 *   ernn_expand_s8, ernn_expand_s16    ERNN_HAS_EXPAND_S8, ..._S16          x as the path likes to read it, in `work`
 *   ernn_add_rows_s8, _s16             ERNN_HAS_ADD_ROWS_S8, ...            a strip of a dense matrix
 *   ernn_add_packed_blocks_s8, _s16    ERNN_HAS_ADD_PACKED_BLOCKS_S8, ...   blocks of 16 x 4 or 4 x 4
 *   ernn_finish_s16, ernn_finish_s8    ERNN_HAS_FINISH_S16, ..._S8          sums to outputs
 *
 * `sum` has room for ERNN_ROWS rows, a multiple of 16 that the path chooses. Rows beyond the matrix that fill up the
 * last four have weights of 0; their sums mean nothing.
 */
#ifndef EDGERNN_PRODUCTS_H
#define EDGERNN_PRODUCTS_H

#include "edgernn_arithmetic.h"
#include "edgernn_paths.h"

#define ERNN_UP_TO_FOUR(n) (((n) + 3) / 4 * 4)
#define ERNN_IS_PACKED_BLOCK(height, width) ((width) == 4 && ((height) == 16 || (height) == 4))

#ifdef ERNN_SSE2
#include "edgernn_products_sse2.h"
#endif
#ifdef ERNN_AVX2
#include "edgernn_products_avx2.h"
#endif
#ifdef ERNN_AVX512
#include "edgernn_products_avx512.h"
#include "edgernn_several_avx512.h"
#endif
#ifdef ERNN_NEON
#include "edgernn_products_neon.h"
#endif
#ifdef ERNN_DSP
#include "edgernn_products_dsp.h"
#endif
#ifdef ERNN_MVE
#include "edgernn_products_mve.h"
#endif
#ifdef ERNN_THUMB1
#include "edgernn_products_thumb1.h"
#endif
#ifdef ERNN_WASM
#include "edgernn_products_wasm.h"
#endif

#ifndef ERNN_ROWS
#define ERNN_ROWS ERNN_STRIP
#endif

/* Of `count` inputs the first, as many as the path likes; gives how many. */
#ifndef ERNN_HAS_SEVERAL_S8_S16
static inline size_t ernn_several_s8_s16(const ernn_linear *layer, const int8_t *x, size_t count, int16_t *y)
{
    (void)layer, (void)x, (void)count, (void)y;
    return 0;
}
#endif

/* The first rows, whole strips of them, as many as the path likes; gives how many. */
#ifndef ERNN_HAS_STRIPS_S8_S16
static inline size_t ernn_strips_s8_s16(const ernn_linear *layer, const int8_t *x, const int16_t *work,
                                        int16_t *y)
{
    (void)layer, (void)x, (void)work, (void)y;
    return 0;
}
#endif

/* All rows, or none; gives how many. */
#ifndef ERNN_HAS_BLOCK_ROWS_S8_S16
static inline size_t ernn_block_rows_s8_s16(const ernn_sparse_linear *layer, const int8_t *x, const int16_t *work,
                                            int16_t *y)
{
    (void)layer, (void)x, (void)work, (void)y;
    return 0;
}
#endif

#ifndef ERNN_HAS_BEGIN
static inline void ernn_begin(const int32_t *bias, size_t rows, int32_t *sum)
{
    for (size_t r = 0; r < rows; r++) {
        sum[r] = bias[r];
    }
    for (size_t r = rows; r < ERNN_UP_TO_FOUR(rows); r++) {
        sum[r] = 0;
    }
}
#endif

#ifndef ERNN_HAS_FINISH_S16
static inline void ernn_finish_s16(const int32_t *sum, const int32_t *multiplier, const uint8_t *shift, int left,
                                   size_t rows, int16_t *y)
{
    for (size_t r = 0; r < rows; r++) {
        y[r] = ernn_saturate_s16(ernn_finish(sum[r], multiplier[r], shift[r], left));
    }
}
#endif

#ifndef ERNN_HAS_FINISH_S8
static inline void ernn_finish_s8(const int32_t *sum, const int32_t *multiplier, const uint8_t *shift, int left,
                                  size_t rows, int zero_point, int8_t *y)
{
    for (size_t r = 0; r < rows; r++) {
        y[r] = ernn_saturate_s8(ernn_finish(sum[r], multiplier[r], shift[r], left) + zero_point);
    }
}
#endif

#ifndef ERNN_HAS_EXPAND_S8
static inline void ernn_expand_s8(const int8_t *x, size_t columns, int16_t *work)
{
    (void)x, (void)columns, (void)work;
}
#endif

/* No load of what follows comes earlier: compilers for small processors load so early that the registers run out. */
#if defined(__GNUC__) && (defined(__riscv) || defined(__arm__))
#define ERNN_LOAD_NO_EARLIER() __asm__ volatile("" ::: "memory")
#else
#define ERNN_LOAD_NO_EARLIER() (void)0
#endif

/* A function of its own, for the same reason. */
#if defined(__GNUC__) && defined(__riscv)
#define ERNN_SEPARATE static __attribute__((noinline, unused))
#else
#define ERNN_SEPARATE static inline
#endif

/* The products of one row's four weights, which lie at a multiple of 4. */
static inline int32_t ernn_dot_four(const int8_t *weight, int32_t x0, int32_t x1, int32_t x2, int32_t x3)
{
    ERNN_LOAD_NO_EARLIER();
#ifdef ERNN_THUMB1 /* one load, then the bytes of a word */
    int32_t word;
    __builtin_memcpy(&word, __builtin_assume_aligned(weight, 4), sizeof word);
    return (int8_t)word * x0 + (int8_t)(word >> 8) * x1 + (int8_t)(word >> 16) * x2 + (word >> 24) * x3;
#else
    return weight[0] * x0 + weight[1] * x1 + weight[2] * x2 + weight[3] * x3;
#endif
}

#ifndef ERNN_HAS_ADD_FOUR_ROWS_S8
/* Adds the products of four rows; the weights of four columns, [4 rows][4 columns], lie `stride` bytes apart. */
static inline void ernn_add_four_rows_s8(const int8_t *restrict weight, size_t stride, const int8_t *restrict x,
                                         size_t columns, int32_t sum[4])
{
    int32_t s0 = sum[0], s1 = sum[1], s2 = sum[2], s3 = sum[3];
    for (; columns >= 4; columns -= 4, weight += stride, x += 4) {
        const int32_t x0 = x[0] + ERNN_INPUT_OFFSET, x1 = x[1] + ERNN_INPUT_OFFSET;
        const int32_t x2 = x[2] + ERNN_INPUT_OFFSET, x3 = x[3] + ERNN_INPUT_OFFSET;
        s0 += ernn_dot_four(weight, x0, x1, x2, x3);
        s1 += ernn_dot_four(weight + 4, x0, x1, x2, x3);
        s2 += ernn_dot_four(weight + 8, x0, x1, x2, x3);
        s3 += ernn_dot_four(weight + 12, x0, x1, x2, x3);
    }
    for (size_t c = 0; c < columns; c++) {
        const int32_t value = x[c] + ERNN_INPUT_OFFSET;
        s0 += weight[c] * value;
        s1 += weight[4 + c] * value;
        s2 += weight[8 + c] * value;
        s3 += weight[12 + c] * value;
    }
    sum[0] = s0, sum[1] = s1, sum[2] = s2, sum[3] = s3;
}
#endif

#ifndef ERNN_HAS_ADD_ROWS_S8
ERNN_SEPARATE void ernn_add_rows_s8(const int8_t *weight, size_t rows, const int8_t *x, const int16_t *work,
                                   size_t columns, int32_t *sum)
{
    const size_t height = ERNN_UP_TO_FOUR(rows); /* ERNN_ROWS is that of a strip here */
    (void)work;
    for (size_t r = 0; r < height; r += 4) {
        ernn_add_four_rows_s8(weight + r * 4, height * 4, x, columns, sum + r);
    }
}
#endif

/* Adds the products of one row through `count` blocks, `block` weights apart. */
static inline void ernn_add_places_s8(const int8_t *restrict weight, size_t block, const uint8_t *restrict place,
                                      size_t count, const int8_t *restrict x, size_t width, int32_t *sum)
{
    int32_t s = *sum;
    for (size_t b = 0; b < count; b++, weight += block) {
        for (size_t c = 0; c < width; c++) {
            s += weight[c] * (x[place[b] * width + c] + ERNN_INPUT_OFFSET);
        }
    }
    *sum = s;
}

/* Adds the products of four rows through `count` blocks of four columns, `block` weights apart. */
static inline void ernn_add_four_places_s8(const int8_t *restrict weight, size_t block,
                                           const uint8_t *restrict place, size_t count, const int8_t *restrict x,
                                           int32_t sum[4])
{
    for (size_t b = 0; b < count; b++, weight += block) {
        ernn_add_four_rows_s8(weight, block, x + place[b] * (size_t)4, 4, sum);
    }
}

#ifndef ERNN_HAS_ADD_PACKED_BLOCKS_S8
/* Adds the products of `count` blocks [height][4], height 4 or 16. */
static inline void ernn_add_packed_blocks_s8(const int8_t *weight, size_t height, const uint8_t *place, size_t count,
                                             const int8_t *x, const int16_t *work, int32_t *sum)
{
    (void)work;
    for (size_t r = 0; r < height; r += 4) {
        ernn_add_four_places_s8(weight + r * 4, height * 4, place, count, x, sum + r);
    }
}
#endif

/* Adds the products of `count` blocks of one row of blocks, which begin at `weight` and `place`. */
static inline void ernn_add_blocks_s8(const ernn_sparse_linear *layer, const int8_t *weight, const uint8_t *place,
                                      size_t count, const int8_t *x, const int16_t *work, int32_t *sum)
{
    const size_t height = layer->block_rows, width = layer->block_columns;
    if (ERNN_IS_PACKED_BLOCK(height, width)) {
        ernn_add_packed_blocks_s8(weight, height, place, count, x, work, sum);
        return;
    }
    for (size_t r = 0; r < height; r++) {
        if (width == 1) { /* a width that the compiler knows is what makes it fast */
            ernn_add_places_s8(weight + r, height, place, count, x, 1, &sum[r]);
        } else {
            ernn_add_places_s8(weight + r * width, height * width, place, count, x, width, &sum[r]);
        }
    }
}

#ifndef ERNN_HAS_EXPAND_S16
static inline void ernn_expand_s16(const int16_t *x, size_t columns, int16_t *work)
{
    (void)x, (void)columns, (void)work;
}
#endif

/* Adds the products of four rows; the weights of four columns, [4 rows][4 columns], lie `stride` bytes apart. */
static inline void ernn_add_four_rows_s16(const int8_t *restrict weight, size_t stride, const int16_t *restrict x,
                                         size_t columns, int32_t sum[4])
{
    int32_t s0 = sum[0], s1 = sum[1], s2 = sum[2], s3 = sum[3];
    for (; columns >= 4; columns -= 4, weight += stride, x += 4) {
        const int32_t x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3];
        s0 += ernn_dot_four(weight, x0, x1, x2, x3);
        s1 += ernn_dot_four(weight + 4, x0, x1, x2, x3);
        s2 += ernn_dot_four(weight + 8, x0, x1, x2, x3);
        s3 += ernn_dot_four(weight + 12, x0, x1, x2, x3);
    }
    for (size_t c = 0; c < columns; c++) {
        const int32_t value = x[c];
        s0 += weight[c] * value;
        s1 += weight[4 + c] * value;
        s2 += weight[8 + c] * value;
        s3 += weight[12 + c] * value;
    }
    sum[0] = s0, sum[1] = s1, sum[2] = s2, sum[3] = s3;
}

#ifndef ERNN_HAS_ADD_ROWS_S16
ERNN_SEPARATE void ernn_add_rows_s16(const int8_t *weight, size_t rows, const int16_t *x, const int16_t *work,
                                   size_t columns, int32_t *sum)
{
    const size_t height = ERNN_UP_TO_FOUR(rows); /* ERNN_ROWS is that of a strip here */
    (void)work;
    for (size_t r = 0; r < height; r += 4) {
        ernn_add_four_rows_s16(weight + r * 4, height * 4, x, columns, sum + r);
    }
}
#endif

/* Adds the products of one row through `count` blocks, `block` weights apart. */
static inline void ernn_add_places_s16(const int8_t *restrict weight, size_t block, const uint8_t *restrict place,
                                      size_t count, const int16_t *restrict x, size_t width, int32_t *sum)
{
    int32_t s = *sum;
    for (size_t b = 0; b < count; b++, weight += block) {
        for (size_t c = 0; c < width; c++) {
            s += weight[c] * (int32_t)x[place[b] * width + c];
        }
    }
    *sum = s;
}

/* Adds the products of four rows through `count` blocks of four columns, `block` weights apart. */
static inline void ernn_add_four_places_s16(const int8_t *restrict weight, size_t block,
                                           const uint8_t *restrict place, size_t count, const int16_t *restrict x,
                                           int32_t sum[4])
{
    for (size_t b = 0; b < count; b++, weight += block) {
        ernn_add_four_rows_s16(weight, block, x + place[b] * (size_t)4, 4, sum);
    }
}

#ifndef ERNN_HAS_ADD_PACKED_BLOCKS_S16
/* Adds the products of `count` blocks [height][4], height 4 or 16. */
static inline void ernn_add_packed_blocks_s16(const int8_t *weight, size_t height, const uint8_t *place, size_t count,
                                             const int16_t *x, const int16_t *work, int32_t *sum)
{
    (void)work;
    for (size_t r = 0; r < height; r += 4) {
        ernn_add_four_places_s16(weight + r * 4, height * 4, place, count, x, sum + r);
    }
}
#endif

/* Adds the products of `count` blocks of one row of blocks, which begin at `weight` and `place`. */
static inline void ernn_add_blocks_s16(const ernn_sparse_linear *layer, const int8_t *weight, const uint8_t *place,
                                      size_t count, const int16_t *x, const int16_t *work, int32_t *sum)
{
    const size_t height = layer->block_rows, width = layer->block_columns;
    if (ERNN_IS_PACKED_BLOCK(height, width)) {
        ernn_add_packed_blocks_s16(weight, height, place, count, x, work, sum);
        return;
    }
    for (size_t r = 0; r < height; r++) {
        if (width == 1) { /* a width that the compiler knows is what makes it fast */
            ernn_add_places_s16(weight + r, height, place, count, x, 1, &sum[r]);
        } else {
            ernn_add_places_s16(weight + r * width, height * width, place, count, x, width, &sum[r]);
        }
    }
}

/* The products of an expanded x with the rows from r on. */
static inline void ernn_rows_s8_s16(const ernn_linear *layer, size_t r, const int8_t *x, int16_t *y,
                                    const int16_t *work)
{
    const size_t columns = ERNN_UP_TO_FOUR(layer->columns);
    for (; r < layer->rows; r += ERNN_ROWS) {
        const size_t rows = layer->rows - r < ERNN_ROWS ? layer->rows - r : ERNN_ROWS;
        int32_t sum[ERNN_ROWS];
        ernn_begin(layer->bias + r, rows, sum);
        ernn_add_rows_s8(layer->weight + r * columns, rows, x, work, layer->columns, sum);
        ernn_finish_s16(sum, layer->multiplier + r, layer->shift + r, layer->left, rows, y + r);
    }
}

#endif
