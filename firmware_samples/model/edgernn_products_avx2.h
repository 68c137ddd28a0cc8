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
#define ERNN_HAS_STRIPS_S8_S16
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

/* s + the sum of |x| over the negative ones of 16 x, in two lanes of 64 bits. */
static inline __m128i ernn_add_negative_s8(__m128i s, __m128i x)
{
    const __m128i none = _mm_setzero_si128();
    const __m128i size = _mm_and_si128(_mm_cmpgt_epi8(none, x), _mm_abs_epi8(x));
    return _mm_add_epi64(s, _mm_sad_epu8(size, none));
}

/* The sum of |x| over the negative x. */
static inline int32_t ernn_negative_s8(const int8_t *x, size_t columns)
{
    __m128i s = _mm_setzero_si128();
    for (; columns >= 16; columns -= 16, x += 16) {
        s = ernn_add_negative_s8(s, _mm_loadu_si128((const __m128i *)(const void *)x));
    }
    for (; columns >= 4; columns -= 4, x += 4) {
        int32_t four;
        memcpy(&four, x, sizeof four);
        s = ernn_add_negative_s8(s, _mm_cvtsi32_si128(four));
    }
    s = _mm_add_epi64(s, _mm_unpackhi_epi64(s, s));
    int32_t sum = _mm_cvtsi128_si32(s);
    for (size_t c = 0; c < columns; c++) {
        sum += x[c] < 0 ? -x[c] : 0;
    }
    return sum;
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

/* ernn_finish of eight rows. */
static inline __m256i ernn_finish_rows(__m256i sum, const int32_t *multiplier, const uint8_t *shift, int left)
{
    const __m256i one = _mm256_set1_epi32(1);
    const __m256i bits = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)shift));
    const __m256i high = ernn_high_words(left == 0 ? sum : ernn_lift(sum, left), ernn_load(multiplier));
    const __m256i twice = _mm256_srav_epi32(high, _mm256_sub_epi32(bits, one));
    return _mm256_srai_epi32(_mm256_add_epi32(twice, one), 1);
}

/* 16 rows; the upper eight and the lower eight. */
static inline void ernn_store_strip_s16(__m256i upper, __m256i lower, const int32_t *multiplier, const uint8_t *shift,
                                        int left, int16_t *y)
{
    const __m256i first = ernn_finish_rows(upper, multiplier, shift, left);
    const __m256i second = ernn_finish_rows(lower, multiplier + 8, shift + 8, left);
    const __m256i packed = _mm256_permute4x64_epi64(_mm256_packs_epi32(first, second), 0xd8);
    _mm256_storeu_si256((__m256i *)(void *)y, packed);
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

/* The products of a group of two strips `strip` bytes apart, less |x| of every negative x. */
static inline void ernn_add_two_groups_s8(const int8_t *weight, size_t strip, __m256i four, ernn_two_strips *s)
{
    const __m256i size = _mm256_abs_epi8(four), negative = _mm256_cmpgt_epi8(_mm256_setzero_si256(), four);
    s->rows[0] = ernn_add_products(s->rows[0], size, _mm256_xor_si256(negative, ernn_load(weight)));
    s->rows[1] = ernn_add_products(s->rows[1], size, _mm256_xor_si256(negative, ernn_load(weight + 32)));
    s->rows[2] = ernn_add_products(s->rows[2], size, _mm256_xor_si256(negative, ernn_load(weight + strip)));
    s->rows[3] = ernn_add_products(s->rows[3], size, _mm256_xor_si256(negative, ernn_load(weight + strip + 32)));
}

static inline void ernn_add_two_strips_s8(const int8_t *weight, size_t strip, const int8_t *x, size_t columns,
                                          ernn_two_strips *s)
{
    for (; columns >= 4; columns -= 4, x += 4, weight += 64) {
        ernn_add_two_groups_s8(weight, strip, ernn_four_inputs_s8(x), s);
    }
    if (columns != 0) {
        ernn_add_two_groups_s8(weight, strip, ernn_last_inputs_s8(x, columns), s);
    }
}

static inline size_t ernn_strips_s8_s16(const ernn_linear *layer, const int8_t *x, const int16_t *work,
                                        int16_t *y)
{
    (void)work;
    const size_t strip = ERNN_STRIP * ERNN_UP_TO_FOUR(layer->columns);
    const __m256i less = _mm256_set1_epi32(ernn_negative_s8(x, layer->columns));
    const int8_t *weight = layer->weight;
    size_t r = 0;
    for (; r + 32 <= layer->rows; r += 32, weight += 2 * strip) {
        const int32_t *bias = layer->bias + r, *multiplier = layer->multiplier + r;
        const uint8_t *shift = layer->shift + r;
        ernn_two_strips s;
        for (size_t i = 0; i < 4; i++) {
            s.rows[i] = _mm256_add_epi32(ernn_load(bias + 8 * i), less);
        }
        ernn_add_two_strips_s8(weight, strip, x, layer->columns, &s);
        ernn_store_strip_s16(s.rows[0], s.rows[1], multiplier, shift, layer->left, y + r);
        ernn_store_strip_s16(s.rows[2], s.rows[3], multiplier + 16, shift + 16, layer->left, y + r + 16);
    }
    return r;
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
