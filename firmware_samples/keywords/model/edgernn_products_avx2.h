/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products by AVX2: a group of 8 rows and 4 columns is one vector. edgernn_products.h includes this file.
 *
 * VPMADDUBSW multiplies uint8_t by int8_t: |x| by the weight with x's sign, which is exact, since no weight is -128
 * and two products fit an int16_t. Where many rows read an x, a negative one takes ~weight instead of -weight, which
 * is weight + 1 less: then every row lacks the sum of |x| over the negative x, and begins with it.
 */
#ifndef EDGERNN_PRODUCTS_AVX2_H
#define EDGERNN_PRODUCTS_AVX2_H

#include <immintrin.h>
#include <string.h>

#define ERNN_ROWS 32
#define ERNN_HAS_EXPAND_S8
#define ERNN_HAS_STRIPS_S8_S16
#define ERNN_HAS_BACKWARD_S8_S16
#define ERNN_HAS_BLOCK_ROWS_S8_S16
#define ERNN_HAS_ADD_ROWS_S8
#define ERNN_HAS_ADD_PACKED_BLOCKS_S8
#define ERNN_HAS_ADD_ROWS_S16
#define ERNN_HAS_ADD_PACKED_BLOCKS_S16
#define ERNN_HAS_FINISH_S16

static inline __m256i ernn_load(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

/* The weights of a group: 32 bytes, or of four rows 16, and zeros. */
static inline __m256i ernn_load_group(const int8_t *weight, size_t rows)
{
    const __m128i *p = (const __m128i *)(const void *)weight;
    return rows >= 8 ? ernn_load(weight) : _mm256_inserti128_si256(_mm256_setzero_si256(), _mm_loadu_si128(p), 0);
}

/* The sums of eight rows, or of four. */
static inline __m256i ernn_load_sums(const int32_t *sum, size_t rows)
{
    const __m128i *p = (const __m128i *)(const void *)sum;
    return rows >= 8 ? ernn_load(sum) : _mm256_inserti128_si256(_mm256_setzero_si256(), _mm_loadu_si128(p), 0);
}

static inline void ernn_store_sums(int32_t *sum, __m256i s, size_t rows)
{
    if (rows >= 8) {
        _mm256_storeu_si256((__m256i *)(void *)sum, s);
    } else {
        _mm_storeu_si128((__m128i *)(void *)sum, _mm256_castsi256_si128(s));
    }
}

/* Four inputs in every lane. */
static inline __m256i ernn_four_inputs_s8(const int8_t *x)
{
    int32_t four;
    memcpy(&four, x, sizeof four);
    return _mm256_set1_epi32(four);
}

/* The last group's inputs, 1 to 3; its other columns have weights of 0. */
static inline __m256i ernn_last_inputs_s8(const int8_t *x, size_t count)
{
    uint32_t four = 0;
    for (size_t c = 0; c < count; c++) {
        four |= (uint32_t)(uint8_t)x[c] << (8 * c);
    }
    return _mm256_set1_epi32((int32_t)four);
}

/* s + the products of a group, of |x| and weights that have the signs of x. */
static inline __m256i ernn_add_products(__m256i s, __m256i size, __m256i weight)
{
#ifdef __AVXVNNI__
    return _mm256_dpbusd_avx_epi32(s, size, weight);
#else
    return _mm256_add_epi32(s, _mm256_madd_epi16(_mm256_maddubs_epi16(size, weight), _mm256_set1_epi16(1)));
#endif
}

static inline __m256i ernn_add_group_s8(__m256i s, __m256i weight, __m256i four)
{
    return ernn_add_products(s, _mm256_abs_epi8(four), _mm256_sign_epi8(weight, four));
}

/* `work` has |x| as uint8_t, of all columns up to a multiple of 4, then ~0 for every negative x, otherwise 0. */
static inline void ernn_expand_s8(const int8_t *x, size_t columns, int16_t *work)
{
    const size_t end = ERNN_UP_TO_FOUR(columns);
    uint8_t *size = (uint8_t *)work, *negative = size + end;
    size_t c = 0;
    for (; c + 32 <= columns; c += 32) {
        const __m256i all = ernn_load(x + c);
        _mm256_storeu_si256((__m256i *)(void *)(size + c), _mm256_abs_epi8(all));
        _mm256_storeu_si256((__m256i *)(void *)(negative + c), _mm256_cmpgt_epi8(_mm256_setzero_si256(), all));
    }
    for (; c < end; c += 4) {
        const __m256i four = columns - c < 4 ? ernn_last_inputs_s8(x + c, columns - c) : ernn_four_inputs_s8(x + c);
        const int32_t sizes = _mm256_cvtsi256_si32(_mm256_abs_epi8(four));
        const int32_t negatives = _mm256_cvtsi256_si32(_mm256_cmpgt_epi8(_mm256_setzero_si256(), four));
        memcpy(size + c, &sizes, sizeof sizes);
        memcpy(negative + c, &negatives, sizeof negatives);
    }
}

/* A group's inputs, in every lane. */
typedef struct {
    __m256i size, negative;
} ernn_inputs;

/* Those of the group that begins at `column`, of `columns`, a multiple of 4. */
static inline ernn_inputs ernn_group_inputs(const int16_t *work, size_t column, size_t columns)
{
    const int8_t *size = (const int8_t *)work;
    const ernn_inputs inputs = {ernn_four_inputs_s8(size + column), ernn_four_inputs_s8(size + columns + column)};
    return inputs;
}

/* The products of a group, less |x| of every negative x. */
static inline __m256i ernn_add_group_less(__m256i s, __m256i weight, ernn_inputs x)
{
    return ernn_add_products(s, x.size, _mm256_xor_si256(x.negative, weight));
}

/* s + the sum of |x| over the negative ones of 16 x, in two lanes of 64 bits. */
static inline __m128i ernn_add_negative_s8(__m128i s, __m128i size, __m128i negative)
{
    return _mm_add_epi64(s, _mm_sad_epu8(_mm_and_si128(size, negative), _mm_setzero_si128()));
}

/* The sum of |x| over the negative x, in every lane. */
static inline __m256i ernn_negative_s8(const int16_t *work, size_t columns)
{
    const int8_t *size = (const int8_t *)work, *negative = size + columns;
    __m128i s = _mm_setzero_si128();
    size_t c = 0;
    for (; c + 16 <= columns; c += 16) {
        s = ernn_add_negative_s8(s, _mm_loadu_si128((const __m128i *)(const void *)(size + c)),
                                 _mm_loadu_si128((const __m128i *)(const void *)(negative + c)));
    }
    for (; c < columns; c += 4) {
        int32_t sizes, negatives;
        memcpy(&sizes, size + c, sizeof sizes);
        memcpy(&negatives, negative + c, sizeof negatives);
        s = ernn_add_negative_s8(s, _mm_cvtsi32_si128(sizes), _mm_cvtsi32_si128(negatives));
    }
    return _mm256_broadcastd_epi32(_mm_add_epi64(s, _mm_unpackhi_epi64(s, s)));
}

/* The high words of eight products. */
static inline __m256i ernn_high_words(__m256i a, __m256i b)
{
    const __m256i even = _mm256_mul_epi32(a, b);
    const __m256i odd = _mm256_mul_epi32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32));
    return _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
}

static inline __m256i ernn_lift(__m256i sum, int left)
{
    const __m256i most = _mm256_set1_epi32(INT32_MAX >> left), least = _mm256_set1_epi32(-(INT32_MAX >> left));
    return _mm256_sll_epi32(_mm256_max_epi32(_mm256_min_epi32(sum, most), least), _mm_cvtsi32_si128(left));
}

/* ernn_finish of eight rows, of multipliers and shift - 1. */
static inline __m256i ernn_finish_eight(__m256i sum, __m256i multiplier, __m256i half, int left)
{
    const __m256i one = _mm256_set1_epi32(1);
    const __m256i high = ernn_high_words(left == 0 ? sum : ernn_lift(sum, left), multiplier);
    return _mm256_srai_epi32(_mm256_add_epi32(_mm256_srav_epi32(high, half), one), 1);
}

/* What takes 16 rows to their outputs: the upper eight and the lower eight. */
typedef struct {
    __m256i multiplier[2], half[2];
} ernn_scale;

static inline ernn_scale ernn_strip_scale(const int32_t *multiplier, const uint8_t *shift)
{
    const __m128i bits = _mm_loadu_si128((const __m128i *)(const void *)shift);
    const __m128i half = _mm_sub_epi8(bits, _mm_set1_epi8(1));
    const ernn_scale scale = {{ernn_load(multiplier), ernn_load(multiplier + 8)},
                              {_mm256_cvtepu8_epi32(half), _mm256_cvtepu8_epi32(_mm_srli_si128(half, 8))}};
    return scale;
}

static inline void ernn_store_scaled_s16(__m256i upper, __m256i lower, const ernn_scale *scale, int left, int16_t *y)
{
    const __m256i first = ernn_finish_eight(upper, scale->multiplier[0], scale->half[0], left);
    const __m256i second = ernn_finish_eight(lower, scale->multiplier[1], scale->half[1], left);
    const __m256i packed = _mm256_permute4x64_epi64(_mm256_packs_epi32(first, second), 0xd8);
    _mm256_storeu_si256((__m256i *)(void *)y, packed);
}

static inline void ernn_store_strip_s16(__m256i upper, __m256i lower, const int32_t *multiplier, const uint8_t *shift,
                                        int left, int16_t *y)
{
    const ernn_scale scale = ernn_strip_scale(multiplier, shift);
    ernn_store_scaled_s16(upper, lower, &scale, left, y);
}

static inline void ernn_finish_s16(const int32_t *sum, const int32_t *multiplier, const uint8_t *shift, int left,
                                   size_t rows, int16_t *y)
{
    size_t r = 0;
    for (; r + 16 <= rows; r += 16) {
        ernn_store_strip_s16(ernn_load(sum + r), ernn_load(sum + r + 8), multiplier + r, shift + r, left, y + r);
    }
    for (; r < rows; r++) {
        y[r] = ernn_saturate_s16(ernn_finish(sum[r], multiplier[r], shift[r], left));
    }
}

/* The sums of two strips, eight rows each. */
typedef struct {
    __m256i rows[4];
} ernn_two_strips;

/* Two strips from bias to output, those from row r. `less` is what every sum lacks. */
static inline void ernn_two_strips_s8_s16(const ernn_linear *layer, size_t r, const int16_t *work, __m256i less,
                                          int16_t *y)
{
    const size_t columns = ERNN_UP_TO_FOUR(layer->columns), strip = ERNN_STRIP * columns;
    const int32_t *bias = layer->bias + r, *multiplier = layer->multiplier + r;
    const uint8_t *shift = layer->shift + r;
    const int8_t *weight = layer->weight + r * columns;
    ernn_two_strips s;
    for (size_t i = 0; i < 4; i++) {
        s.rows[i] = _mm256_add_epi32(ernn_load(bias + 8 * i), less);
    }
    for (size_t c = 0; c < columns; c += 4, weight += 64) {
        const ernn_inputs x = ernn_group_inputs(work, c, columns);
        s.rows[0] = ernn_add_group_less(s.rows[0], ernn_load(weight), x);
        s.rows[1] = ernn_add_group_less(s.rows[1], ernn_load(weight + 32), x);
        s.rows[2] = ernn_add_group_less(s.rows[2], ernn_load(weight + strip), x);
        s.rows[3] = ernn_add_group_less(s.rows[3], ernn_load(weight + strip + 32), x);
    }
    ernn_store_strip_s16(s.rows[0], s.rows[1], multiplier, shift, layer->left, y + r);
    ernn_store_strip_s16(s.rows[2], s.rows[3], multiplier + 16, shift + 16, layer->left, y + r + 16);
}

static inline size_t ernn_strips_s8_s16(const ernn_linear *layer, const int8_t *x, const int16_t *work,
                                        int16_t *y)
{
    const __m256i less = ernn_negative_s8(work, ERNN_UP_TO_FOUR(layer->columns));
    size_t r = 0;
    (void)x;
    for (; r + 32 <= layer->rows; r += 32) {
        ernn_two_strips_s8_s16(layer, r, work, less, y);
    }
    return r;
}

/* The same from the last two strips to the first. */
static inline size_t ernn_backward_s8_s16(const ernn_linear *layer, const int8_t *x, const int16_t *work, int16_t *y)
{
    const __m256i less = ernn_negative_s8(work, ERNN_UP_TO_FOUR(layer->columns));
    const size_t whole = layer->rows - layer->rows % 32;
    (void)x;
    for (size_t r = whole; r != 0; r -= 32) {
        ernn_two_strips_s8_s16(layer, r - 32, work, less, y);
    }
    return whole;
}

/* Adds the products of eight rows, or of four; the weights of their groups lie `stride` bytes apart. */
static inline void ernn_add_eight_rows_s8(const int8_t *weight, size_t stride, size_t rows, const int8_t *x,
                                          size_t columns, int32_t *sum)
{
    __m256i s = ernn_load_sums(sum, rows);
    for (; columns >= 4; columns -= 4, x += 4, weight += stride) {
        const __m256i four = ernn_four_inputs_s8(x);
        s = ernn_add_group_s8(s, ernn_load_group(weight, rows), four);
    }
    if (columns != 0) {
        const __m256i four = ernn_last_inputs_s8(x, columns);
        s = ernn_add_group_s8(s, ernn_load_group(weight, rows), four);
    }
    ernn_store_sums(sum, s, rows);
}

static inline void ernn_add_rows_s8(const int8_t *weight, size_t rows, const int8_t *x, const int16_t *work,
                                    size_t columns, int32_t *sum)
{
    (void)work;
    for (size_t top = 0; top < rows; top += ERNN_STRIP, weight += ERNN_STRIP * ERNN_UP_TO_FOUR(columns)) {
        const size_t height = rows - top < ERNN_STRIP ? ERNN_UP_TO_FOUR(rows - top) : ERNN_STRIP;
        for (size_t r = 0; r < height; r += 8) {
            ernn_add_eight_rows_s8(weight + r * 4, height * 4, height - r, x, columns, sum + top + r);
        }
    }
}

/* Adds the products of a row of blocks, eight rows of it or four; the blocks lie `stride` bytes apart. */
static inline void ernn_add_eight_block_rows_s8(const int8_t *weight, size_t stride, size_t rows,
                                                const uint8_t *place, size_t count, const int8_t *x, int32_t *sum)
{
    __m256i s = ernn_load_sums(sum, rows);
    for (; count != 0; count--, place++, weight += stride) {
        const __m256i four = ernn_four_inputs_s8(x + place[0] * 4);
        s = ernn_add_group_s8(s, ernn_load_group(weight, rows), four);
    }
    ernn_store_sums(sum, s, rows);
}

static inline void ernn_add_packed_blocks_s8(const int8_t *weight, size_t height, const uint8_t *place, size_t count,
                                             const int8_t *x, const int16_t *work, int32_t *sum)
{
    (void)work;
    for (size_t r = 0; r < height; r += 8) {
        ernn_add_eight_block_rows_s8(weight + r * 4, height * 4, height - r, place, count, x, sum + r);
    }
}

static inline size_t ernn_block_rows_s8_s16(const ernn_sparse_linear *layer, const int8_t *x, const int16_t *work,
                                            int16_t *y)
{
    (void)work;
    const int8_t *weight = layer->weight;
    const uint8_t *place = layer->place;
    size_t r = 0;
    if (layer->block_rows != 16 || layer->block_columns != 4) {
        return 0;
    }
    for (; r < layer->rows; r += 16) {
        __m256i upper = ernn_load(layer->bias + r), lower = ernn_load(layer->bias + r + 8);
        for (size_t count = layer->count[r / 16]; count != 0; count--, place++, weight += 64) {
            const __m256i four = ernn_four_inputs_s8(x + place[0] * 4);
            upper = ernn_add_group_s8(upper, ernn_load(weight), four);
            lower = ernn_add_group_s8(lower, ernn_load(weight + 32), four);
        }
        ernn_store_strip_s16(upper, lower, layer->multiplier + r, layer->shift + r, layer->left, y + r);
    }
    return r;
}

/* Four inputs in every lane of 64 bits. */
static inline __m256i ernn_four_inputs_s16(const int16_t *x)
{
    int64_t four;
    memcpy(&four, x, sizeof four);
    return _mm256_set1_epi64x(four);
}

/* The last group's inputs, 1 to 3. */
static inline __m256i ernn_last_inputs_s16(const int16_t *x, size_t count)
{
    uint64_t four = 0;
    for (size_t c = 0; c < count; c++) {
        four |= (uint64_t)(uint16_t)x[c] << (16 * c);
    }
    return _mm256_set1_epi64x((int64_t)four);
}

/* The sums of eight rows, two lanes a row, which are yet to be added: rows 0 to 3, rows 4 to 7. */
typedef struct {
    __m256i upper, lower;
} ernn_pairs;

static inline void ernn_add_group_s16(__m256i weight, __m256i four, ernn_pairs *s)
{
    const __m256i upper = _mm256_cvtepi8_epi16(_mm256_castsi256_si128(weight));
    const __m256i lower = _mm256_cvtepi8_epi16(_mm256_extracti128_si256(weight, 1));
    s->upper = _mm256_add_epi32(s->upper, _mm256_madd_epi16(upper, four));
    s->lower = _mm256_add_epi32(s->lower, _mm256_madd_epi16(lower, four));
}

static inline void ernn_add_pairs(ernn_pairs s, size_t rows, int32_t *sum)
{
    const __m256i products = _mm256_permute4x64_epi64(_mm256_hadd_epi32(s.upper, s.lower), 0xd8);
    ernn_store_sums(sum, _mm256_add_epi32(ernn_load_sums(sum, rows), products), rows);
}

static inline void ernn_add_eight_rows_s16(const int8_t *weight, size_t stride, size_t rows, const int16_t *x,
                                           size_t columns, int32_t *sum)
{
    ernn_pairs s = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (; columns >= 4; columns -= 4, x += 4, weight += stride) {
        ernn_add_group_s16(ernn_load_group(weight, rows), ernn_four_inputs_s16(x), &s);
    }
    if (columns != 0) {
        ernn_add_group_s16(ernn_load_group(weight, rows), ernn_last_inputs_s16(x, columns), &s);
    }
    ernn_add_pairs(s, rows, sum);
}

static inline void ernn_add_rows_s16(const int8_t *weight, size_t rows, const int16_t *x, const int16_t *work,
                                     size_t columns, int32_t *sum)
{
    (void)work;
    for (size_t top = 0; top < rows; top += ERNN_STRIP, weight += ERNN_STRIP * ERNN_UP_TO_FOUR(columns)) {
        const size_t height = rows - top < ERNN_STRIP ? ERNN_UP_TO_FOUR(rows - top) : ERNN_STRIP;
        for (size_t r = 0; r < height; r += 8) {
            ernn_add_eight_rows_s16(weight + r * 4, height * 4, height - r, x, columns, sum + top + r);
        }
    }
}

static inline void ernn_add_packed_blocks_s16(const int8_t *weight, size_t height, const uint8_t *place, size_t count,
                                              const int16_t *x, const int16_t *work, int32_t *sum)
{
    (void)work;
    for (size_t r = 0; r < height; r += 8) {
        ernn_pairs s = {_mm256_setzero_si256(), _mm256_setzero_si256()};
        for (size_t b = 0; b < count; b++) {
            const __m256i group = ernn_load_group(weight + b * height * 4 + r * 4, height - r);
            ernn_add_group_s16(group, ernn_four_inputs_s16(x + place[b] * 4), &s);
        }
        ernn_add_pairs(s, height - r, sum + r);
    }
}

#endif
