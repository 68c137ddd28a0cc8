/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matrix products with WebAssembly's vectors. edgernn_products.h includes this file.
 *
 * Its one instruction for products reads int16_t, so that both types of input become that in `work`, up to a
 * multiple of four columns with zeros. A vector of weights is one group of four columns of four rows, [4 rows][4].
 */
#ifndef EDGERNN_PRODUCTS_WASM_H
#define EDGERNN_PRODUCTS_WASM_H

#include <wasm_simd128.h>

#define ERNN_HAS_EXPAND_S8
#define ERNN_HAS_ADD_ROWS_S8
#define ERNN_HAS_ADD_PACKED_BLOCKS_S8
#define ERNN_HAS_EXPAND_S16
#define ERNN_HAS_ADD_ROWS_S16
#define ERNN_HAS_ADD_PACKED_BLOCKS_S16
#define ERNN_HAS_FINISH_S16
#define ERNN_HAS_FINISH_S8

static inline void ernn_expand_s8(const int8_t *x, size_t columns, int16_t *work)
{
    size_t c = 0;
    for (; c + 8 <= columns; c += 8) {
        wasm_v128_store(work + c, wasm_i16x8_load8x8(x + c));
    }
    for (; c < columns; c++) {
        work[c] = x[c];
    }
    for (; c < ERNN_UP_TO_FOUR(columns); c++) {
        work[c] = 0;
    }
}

static inline void ernn_expand_s16(const int16_t *x, size_t columns, int16_t *work)
{
    size_t c = 0;
    for (; c + 8 <= columns; c += 8) {
        wasm_v128_store(work + c, wasm_v128_load(x + c));
    }
    for (; c < columns; c++) {
        work[c] = x[c];
    }
    for (; c < ERNN_UP_TO_FOUR(columns); c++) {
        work[c] = 0;
    }
}

typedef struct {
    v128_t even, odd; /* rows 0 and 1, rows 2 and 3; each row in two parts */
} ernn_four;

/* Adds the products of one group; x holds its four columns twice. */
static inline ernn_four ernn_four_add(ernn_four s, const int8_t *weight, v128_t x)
{
    s.even = wasm_i32x4_add(s.even, wasm_i32x4_dot_i16x8(wasm_i16x8_load8x8(weight), x));
    s.odd = wasm_i32x4_add(s.odd, wasm_i32x4_dot_i16x8(wasm_i16x8_load8x8(weight + 8), x));
    return s;
}

static inline void ernn_four_add_to(int32_t *sum, ernn_four s)
{
    const v128_t first = wasm_i32x4_shuffle(s.even, s.odd, 0, 2, 4, 6);
    const v128_t second = wasm_i32x4_shuffle(s.even, s.odd, 1, 3, 5, 7);
    wasm_v128_store(sum, wasm_i32x4_add(wasm_v128_load(sum), wasm_i32x4_add(first, second)));
}

static inline ernn_four ernn_four_zero(void)
{
    const ernn_four zero = {wasm_i32x4_const_splat(0), wasm_i32x4_const_splat(0)};
    return zero;
}

typedef struct {
    ernn_four rows_0, rows_4, rows_8, rows_12;
} ernn_sixteen;

static inline ernn_sixteen ernn_sixteen_zero(void)
{
    const ernn_four zero = ernn_four_zero();
    const ernn_sixteen zeros = {zero, zero, zero, zero};
    return zeros;
}

static inline ernn_sixteen ernn_sixteen_add(ernn_sixteen s, const int8_t *weight, v128_t x)
{
    s.rows_0 = ernn_four_add(s.rows_0, weight, x);
    s.rows_4 = ernn_four_add(s.rows_4, weight + 16, x);
    s.rows_8 = ernn_four_add(s.rows_8, weight + 32, x);
    s.rows_12 = ernn_four_add(s.rows_12, weight + 48, x);
    return s;
}

static inline void ernn_sixteen_add_to(int32_t *sum, ernn_sixteen s)
{
    ernn_four_add_to(sum, s.rows_0);
    ernn_four_add_to(sum + 4, s.rows_4);
    ernn_four_add_to(sum + 8, s.rows_8);
    ernn_four_add_to(sum + 12, s.rows_12);
}

/* Adds the products of four rows; groups lie `stride` bytes apart. */
static inline void ernn_add_quarter(const int8_t *weight, size_t stride, const int16_t *work, size_t columns,
                                    int32_t *sum)
{
    ernn_four s = ernn_four_zero();
    for (size_t c = 0; c < columns; c += 4, weight += stride) {
        s = ernn_four_add(s, weight, wasm_v128_load64_splat(work + c));
    }
    ernn_four_add_to(sum, s);
}

/* Adds the products of a strip of a dense matrix. */
static inline void ernn_add_strip(const int8_t *weight, size_t rows, const int16_t *work, size_t columns, int32_t *sum)
{
    const size_t height = ERNN_UP_TO_FOUR(rows);
    if (height < 16) {
        for (size_t r = 0; r < height; r += 4) {
            ernn_add_quarter(weight + r * 4, height * 4, work, columns, sum + r);
        }
        return;
    }
    ernn_sixteen s = ernn_sixteen_zero();
    for (size_t c = 0; c < columns; c += 4, weight += 64) {
        s = ernn_sixteen_add(s, weight, wasm_v128_load64_splat(work + c));
    }
    ernn_sixteen_add_to(sum, s);
}

static inline void ernn_add_rows_s8(const int8_t *weight, size_t rows, const int8_t *x, const int16_t *work,
                                    size_t columns, int32_t *sum)
{
    (void)x;
    ernn_add_strip(weight, rows, work, columns, sum);
}

static inline void ernn_add_rows_s16(const int8_t *weight, size_t rows, const int16_t *x, const int16_t *work,
                                     size_t columns, int32_t *sum)
{
    (void)x;
    ernn_add_strip(weight, rows, work, columns, sum);
}

/* Adds the products of `count` blocks [16][4]. */
static inline void ernn_add_blocks_of_16(const int8_t *weight, const uint8_t *place, size_t count, const int16_t *work,
                                         int32_t *sum)
{
    ernn_sixteen s = ernn_sixteen_zero();
    for (size_t b = 0; b < count; b++, weight += 64) {
        s = ernn_sixteen_add(s, weight, wasm_v128_load64_splat(work + place[b] * (size_t)4));
    }
    ernn_sixteen_add_to(sum, s);
}

/* Adds the products of `count` blocks [4][4]. */
static inline void ernn_add_blocks_of_4(const int8_t *weight, const uint8_t *place, size_t count, const int16_t *work,
                                        int32_t *sum)
{
    ernn_four s = ernn_four_zero();
    for (size_t b = 0; b < count; b++, weight += 16) {
        s = ernn_four_add(s, weight, wasm_v128_load64_splat(work + place[b] * (size_t)4));
    }
    ernn_four_add_to(sum, s);
}

static inline void ernn_add_packed_blocks_s8(const int8_t *weight, size_t height, const uint8_t *place, size_t count,
                                             const int8_t *x, const int16_t *work, int32_t *sum)
{
    (void)x;
    if (height == 16) {
        ernn_add_blocks_of_16(weight, place, count, work, sum);
    } else {
        ernn_add_blocks_of_4(weight, place, count, work, sum);
    }
}

static inline void ernn_add_packed_blocks_s16(const int8_t *weight, size_t height, const uint8_t *place, size_t count,
                                              const int16_t *x, const int16_t *work, int32_t *sum)
{
    (void)x;
    if (height == 16) {
        ernn_add_blocks_of_16(weight, place, count, work, sum);
    } else {
        ernn_add_blocks_of_4(weight, place, count, work, sum);
    }
}

/* The high halves of the 64-bit products of four sums and multipliers, for ernn_finish. */
static inline v128_t ernn_high_product(v128_t sum, v128_t multiplier)
{
    const v128_t low = wasm_i64x2_extmul_low_i32x4(sum, multiplier);
    const v128_t high = wasm_i64x2_extmul_high_i32x4(sum, multiplier);
    return wasm_i32x4_shuffle(low, high, 1, 3, 5, 7);
}

/* sum * 2^left, as ernn_finish saturates it */
static inline v128_t ernn_lift(v128_t sum, int left)
{
    const int32_t most = INT32_MAX >> left;
    const v128_t inside = wasm_i32x4_max(wasm_i32x4_min(sum, wasm_i32x4_splat(most)), wasm_i32x4_splat(-most));
    return wasm_i32x4_shl(inside, (uint32_t)left);
}

/* Vectors have one shift for all lanes, so that each lane has its own here; what follows is ernn_finish's rounding. */
static inline v128_t ernn_shift_lanes(v128_t x, const uint8_t *shift)
{
    const v128_t y = wasm_i32x4_make(wasm_i32x4_extract_lane(x, 0) >> (shift[0] - 1),
                                     wasm_i32x4_extract_lane(x, 1) >> (shift[1] - 1),
                                     wasm_i32x4_extract_lane(x, 2) >> (shift[2] - 1),
                                     wasm_i32x4_extract_lane(x, 3) >> (shift[3] - 1));
    return wasm_i32x4_shr(wasm_i32x4_add(y, wasm_i32x4_const_splat(1)), 1);
}

/* ernn_finish of four rows */
static inline v128_t ernn_finish_four(const int32_t *sum, const int32_t *multiplier, const uint8_t *shift, int left)
{
    const v128_t s = wasm_v128_load(sum);
    return ernn_shift_lanes(ernn_high_product(left != 0 ? ernn_lift(s, left) : s, wasm_v128_load(multiplier)), shift);
}

static inline void ernn_finish_s16(const int32_t *sum, const int32_t *multiplier, const uint8_t *shift, int left,
                                   size_t rows, int16_t *y)
{
    size_t r = 0;
    for (; r + 4 <= rows; r += 4) {
        const v128_t four = ernn_finish_four(sum + r, multiplier + r, shift + r, left);
        wasm_v128_store64_lane(y + r, wasm_i16x8_narrow_i32x4(four, four), 0);
    }
    for (size_t rest = rows % 4; rest > 0; rest--, r++) { /* counted so that no compiler makes vectors of it */
        y[r] = ernn_saturate_s16(ernn_finish(sum[r], multiplier[r], shift[r], left));
    }
}

static inline void ernn_finish_s8(const int32_t *sum, const int32_t *multiplier, const uint8_t *shift, int left,
                                  size_t rows, int zero_point, int8_t *y)
{
    const v128_t zero = wasm_i32x4_splat(zero_point);
    size_t r = 0;
    for (; r + 4 <= rows; r += 4) {
        const v128_t four = wasm_i32x4_add(ernn_finish_four(sum + r, multiplier + r, shift + r, left), zero);
        const v128_t narrow = wasm_i16x8_narrow_i32x4(four, four);
        wasm_v128_store32_lane(y + r, wasm_i8x16_narrow_i16x8(narrow, narrow), 0);
    }
    for (size_t rest = rows % 4; rest > 0; rest--, r++) {
        y[r] = ernn_saturate_s8(ernn_finish(sum[r], multiplier[r], shift[r], left) + zero_point);
    }
}

#endif
