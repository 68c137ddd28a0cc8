/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products by SSE2, which every x86-64 has: a vector is a group of 4 rows and 4 columns. edgernn_products.h includes
 * this file.
 *
 * PMADDWD multiplies int16_t and adds neighbours: of a group first the even columns, then the odd ones, so that a lane
 * of the sums is a row. `work` has a group's inputs in this order, as int16_t: x0, x2, x1, x3.
 */
#ifndef EDGERNN_PRODUCTS_SSE2_H
#define EDGERNN_PRODUCTS_SSE2_H

#include <emmintrin.h>
#include <string.h>

#define ERNN_HAS_SEVERAL_S8_S16
#define ERNN_HAS_STRIPS_S8_S16
#define ERNN_HAS_EXPAND_S8
#define ERNN_HAS_ADD_ROWS_S8
#define ERNN_HAS_ADD_PACKED_BLOCKS_S8
#define ERNN_HAS_EXPAND_S16
#define ERNN_HAS_ADD_ROWS_S16
#define ERNN_HAS_ADD_PACKED_BLOCKS_S16
#define ERNN_HAS_FINISH_S16
#define ERNN_HAS_FINISH_S8

static inline __m128i ernn_load(const void *p)
{
    return _mm_loadu_si128((const __m128i *)p);
}

static inline void ernn_store(void *p, __m128i x)
{
    _mm_storeu_si128((__m128i *)p, x);
}

/* ---- inputs ---- */

/* Two groups in the order of `work`. */
static inline __m128i ernn_even_before_odd(__m128i x)
{
    return _mm_shufflehi_epi16(_mm_shufflelo_epi16(x, _MM_SHUFFLE(3, 1, 2, 0)), _MM_SHUFFLE(3, 1, 2, 0));
}

/* Where column c of a group lies in `work`. */
static inline size_t ernn_place_in_work(size_t c)
{
    return c / 4 * 4 + c % 2 * 2 + c % 4 / 2;
}

static inline void ernn_expand_s8(const int8_t *x, size_t columns, int16_t *work)
{
    size_t c = 0;
    for (; c + 8 <= columns; c += 8) {
        const __m128i eight = _mm_loadl_epi64((const __m128i *)(const void *)(x + c));
        ernn_store(work + c, ernn_even_before_odd(_mm_srai_epi16(_mm_unpacklo_epi8(eight, eight), 8)));
    }
    for (const size_t end = ERNN_UP_TO_FOUR(columns); c < end; c++) {
        work[ernn_place_in_work(c)] = c < columns ? x[c] : 0;
    }
}

static inline void ernn_expand_s16(const int16_t *x, size_t columns, int16_t *work)
{
    size_t c = 0;
    for (; c + 8 <= columns; c += 8) {
        ernn_store(work + c, ernn_even_before_odd(ernn_load(x + c)));
    }
    for (const size_t end = ERNN_UP_TO_FOUR(columns); c < end; c++) {
        work[ernn_place_in_work(c)] = c < columns ? x[c] : 0;
    }
}

/* A group's inputs, its even columns in every lane and its odd ones. */
typedef struct {
    __m128i even, odd;
} ernn_inputs;

static inline ernn_inputs ernn_group_inputs(const int16_t *work)
{
    const __m128i four = _mm_loadl_epi64((const __m128i *)(const void *)work);
    const ernn_inputs inputs = {_mm_shuffle_epi32(four, 0x00), _mm_shuffle_epi32(four, 0x55)};
    return inputs;
}

/* ---- products ---- */

/*
 * The weights in the high halves of int16_t, which take one instruction each: 256 times what they are. The sum of the
 * products of int8_t is 256 times what it is, too, and fits an int32_t for ERNN_GROUPS groups: 512 columns.
 */
#define ERNN_GROUPS 128

static inline __m128i ernn_even_weights(__m128i weight)
{
    return _mm_slli_epi16(weight, 8);
}

static inline __m128i ernn_odd_weights(__m128i weight)
{
    return _mm_and_si128(weight, _mm_set1_epi16(-256));
}

/* Adds 256 times the products of a group. */
static inline __m128i ernn_add_group_s8(__m128i s, const int8_t *weight, ernn_inputs x)
{
    const __m128i four = ernn_load(weight);
    s = _mm_add_epi32(s, _mm_madd_epi16(ernn_even_weights(four), x.even));
    return _mm_add_epi32(s, _mm_madd_epi16(ernn_odd_weights(four), x.odd));
}

static inline __m128i ernn_add_group_s16(__m128i s, const int8_t *weight, ernn_inputs x)
{
    const __m128i four = ernn_load(weight);
    s = _mm_add_epi32(s, _mm_madd_epi16(_mm_srai_epi16(_mm_slli_epi16(four, 8), 8), x.even));
    return _mm_add_epi32(s, _mm_madd_epi16(_mm_srai_epi16(four, 8), x.odd));
}

/* The sums of 16 rows. */
typedef struct {
    __m128i rows_0, rows_4, rows_8, rows_12;
} ernn_sixteen;

static inline ernn_sixteen ernn_sixteen_load(const int32_t *sum)
{
    const ernn_sixteen s = {ernn_load(sum), ernn_load(sum + 4), ernn_load(sum + 8), ernn_load(sum + 12)};
    return s;
}

static inline void ernn_sixteen_store(int32_t *sum, ernn_sixteen s)
{
    ernn_store(sum, s.rows_0);
    ernn_store(sum + 4, s.rows_4);
    ernn_store(sum + 8, s.rows_8);
    ernn_store(sum + 12, s.rows_12);
}

static inline ernn_sixteen ernn_sixteen_zero(void)
{
    const __m128i zero = _mm_setzero_si128();
    const ernn_sixteen zeros = {zero, zero, zero, zero};
    return zeros;
}

static inline ernn_sixteen ernn_sixteen_add_s8(ernn_sixteen s, const int8_t *weight, ernn_inputs x)
{
    s.rows_0 = ernn_add_group_s8(s.rows_0, weight, x);
    s.rows_4 = ernn_add_group_s8(s.rows_4, weight + 16, x);
    s.rows_8 = ernn_add_group_s8(s.rows_8, weight + 32, x);
    s.rows_12 = ernn_add_group_s8(s.rows_12, weight + 48, x);
    return s;
}

static inline ernn_sixteen ernn_sixteen_add_s16(ernn_sixteen s, const int8_t *weight, ernn_inputs x)
{
    s.rows_0 = ernn_add_group_s16(s.rows_0, weight, x);
    s.rows_4 = ernn_add_group_s16(s.rows_4, weight + 16, x);
    s.rows_8 = ernn_add_group_s16(s.rows_8, weight + 32, x);
    s.rows_12 = ernn_add_group_s16(s.rows_12, weight + 48, x);
    return s;
}

/* s + part / 256 */
static inline ernn_sixteen ernn_sixteen_add_part(ernn_sixteen s, ernn_sixteen part)
{
    s.rows_0 = _mm_add_epi32(s.rows_0, _mm_srai_epi32(part.rows_0, 8));
    s.rows_4 = _mm_add_epi32(s.rows_4, _mm_srai_epi32(part.rows_4, 8));
    s.rows_8 = _mm_add_epi32(s.rows_8, _mm_srai_epi32(part.rows_8, 8));
    s.rows_12 = _mm_add_epi32(s.rows_12, _mm_srai_epi32(part.rows_12, 8));
    return s;
}

/* 256 times the products of up to ERNN_GROUPS groups of a whole strip. */
static inline ernn_sixteen ernn_part_of_strip_s8(const int8_t *weight, const int16_t *work, size_t groups)
{
    ernn_sixteen part = ernn_sixteen_zero();
    for (; groups != 0; groups--, weight += 64, work += 4) {
        part = ernn_sixteen_add_s8(part, weight, ernn_group_inputs(work));
    }
    return part;
}

/* 256 times the products of up to ERNN_GROUPS blocks of 16 rows. */
static inline ernn_sixteen ernn_part_of_blocks_s8(const int8_t *weight, const uint8_t *place, size_t blocks,
                                                  const int16_t *work)
{
    ernn_sixteen part = ernn_sixteen_zero();
    for (; blocks != 0; blocks--, weight += 64, place++) {
        part = ernn_sixteen_add_s8(part, weight, ernn_group_inputs(work + place[0] * (size_t)4));
    }
    return part;
}

static inline void ernn_add_strip_s8(const int8_t *weight, const int16_t *work, size_t groups, int32_t *sum)
{
    for (size_t g = 0; g < groups; g += ERNN_GROUPS) {
        const size_t count = groups - g < ERNN_GROUPS ? groups - g : ERNN_GROUPS;
        const ernn_sixteen part = ernn_part_of_strip_s8(weight + g * 64, work + g * 4, count);
        ernn_sixteen_store(sum, ernn_sixteen_add_part(ernn_sixteen_load(sum), part));
    }
}

static inline void ernn_add_blocks_of_16_s8(const int8_t *weight, const uint8_t *place, size_t blocks,
                                            const int16_t *work, int32_t *sum)
{
    for (size_t b = 0; b < blocks; b += ERNN_GROUPS) {
        const size_t count = blocks - b < ERNN_GROUPS ? blocks - b : ERNN_GROUPS;
        const ernn_sixteen part = ernn_part_of_blocks_s8(weight + b * 64, place + b, count, work);
        ernn_sixteen_store(sum, ernn_sixteen_add_part(ernn_sixteen_load(sum), part));
    }
}

/* Adds the products of four rows whose groups lie `stride` bytes apart. Few enough for one way for both inputs. */
static inline void ernn_add_four(const int8_t *weight, size_t stride, const int16_t *work, size_t columns,
                                    int32_t *sum)
{
    __m128i s = ernn_load(sum);
    for (size_t c = 0; c < columns; c += 4, weight += stride) {
        s = ernn_add_group_s16(s, weight, ernn_group_inputs(work + c));
    }
    ernn_store(sum, s);
}

static inline void ernn_add_rows_s8(const int8_t *weight, size_t rows, const int8_t *x, const int16_t *work,
                                    size_t columns, int32_t *sum)
{
    const size_t height = ERNN_UP_TO_FOUR(rows);
    (void)x;
    if (height == ERNN_STRIP) {
        ernn_add_strip_s8(weight, work, ERNN_UP_TO_FOUR(columns) / 4, sum);
        return;
    }
    for (size_t r = 0; r < height; r += 4) {
        ernn_add_four(weight + r * 4, height * 4, work, columns, sum + r);
    }
}

static inline void ernn_add_rows_s16(const int8_t *weight, size_t rows, const int16_t *x, const int16_t *work,
                                     size_t columns, int32_t *sum)
{
    const size_t height = ERNN_UP_TO_FOUR(rows);
    (void)x;
    if (height == ERNN_STRIP) {
        ernn_sixteen s = ernn_sixteen_load(sum);
        for (size_t c = 0; c < columns; c += 4, weight += 64) {
            s = ernn_sixteen_add_s16(s, weight, ernn_group_inputs(work + c));
        }
        ernn_sixteen_store(sum, s);
        return;
    }
    for (size_t r = 0; r < height; r += 4) {
        ernn_add_four(weight + r * 4, height * 4, work, columns, sum + r);
    }
}

/* Adds the products of `count` blocks [4][4]. */
static inline void ernn_add_low_blocks(const int8_t *weight, const uint8_t *place, size_t count, const int16_t *work,
                                       int32_t *sum)
{
    __m128i s = ernn_load(sum);
    for (; count != 0; count--, place++, weight += 16) {
        s = ernn_add_group_s16(s, weight, ernn_group_inputs(work + place[0] * (size_t)4));
    }
    ernn_store(sum, s);
}

static inline void ernn_add_packed_blocks_s8(const int8_t *weight, size_t height, const uint8_t *place, size_t count,
                                             const int8_t *x, const int16_t *work, int32_t *sum)
{
    (void)x;
    if (height == 16) {
        ernn_add_blocks_of_16_s8(weight, place, count, work, sum);
    } else {
        ernn_add_low_blocks(weight, place, count, work, sum);
    }
}

static inline void ernn_add_packed_blocks_s16(const int8_t *weight, size_t height, const uint8_t *place, size_t count,
                                              const int16_t *x, const int16_t *work, int32_t *sum)
{
    (void)x;
    if (height != 16) {
        ernn_add_low_blocks(weight, place, count, work, sum);
        return;
    }
    ernn_sixteen s = ernn_sixteen_load(sum);
    for (; count != 0; count--, place++, weight += 64) {
        s = ernn_sixteen_add_s16(s, weight, ernn_group_inputs(work + place[0] * (size_t)4));
    }
    ernn_sixteen_store(sum, s);
}

/* ---- sums to outputs ---- */

/* The high words of four products without signs. */
static inline __m128i ernn_high_words_unsigned(__m128i a, __m128i b)
{
    const __m128i even = _mm_mul_epu32(a, b);
    const __m128i odd = _mm_mul_epu32(_mm_srli_epi64(a, 32), _mm_srli_epi64(b, 32));
    return _mm_unpacklo_epi32(_mm_shuffle_epi32(even, _MM_SHUFFLE(0, 0, 3, 1)),
                              _mm_shuffle_epi32(odd, _MM_SHUFFLE(0, 0, 3, 1)));
}

/* The same of a sum and a multiplier, which is not negative. */
static inline __m128i ernn_high_words(__m128i sum, __m128i multiplier)
{
    const __m128i negative = _mm_srai_epi32(sum, 31);
    return _mm_sub_epi32(ernn_high_words_unsigned(sum, multiplier), _mm_and_si128(multiplier, negative));
}

/* chosen ? a : b */
static inline __m128i ernn_select(__m128i chosen, __m128i a, __m128i b)
{
    return _mm_or_si128(_mm_and_si128(chosen, a), _mm_andnot_si128(chosen, b));
}

static inline __m128i ernn_lift(__m128i sum, int left)
{
    const __m128i most = _mm_set1_epi32(INT32_MAX >> left), least = _mm_set1_epi32(-(INT32_MAX >> left));
    const __m128i below = ernn_select(_mm_cmpgt_epi32(sum, most), most, sum);
    return _mm_sll_epi32(ernn_select(_mm_cmplt_epi32(below, least), least, below), _mm_cvtsi32_si128(left));
}

/* What takes four rows to their outputs. SSE2 shifts all lanes by the same, but can multiply each by its own power of
 * two; 2^31, too large for the conversion, becomes INT32_MIN, which has the same bits. */
typedef struct {
    __m128i multiplier;
    __m128i half;  /* 2^(shift - 1) */
    __m128i power; /* 2^(32 - shift) */
    int left;
} ernn_scale;

static inline ernn_scale ernn_scale_of(const int32_t *multiplier, const uint8_t *shift, int left)
{
    int32_t bytes;
    memcpy(&bytes, shift, sizeof bytes);
    const __m128i none = _mm_setzero_si128();
    const __m128i wide = _mm_unpacklo_epi16(_mm_unpacklo_epi8(_mm_cvtsi32_si128(bytes), none), none);
    const __m128i exponent = _mm_slli_epi32(wide, 23); /* of a float, whose bias is 127 */
    const __m128i half = _mm_add_epi32(_mm_set1_epi32((127 - 1) << 23), exponent);
    const __m128i power = _mm_sub_epi32(_mm_set1_epi32((int32_t)((127 + 32) * (INT64_C(1) << 23))), exponent);
    const ernn_scale scale = {ernn_load(multiplier), _mm_cvttps_epi32(_mm_castsi128_ps(half)),
                              _mm_cvttps_epi32(_mm_castsi128_ps(power)), left};
    return scale;
}

/* ernn_finish of four rows: floor((high + 2^31 + half) / 2^shift), which is positive, less 2^31 / 2^shift. A high word
 * is at most 2^30 from 0. */
static inline __m128i ernn_finish_four(__m128i sum, ernn_scale scale)
{
    const __m128i high = ernn_high_words(scale.left == 0 ? sum : ernn_lift(sum, scale.left), scale.multiplier);
    const __m128i above = _mm_xor_si128(_mm_add_epi32(high, scale.half), _mm_set1_epi32(INT32_MIN));
    return _mm_sub_epi32(ernn_high_words_unsigned(above, scale.power), _mm_srli_epi32(scale.power, 1));
}

static inline __m128i ernn_finish_rows(__m128i sum, const int32_t *multiplier, const uint8_t *shift, int left)
{
    return ernn_finish_four(sum, ernn_scale_of(multiplier, shift, left));
}

static inline void ernn_finish_s16(const int32_t *sum, const int32_t *multiplier, const uint8_t *shift, int left,
                                   size_t rows, int16_t *y)
{
    size_t r = 0;
    for (; r + 4 <= rows; r += 4) {
        const __m128i four = ernn_finish_rows(ernn_load(sum + r), multiplier + r, shift + r, left);
        _mm_storel_epi64((__m128i *)(void *)(y + r), _mm_packs_epi32(four, four));
    }
    for (; r < rows; r++) {
        y[r] = ernn_saturate_s16(ernn_finish(sum[r], multiplier[r], shift[r], left));
    }
}

static inline void ernn_finish_s8(const int32_t *sum, const int32_t *multiplier, const uint8_t *shift, int left,
                                  size_t rows, int zero_point, int8_t *y)
{
    size_t r = 0;
    for (; r + 4 <= rows; r += 4) {
        const __m128i real = ernn_finish_rows(ernn_load(sum + r), multiplier + r, shift + r, left);
        const __m128i four = _mm_add_epi32(real, _mm_set1_epi32(zero_point));
        const int32_t bytes = _mm_cvtsi128_si32(_mm_packs_epi16(_mm_packs_epi32(four, four), _mm_setzero_si128()));
        memcpy(y + r, &bytes, sizeof bytes);
    }
    for (; r < rows; r++) {
        y[r] = ernn_saturate_s8(ernn_finish(sum[r], multiplier[r], shift[r], left) + zero_point);
    }
}

static inline void ernn_sixteen_finish_s16(ernn_sixteen s, const int32_t *multiplier, const uint8_t *shift, int left,
                                           int16_t *y)
{
    const __m128i rows_0 = ernn_finish_rows(s.rows_0, multiplier, shift, left);
    const __m128i rows_4 = ernn_finish_rows(s.rows_4, multiplier + 4, shift + 4, left);
    ernn_store(y, _mm_packs_epi32(rows_0, rows_4));
    const __m128i rows_8 = ernn_finish_rows(s.rows_8, multiplier + 8, shift + 8, left);
    const __m128i rows_12 = ernn_finish_rows(s.rows_12, multiplier + 12, shift + 12, left);
    ernn_store(y + 8, _mm_packs_epi32(rows_8, rows_12));
}

static inline size_t ernn_strips_s8_s16(const ernn_linear *layer, const int8_t *x, const int16_t *work, int16_t *y)
{
    const size_t columns = ERNN_UP_TO_FOUR(layer->columns);
    size_t r = 0;
    (void)x;
    for (; columns / 4 <= ERNN_GROUPS && r + 16 <= layer->rows; r += 16) {
        const ernn_sixteen part = ernn_part_of_strip_s8(layer->weight + r * columns, work, columns / 4);
        const ernn_sixteen s = ernn_sixteen_add_part(ernn_sixteen_load(layer->bias + r), part);
        ernn_sixteen_finish_s16(s, layer->multiplier + r, layer->shift + r, layer->left, y + r);
    }
    return r;
}

/* ---- several inputs at once ---- */

#define ERNN_SEVERAL 8
#define ERNN_SEVERAL_COLUMNS 256 /* at most; more take more stack, and the matrix is read for every input */

/* The inputs of a group: [even or odd][input]. */
typedef struct {
    __m128i x[2][ERNN_SEVERAL];
} ernn_group_of_several;

static inline void ernn_expand_several_s8(const int8_t *x, size_t columns, ernn_group_of_several *groups)
{
    for (size_t i = 0; i < ERNN_SEVERAL; i++, x += columns) {
        int16_t work[ERNN_SEVERAL_COLUMNS];
        ernn_expand_s8(x, columns, work);
        for (size_t c = 0; c < columns; c += 4) {
            const ernn_inputs inputs = ernn_group_inputs(work + c);
            groups[c / 4].x[0][i] = inputs.even;
            groups[c / 4].x[1][i] = inputs.odd;
        }
    }
}

/* The sums of four rows: named, for an array would live in memory. */
typedef struct {
    __m128i s0, s1, s2, s3, s4, s5, s6, s7;
} ernn_several_sums;

/* Adds 256 times the products of a group and one input. */
static inline __m128i ernn_add_one_of_several(__m128i s, __m128i even, __m128i odd,
                                              const ernn_group_of_several *group, size_t i)
{
    const __m128i products = _mm_add_epi32(_mm_madd_epi16(group->x[0][i], even), _mm_madd_epi16(group->x[1][i], odd));
    return _mm_add_epi32(s, products);
}

static inline ernn_several_sums ernn_add_group_of_several(ernn_several_sums s, const int8_t *weight,
                                                          const ernn_group_of_several *group)
{
    const __m128i four = ernn_load(weight), even = ernn_even_weights(four), odd = ernn_odd_weights(four);
    s.s0 = ernn_add_one_of_several(s.s0, even, odd, group, 0);
    s.s1 = ernn_add_one_of_several(s.s1, even, odd, group, 1);
    s.s2 = ernn_add_one_of_several(s.s2, even, odd, group, 2);
    s.s3 = ernn_add_one_of_several(s.s3, even, odd, group, 3);
    s.s4 = ernn_add_one_of_several(s.s4, even, odd, group, 4);
    s.s5 = ernn_add_one_of_several(s.s5, even, odd, group, 5);
    s.s6 = ernn_add_one_of_several(s.s6, even, odd, group, 6);
    s.s7 = ernn_add_one_of_several(s.s7, even, odd, group, 7);
    return s;
}

/* Four rows of one input. */
static inline void ernn_store_one_of_several(__m128i sum, __m128i bias, ernn_scale scale, int16_t *y)
{
    const __m128i real = ernn_finish_four(_mm_add_epi32(bias, _mm_srai_epi32(sum, 8)), scale);
    _mm_storel_epi64((__m128i *)(void *)y, _mm_packs_epi32(real, real));
}

/* What the outputs of four rows are made of; their groups lie `stride` bytes apart. */
typedef struct {
    const int8_t *weight;
    size_t stride;
    const int32_t *bias, *multiplier;
    const uint8_t *shift;
    int left;
} ernn_four_rows;

/* Four rows from bias to output; the outputs of the inputs lie `step` apart. */
static inline void ernn_four_rows_of_several(const ernn_four_rows *rows, const ernn_group_of_several *groups,
                                             size_t columns, int16_t *y, size_t step)
{
    const __m128i none = _mm_setzero_si128();
    ernn_several_sums s = {none, none, none, none, none, none, none, none};
    const int8_t *weight = rows->weight;
    for (size_t c = 0; c < columns; c += 4, weight += rows->stride, groups++) {
        s = ernn_add_group_of_several(s, weight, groups);
    }
    const __m128i bias = ernn_load(rows->bias);
    const ernn_scale scale = ernn_scale_of(rows->multiplier, rows->shift, rows->left);
    ernn_store_one_of_several(s.s0, bias, scale, y);
    ernn_store_one_of_several(s.s1, bias, scale, y + step);
    ernn_store_one_of_several(s.s2, bias, scale, y + 2 * step);
    ernn_store_one_of_several(s.s3, bias, scale, y + 3 * step);
    ernn_store_one_of_several(s.s4, bias, scale, y + 4 * step);
    ernn_store_one_of_several(s.s5, bias, scale, y + 5 * step);
    ernn_store_one_of_several(s.s6, bias, scale, y + 6 * step);
    ernn_store_one_of_several(s.s7, bias, scale, y + 7 * step);
}

/* The same of the last rows, 1 to 3, by way of memory that has room for four. */
static inline void ernn_last_rows_of_several(ernn_four_rows rows, size_t count, const ernn_group_of_several *groups,
                                             size_t columns, int16_t *y, size_t step)
{
    int32_t bias[4] = {0}, multiplier[4] = {0};
    uint8_t shift[4] = {1, 1, 1, 1};
    int16_t all[ERNN_SEVERAL * 4];
    for (size_t r = 0; r < count; r++) {
        bias[r] = rows.bias[r], multiplier[r] = rows.multiplier[r], shift[r] = rows.shift[r];
    }
    rows.bias = bias, rows.multiplier = multiplier, rows.shift = shift;
    ernn_four_rows_of_several(&rows, groups, columns, all, 4);
    for (size_t i = 0; i < ERNN_SEVERAL; i++) {
        memcpy(y + i * step, all + 4 * i, count * sizeof all[0]);
    }
}

static inline void ernn_rows_of_several(const ernn_linear *layer, const ernn_group_of_several *groups, int16_t *y)
{
    const size_t columns = layer->columns;
    for (size_t r = 0; r < layer->rows; r += 4) {
        const size_t top = r / ERNN_STRIP * ERNN_STRIP, below = layer->rows - top;
        const size_t height = below < ERNN_STRIP ? ERNN_UP_TO_FOUR(below) : ERNN_STRIP;
        const int8_t *weight = layer->weight + top * ERNN_UP_TO_FOUR(columns) + (r - top) * 4;
        const ernn_four_rows rows = {weight, height * 4, layer->bias + r, layer->multiplier + r, layer->shift + r,
                                     layer->left};
        if (r + 4 <= layer->rows) {
            ernn_four_rows_of_several(&rows, groups, columns, y + r, layer->rows);
        } else {
            ernn_last_rows_of_several(rows, layer->rows - r, groups, columns, y + r, layer->rows);
        }
    }
}

static inline size_t ernn_several_s8_s16(const ernn_linear *layer, const int8_t *x, size_t count, int16_t *y)
{
    ernn_group_of_several groups[ERNN_SEVERAL_COLUMNS / 4];
    size_t done = 0;
    for (; layer->columns <= ERNN_SEVERAL_COLUMNS && count - done >= ERNN_SEVERAL; done += ERNN_SEVERAL) {
        ernn_expand_several_s8(x + done * layer->columns, layer->columns, groups);
        ernn_rows_of_several(layer, groups, y + done * layer->rows);
    }
    return done;
}

#endif
