/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products by AVX-512 VNNI: a group of 16 rows and 4 columns is one vector. edgernn_products.h includes this file.
 *
 * VPDPBUSD reads x as uint8_t: x + 128, which is x with its highest bit flipped; ERNN_BIAS takes that off again.
 */
#ifndef EDGERNN_PRODUCTS_AVX512_H
#define EDGERNN_PRODUCTS_AVX512_H

#include <immintrin.h>
#include <string.h>

#define ERNN_ROWS 64
#define ERNN_HAS_BEGIN
#define ERNN_HAS_STRIPS_S8_S16
#define ERNN_HAS_BACKWARD_S8_S16
#define ERNN_HAS_BLOCK_ROWS_S8_S16
#define ERNN_HAS_ADD_ROWS_S8
#define ERNN_HAS_ADD_PACKED_BLOCKS_S8
#define ERNN_HAS_ADD_ROWS_S16
#define ERNN_HAS_ADD_PACKED_BLOCKS_S16
#define ERNN_HAS_FINISH_S16
#define ERNN_HAS_FINISH_S8

/* The first `count` lanes, at most 16. */
static inline __mmask16 ernn_first(size_t count)
{
    return (__mmask16)((1u << count) - 1);
}

static inline void ernn_begin(const int32_t *bias, size_t rows, int32_t *sum)
{
    for (; rows >= 16; rows -= 16, bias += 16, sum += 16) {
        _mm512_storeu_si512(sum, _mm512_loadu_si512(bias));
    }
    if (rows != 0) {
        _mm512_storeu_si512(sum, _mm512_maskz_loadu_epi32(ernn_first(rows), bias));
    }
}

/* Four inputs in every lane, unsigned. */
static inline __m512i ernn_four_inputs_s8(const int8_t *x)
{
    int32_t four;
    memcpy(&four, x, sizeof four);
    return _mm512_xor_si512(_mm512_set1_epi32(four), _mm512_set1_epi8(INT8_MIN));
}

/* The last group's inputs, 1 to 3; its other columns have weights of 0. */
static inline __m512i ernn_last_inputs_s8(const int8_t *x, size_t count)
{
    uint32_t four = 0;
    for (size_t c = 0; c < count; c++) {
        four |= (uint32_t)(uint8_t)x[c] << (8 * c);
    }
    return _mm512_xor_si512(_mm512_set1_epi32((int32_t)four), _mm512_set1_epi8(INT8_MIN));
}

/* The high words of 16 products. */
static inline __m512i ernn_high_words(__m512i a, __m512i b)
{
    const __m512i even = _mm512_mul_epi32(a, b);
    const __m512i odd = _mm512_mul_epi32(_mm512_srli_epi64(a, 32), _mm512_srli_epi64(b, 32));
    return _mm512_mask_shuffle_epi32(odd, 0x5555, even, _MM_PERM_DDBB);
}

static inline __m512i ernn_lift(__m512i sum, int left)
{
    const __m512i most = _mm512_set1_epi32(INT32_MAX >> left), least = _mm512_set1_epi32(-(INT32_MAX >> left));
    return _mm512_sll_epi32(_mm512_max_epi32(_mm512_min_epi32(sum, most), least), _mm_cvtsi32_si128(left));
}

/* ernn_finish of 16 rows. */
static inline __m512i ernn_finish_strip(__m512i sum, __m512i multiplier, __m128i shift, int left)
{
    const __m512i one = _mm512_set1_epi32(1);
    const __m512i lifted = left == 0 ? sum : ernn_lift(sum, left);
    const __m512i half = _mm512_sub_epi32(_mm512_cvtepu8_epi32(shift), one);
    const __m512i twice = _mm512_srav_epi32(ernn_high_words(lifted, multiplier), half);
    return _mm512_srai_epi32(_mm512_add_epi32(twice, one), 1);
}

/* The same of rows in memory; `count` of them, at most 16. */
static inline __m512i ernn_finish_rows(const int32_t *sum, const int32_t *multiplier, const uint8_t *shift, int left,
                                       size_t count)
{
    const __mmask16 first = ernn_first(count);
    return ernn_finish_strip(_mm512_loadu_si512(sum), _mm512_maskz_loadu_epi32(first, multiplier),
                             _mm_maskz_loadu_epi8(first, shift), left);
}

static inline void ernn_store_strip_s16(__m512i sum, const int32_t *multiplier, const uint8_t *shift, int left,
                                        int16_t *y)
{
    const __m128i bits = _mm_loadu_si128((const __m128i *)(const void *)shift);
    const __m512i real = ernn_finish_strip(sum, _mm512_loadu_si512(multiplier), bits, left);
    _mm256_storeu_si256((__m256i *)(void *)y, _mm512_cvtsepi32_epi16(real));
}

static inline void ernn_finish_s16(const int32_t *sum, const int32_t *multiplier, const uint8_t *shift, int left,
                                   size_t rows, int16_t *y)
{
    for (; rows >= 16; rows -= 16, sum += 16, multiplier += 16, shift += 16, y += 16) {
        ernn_store_strip_s16(_mm512_loadu_si512(sum), multiplier, shift, left, y);
    }
    if (rows != 0) {
        const __m512i real = ernn_finish_rows(sum, multiplier, shift, left, rows);
        _mm256_mask_storeu_epi16(y, ernn_first(rows), _mm512_cvtsepi32_epi16(real));
    }
}

static inline void ernn_finish_s8(const int32_t *sum, const int32_t *multiplier, const uint8_t *shift, int left,
                                  size_t rows, int zero_point, int8_t *y)
{
    for (size_t r = 0; r < rows; r += 16) {
        const size_t count = rows - r < 16 ? rows - r : 16;
        const __m512i real = ernn_finish_rows(sum + r, multiplier + r, shift + r, left, count);
        const __m512i moved = _mm512_add_epi32(real, _mm512_set1_epi32(zero_point));
        _mm_mask_storeu_epi8(y + r, ernn_first(count), _mm512_cvtsepi32_epi8(moved));
    }
}

/* The sums of two strips, those of odd groups apart: so no product waits for the one before. */
typedef struct {
    __m512i upper[2], lower[2];
} ernn_two_strips;

/* The products of a group, number `odd` modulo 2, of two strips `strip` bytes apart. */
static inline void ernn_add_group_s8(const int8_t *weight, size_t strip, __m512i four, int odd, ernn_two_strips *s)
{
    s->upper[odd] = _mm512_dpbusd_epi32(s->upper[odd], four, _mm512_loadu_si512(weight));
    s->lower[odd] = _mm512_dpbusd_epi32(s->lower[odd], four, _mm512_loadu_si512(weight + strip));
}

/* All products of two strips. Four groups share one load of x: the loads are what takes the time. */
static inline void ernn_add_two_strips_s8(const int8_t *weight, size_t strip, const int8_t *x, size_t columns,
                                          ernn_two_strips *s)
{
    for (; columns >= 16; columns -= 16, x += 16, weight += 256) {
        const __m128i inputs = _mm_loadu_si128((const __m128i *)(const void *)x);
        const __m512i all = _mm512_xor_si512(_mm512_broadcast_i32x4(inputs), _mm512_set1_epi8(INT8_MIN));
        ernn_add_group_s8(weight, strip, _mm512_shuffle_epi32(all, _MM_PERM_AAAA), 0, s);
        ernn_add_group_s8(weight + 64, strip, _mm512_shuffle_epi32(all, _MM_PERM_BBBB), 1, s);
        ernn_add_group_s8(weight + 128, strip, _mm512_shuffle_epi32(all, _MM_PERM_CCCC), 0, s);
        ernn_add_group_s8(weight + 192, strip, _mm512_shuffle_epi32(all, _MM_PERM_DDDD), 1, s);
    }
    for (; columns >= 4; columns -= 4, x += 4, weight += 64) {
        ernn_add_group_s8(weight, strip, ernn_four_inputs_s8(x), 0, s);
    }
    if (columns != 0) {
        ernn_add_group_s8(weight, strip, ernn_last_inputs_s8(x, columns), 1, s);
    }
}

/* Two strips from bias to output, those from row r. */
static inline void ernn_two_strips_s8_s16(const ernn_linear *layer, size_t r, const int8_t *x, int16_t *y)
{
    const size_t strip = ERNN_STRIP * ERNN_UP_TO_FOUR(layer->columns);
    const int32_t *bias = layer->bias + r, *multiplier = layer->multiplier + r;
    const uint8_t *shift = layer->shift + r;
    ernn_two_strips s = {{_mm512_loadu_si512(bias), _mm512_setzero_si512()},
                         {_mm512_loadu_si512(bias + 16), _mm512_setzero_si512()}};
    ernn_add_two_strips_s8(layer->weight + r / ERNN_STRIP * strip, strip, x, layer->columns, &s);
    ernn_store_strip_s16(_mm512_add_epi32(s.upper[0], s.upper[1]), multiplier, shift, layer->left, y + r);
    ernn_store_strip_s16(_mm512_add_epi32(s.lower[0], s.lower[1]), multiplier + 16, shift + 16, layer->left,
                         y + r + 16);
}

static inline size_t ernn_strips_s8_s16(const ernn_linear *layer, const int8_t *x, const int16_t *work,
                                        int16_t *y)
{
    (void)work;
    size_t r = 0;
    for (; r + 32 <= layer->rows; r += 32) {
        ernn_two_strips_s8_s16(layer, r, x, y);
    }
    return r;
}

/* The same from the last two strips to the first. */
static inline size_t ernn_backward_s8_s16(const ernn_linear *layer, const int8_t *x, const int16_t *work, int16_t *y)
{
    (void)work;
    const size_t whole = layer->rows - layer->rows % 32;
    for (size_t r = whole; r != 0; r -= 32) {
        ernn_two_strips_s8_s16(layer, r - 32, x, y);
    }
    return whole;
}

/* A strip of any height: what is beyond it is not read. */
static inline void ernn_add_strip_s8(const int8_t *weight, size_t height, const int8_t *x, size_t columns,
                                     int32_t *sum)
{
    const __mmask16 first = ernn_first(height);
    __m512i s = _mm512_loadu_si512(sum);
    for (; columns >= 4; columns -= 4, x += 4, weight += height * 4) {
        s = _mm512_dpbusd_epi32(s, ernn_four_inputs_s8(x), _mm512_maskz_loadu_epi32(first, weight));
    }
    if (columns != 0) {
        s = _mm512_dpbusd_epi32(s, ernn_last_inputs_s8(x, columns), _mm512_maskz_loadu_epi32(first, weight));
    }
    _mm512_storeu_si512(sum, s);
}

static inline void ernn_add_rows_s8(const int8_t *weight, size_t rows, const int8_t *x, const int16_t *work,
                                    size_t columns, int32_t *sum)
{
    const size_t strip = ERNN_STRIP * ERNN_UP_TO_FOUR(columns);
    (void)work;
    for (; rows >= 16; rows -= 16, weight += strip, sum += 16) {
        ernn_add_strip_s8(weight, 16, x, columns, sum);
    }
    if (rows != 0) {
        ernn_add_strip_s8(weight, ERNN_UP_TO_FOUR(rows), x, columns, sum);
    }
}

/* The sums of a row of blocks of 16 rows. */
static inline __m512i ernn_blocks_s8(__m512i s, const int8_t *weight, const uint8_t *place, size_t count,
                                     const int8_t *x)
{
    __m512i odd = _mm512_setzero_si512();
    for (; count >= 2; count -= 2, place += 2, weight += 128) {
        s = _mm512_dpbusd_epi32(s, ernn_four_inputs_s8(x + place[0] * 4), _mm512_loadu_si512(weight));
        odd = _mm512_dpbusd_epi32(odd, ernn_four_inputs_s8(x + place[1] * 4), _mm512_loadu_si512(weight + 64));
    }
    if (count != 0) {
        s = _mm512_dpbusd_epi32(s, ernn_four_inputs_s8(x + place[0] * 4), _mm512_loadu_si512(weight));
    }
    return _mm512_add_epi32(s, odd);
}

/* The sums of a row of blocks of 4 rows. */
static inline __m128i ernn_low_blocks_s8(__m128i s, const int8_t *weight, const uint8_t *place, size_t count,
                                         const int8_t *x)
{
    for (; count != 0; count--, place++, weight += 16) {
        const __m128i four = _mm512_castsi512_si128(ernn_four_inputs_s8(x + place[0] * 4));
        s = _mm_dpbusd_epi32(s, four, _mm_loadu_si128((const __m128i *)(const void *)weight));
    }
    return s;
}

static inline void ernn_store_four_s16(__m128i sum, const int32_t *multiplier, const uint8_t *shift, int left,
                                       int16_t *y)
{
    int32_t bits;
    memcpy(&bits, shift, sizeof bits);
    const __m512i factor = _mm512_zextsi128_si512(_mm_loadu_si128((const __m128i *)(const void *)multiplier));
    const __m512i real = ernn_finish_strip(_mm512_zextsi128_si512(sum), factor, _mm_cvtsi32_si128(bits), left);
    _mm_storel_epi64((__m128i *)(void *)y, _mm256_castsi256_si128(_mm512_cvtsepi32_epi16(real)));
}

static inline size_t ernn_block_rows_s8_s16(const ernn_sparse_linear *layer, const int8_t *x, const int16_t *work,
                                            int16_t *y)
{
    (void)work;
    const size_t height = layer->block_rows;
    const int8_t *weight = layer->weight;
    const uint8_t *place = layer->place;
    size_t r = 0;
    for (; ERNN_IS_PACKED_BLOCK(height, layer->block_columns) && r < layer->rows; r += height) {
        const size_t count = layer->count[r / height];
        const int32_t *bias = layer->bias + r, *multiplier = layer->multiplier + r;
        const uint8_t *shift = layer->shift + r;
        if (height == 16) {
            const __m512i sum = ernn_blocks_s8(_mm512_loadu_si512(bias), weight, place, count, x);
            ernn_store_strip_s16(sum, multiplier, shift, layer->left, y + r);
        } else {
            const __m128i first = _mm_loadu_si128((const __m128i *)(const void *)bias);
            const __m128i sum = ernn_low_blocks_s8(first, weight, place, count, x);
            ernn_store_four_s16(sum, multiplier, shift, layer->left, y + r);
        }
        weight += count * height * 4, place += count;
    }
    return r;
}

static inline void ernn_add_packed_blocks_s8(const int8_t *weight, size_t height, const uint8_t *place, size_t count,
                                             const int8_t *x, const int16_t *work, int32_t *sum)
{
    (void)work;
    if (height == 16) {
        _mm512_storeu_si512(sum, ernn_blocks_s8(_mm512_loadu_si512(sum), weight, place, count, x));
    } else {
        __m128i *low = (__m128i *)(void *)sum;
        _mm_storeu_si128(low, ernn_low_blocks_s8(_mm_loadu_si128(low), weight, place, count, x));
    }
}

/* Four inputs in every lane of 64 bits. */
static inline __m512i ernn_four_inputs_s16(const int16_t *x)
{
    int64_t four;
    memcpy(&four, x, sizeof four);
    return _mm512_set1_epi64(four);
}

/* The last group's inputs, 1 to 3. */
static inline __m512i ernn_last_inputs_s16(const int16_t *x, size_t count)
{
    uint64_t four = 0;
    for (size_t c = 0; c < count; c++) {
        four |= (uint64_t)(uint16_t)x[c] << (16 * c);
    }
    return _mm512_set1_epi64((int64_t)four);
}

/* The sums of 16 rows, two lanes a row, which are yet to be added: rows 0 to 7, rows 8 to 15. */
typedef struct {
    __m512i upper, lower;
} ernn_pairs;

/* The products of a group of `height` rows. */
static inline void ernn_add_group_s16(const int8_t *weight, size_t height, __m512i four, ernn_pairs *s)
{
    const __mmask16 first = ernn_first(height);
    const __m256i upper = _mm256_maskz_loadu_epi32((__mmask8)first, weight);
    const __m256i lower = _mm256_maskz_loadu_epi32((__mmask8)(first >> 8), weight + 32);
    s->upper = _mm512_dpwssd_epi32(s->upper, _mm512_cvtepi8_epi16(upper), four);
    s->lower = _mm512_dpwssd_epi32(s->lower, _mm512_cvtepi8_epi16(lower), four);
}

static inline void ernn_add_pairs(ernn_pairs s, int32_t *sum)
{
    const __m512i even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    const __m512i odd = _mm512_set_epi32(31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
    const __m512i products = _mm512_add_epi32(_mm512_permutex2var_epi32(s.upper, even, s.lower),
                                              _mm512_permutex2var_epi32(s.upper, odd, s.lower));
    _mm512_storeu_si512(sum, _mm512_add_epi32(_mm512_loadu_si512(sum), products));
}

static inline void ernn_add_strip_s16(const int8_t *weight, size_t height, const int16_t *x, size_t columns,
                                      int32_t *sum)
{
    ernn_pairs s = {_mm512_setzero_si512(), _mm512_setzero_si512()};
    for (; columns >= 4; columns -= 4, x += 4, weight += height * 4) {
        ernn_add_group_s16(weight, height, ernn_four_inputs_s16(x), &s);
    }
    if (columns != 0) {
        ernn_add_group_s16(weight, height, ernn_last_inputs_s16(x, columns), &s);
    }
    ernn_add_pairs(s, sum);
}

static inline void ernn_add_rows_s16(const int8_t *weight, size_t rows, const int16_t *x, const int16_t *work,
                                     size_t columns, int32_t *sum)
{
    const size_t strip = ERNN_STRIP * ERNN_UP_TO_FOUR(columns);
    (void)work;
    for (; rows >= 16; rows -= 16, weight += strip, sum += 16) {
        ernn_add_strip_s16(weight, 16, x, columns, sum);
    }
    if (rows != 0) {
        ernn_add_strip_s16(weight, ERNN_UP_TO_FOUR(rows), x, columns, sum);
    }
}

static inline void ernn_add_blocks_of_s16(const int8_t *weight, size_t height, const uint8_t *place, size_t count,
                                          const int16_t *x, int32_t *sum)
{
    ernn_pairs s = {_mm512_setzero_si512(), _mm512_setzero_si512()};
    for (; count != 0; count--, place++, weight += height * 4) {
        ernn_add_group_s16(weight, height, ernn_four_inputs_s16(x + place[0] * 4), &s);
    }
    ernn_add_pairs(s, sum);
}

static inline void ernn_add_packed_blocks_s16(const int8_t *weight, size_t height, const uint8_t *place, size_t count,
                                              const int16_t *x, const int16_t *work, int32_t *sum)
{
    (void)work;
    if (height == 16) {
        ernn_add_blocks_of_s16(weight, 16, place, count, x, sum);
    } else {
        ernn_add_blocks_of_s16(weight, 4, place, count, x, sum);
    }
}

#endif
