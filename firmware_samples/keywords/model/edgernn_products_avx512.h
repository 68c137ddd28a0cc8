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

/* x + 128, for loads that broadcast, and what fills up the last vector: the last group may read 3 of that. */
static inline void ernn_offset_s8(const int8_t *x, size_t n, int8_t *y)
{
    const __m512i offset = _mm512_set1_epi8(INT8_MIN);
    size_t i = 0;
    for (; i + 64 <= n; i += 64) {
        _mm512_storeu_si512(y + i, _mm512_xor_si512(_mm512_loadu_si512(x + i), offset));
    }
    if (i < n) {
        const __mmask64 rest = ((__mmask64)1 << (n - i)) - 1;
        _mm512_storeu_si512(y + i, _mm512_xor_si512(_mm512_maskz_loadu_epi8(rest, x + i), offset));
    }
}

/* Four inputs, which have the offset, in every lane. */
static inline __m512i ernn_four_offset_s8(const int8_t *x)
{
    int32_t four;
    memcpy(&four, x, sizeof four);
    return _mm512_set1_epi32(four);
}

/* What takes 16 rows to their outputs: their multipliers, those of odd rows in the even lanes, and the rounding. */
typedef struct {
    __m512i multiplier, odd, half, shift;
} ernn_scale;

static inline ernn_scale ernn_scale_of(__m512i multiplier, __m512i odd, __m128i shift)
{
    const __m512i bits = _mm512_cvtepu8_epi32(shift), one = _mm512_set1_epi32(1);
    const ernn_scale scale = {multiplier, odd, _mm512_sllv_epi32(one, _mm512_sub_epi32(bits, one)), bits};
    return scale;
}

static inline ernn_scale ernn_load_scale(const int32_t *multiplier, const uint8_t *shift)
{
    const __m512i all = _mm512_loadu_si512(multiplier);
    const __m512 odd = _mm512_movehdup_ps(_mm512_loadu_ps((const void *)multiplier)); /* as it loads, no shuffle */
    return ernn_scale_of(all, _mm512_castps_si512(odd), _mm_loadu_si128((const __m128i *)(const void *)shift));
}

/* The same of `first` rows only. */
static inline ernn_scale ernn_load_first_scale(const int32_t *multiplier, const uint8_t *shift, __mmask16 first)
{
    const __m512i all = _mm512_maskz_loadu_epi32(first, multiplier);
    return ernn_scale_of(all, _mm512_srli_epi64(all, 32), _mm_maskz_loadu_epi8(first, shift));
}

/* Sums times 2^left, clipped where that may not fit. */
static inline __m512i ernn_lift(__m512i sum, int left, int clip)
{
    if (clip != 0) {
        const __m512i most = _mm512_set1_epi32(INT32_MAX >> left), least = _mm512_set1_epi32(-(INT32_MAX >> left));
        sum = _mm512_max_epi32(_mm512_min_epi32(sum, most), least);
    }
    return _mm512_sllv_epi32(sum, _mm512_set1_epi32(left));
}

/* ernn_finish of 16 rows, of lifted sums. The high word of a product, at most 2^30, has room for half of what the
 * shift takes off. */
static inline __m512i ernn_finish_lifted(__m512i sum, ernn_scale scale)
{
    const __m512i even = _mm512_mul_epi32(sum, scale.multiplier);
    const __m512i odd = _mm512_mul_epi32(_mm512_srli_epi64(sum, 32), scale.odd);
    const __m512i high = _mm512_mask_shuffle_epi32(odd, 0x5555, even, _MM_PERM_DDBB);
    return _mm512_srav_epi32(_mm512_add_epi32(high, scale.half), scale.shift);
}

/* ernn_finish of 16 rows. */
static inline __m512i ernn_finish_strip(__m512i sum, ernn_scale scale, int left)
{
    return ernn_finish_lifted(left == 0 ? sum : ernn_lift(sum, left, 1), scale);
}

/* 32 rows to their outputs. */
static inline void ernn_store_two_strips_s16(__m512i upper, __m512i lower, int16_t *y)
{
    const __m512i order = _mm512_set_epi64(7, 5, 3, 1, 6, 4, 2, 0);
    _mm512_storeu_si512(y, _mm512_permutexvar_epi64(order, _mm512_packs_epi32(upper, lower)));
}

static inline void ernn_store_strip_s16(__m512i sum, const int32_t *multiplier, const uint8_t *shift, int left,
                                        int16_t *y)
{
    const __m512i real = ernn_finish_strip(sum, ernn_load_scale(multiplier, shift), left);
    _mm256_storeu_si256((__m256i *)(void *)y, _mm512_cvtsepi32_epi16(real));
}

static inline void ernn_finish_s16(const int32_t *sum, const int32_t *multiplier, const uint8_t *shift, int left,
                                   size_t rows, int16_t *y)
{
    for (; rows >= 16; rows -= 16, sum += 16, multiplier += 16, shift += 16, y += 16) {
        ernn_store_strip_s16(_mm512_loadu_si512(sum), multiplier, shift, left, y);
    }
    if (rows != 0) {
        const __mmask16 first = ernn_first(rows);
        const ernn_scale scale = ernn_load_first_scale(multiplier, shift, first);
        const __m512i real = ernn_finish_strip(_mm512_loadu_si512(sum), scale, left);
        _mm256_mask_storeu_epi16(y, first, _mm512_cvtsepi32_epi16(real));
    }
}

static inline void ernn_finish_s8(const int32_t *sum, const int32_t *multiplier, const uint8_t *shift, int left,
                                  size_t rows, int zero_point, int8_t *y)
{
    for (size_t r = 0; r < rows; r += 16) {
        const __mmask16 first = ernn_first(rows - r < 16 ? rows - r : 16);
        const ernn_scale scale = ernn_load_first_scale(multiplier + r, shift + r, first);
        const __m512i real = ernn_finish_strip(_mm512_loadu_si512(sum + r), scale, left);
        const __m512i moved = _mm512_add_epi32(real, _mm512_set1_epi32(zero_point));
        _mm_mask_storeu_epi8(y + r, first, _mm512_cvtsepi32_epi8(moved));
    }
}

/* The sums of four strips: named, for an array would live in memory. */
typedef struct {
    __m512i s0, s1, s2, s3;
} ernn_four_strips;

/* Adds the products of a group of four strips, `strip` bytes apart. */
static inline ernn_four_strips ernn_add_group_of_four_s8(ernn_four_strips s, const int8_t *weight, size_t strip,
                                                         __m512i four)
{
    s.s0 = _mm512_dpbusd_epi32(s.s0, four, _mm512_loadu_si512(weight));
    s.s1 = _mm512_dpbusd_epi32(s.s1, four, _mm512_loadu_si512(weight + strip));
    s.s2 = _mm512_dpbusd_epi32(s.s2, four, _mm512_loadu_si512(weight + 2 * strip));
    s.s3 = _mm512_dpbusd_epi32(s.s3, four, _mm512_loadu_si512(weight + 3 * strip));
    return s;
}

static inline ernn_four_strips ernn_add_four_strips(ernn_four_strips a, ernn_four_strips b)
{
    a.s0 = _mm512_add_epi32(a.s0, b.s0);
    a.s1 = _mm512_add_epi32(a.s1, b.s1);
    a.s2 = _mm512_add_epi32(a.s2, b.s2);
    a.s3 = _mm512_add_epi32(a.s3, b.s3);
    return a;
}

/* s + all products of four strips. Four groups share one load of x, since the loads are what takes the time; the sums
 * of odd groups are apart, so that no product waits for the one before. */
static inline ernn_four_strips ernn_add_columns_of_four_s8(ernn_four_strips s, const int8_t *weight, size_t strip,
                                                           const int8_t *x, size_t columns)
{
    const __m512i zero = _mm512_setzero_si512();
    ernn_four_strips odd = {zero, zero, zero, zero};
    for (; columns >= 16; columns -= 16, x += 16, weight += 256) {
        const __m128i inputs = _mm_loadu_si128((const __m128i *)(const void *)x);
        const __m512i all = _mm512_xor_si512(_mm512_broadcast_i32x4(inputs), _mm512_set1_epi8(INT8_MIN));
        s = ernn_add_group_of_four_s8(s, weight, strip, _mm512_shuffle_epi32(all, _MM_PERM_AAAA));
        odd = ernn_add_group_of_four_s8(odd, weight + 64, strip, _mm512_shuffle_epi32(all, _MM_PERM_BBBB));
        s = ernn_add_group_of_four_s8(s, weight + 128, strip, _mm512_shuffle_epi32(all, _MM_PERM_CCCC));
        odd = ernn_add_group_of_four_s8(odd, weight + 192, strip, _mm512_shuffle_epi32(all, _MM_PERM_DDDD));
    }
    for (; columns >= 4; columns -= 4, x += 4, weight += 64) {
        s = ernn_add_group_of_four_s8(s, weight, strip, ernn_four_inputs_s8(x));
    }
    if (columns != 0) {
        odd = ernn_add_group_of_four_s8(odd, weight, strip, ernn_last_inputs_s8(x, columns));
    }
    return ernn_add_four_strips(s, odd);
}

static inline ernn_four_strips ernn_lift_four_strips(ernn_four_strips s, int left, int clip)
{
    s.s0 = ernn_lift(s.s0, left, clip);
    s.s1 = ernn_lift(s.s1, left, clip);
    s.s2 = ernn_lift(s.s2, left, clip);
    s.s3 = ernn_lift(s.s3, left, clip);
    return s;
}

/* Four strips from bias to output, those from row r. */
static inline void ernn_four_strips_s8_s16(const ernn_linear *layer, size_t r, const int8_t *x, int16_t *y)
{
    const size_t strip = ERNN_STRIP * ERNN_UP_TO_FOUR(layer->columns);
    const int32_t *bias = layer->bias + r, *multiplier = layer->multiplier + r;
    const uint8_t *shift = layer->shift + r;
    ernn_four_strips s = {_mm512_loadu_si512(bias), _mm512_loadu_si512(bias + 16), _mm512_loadu_si512(bias + 32),
                          _mm512_loadu_si512(bias + 48)};
    s = ernn_add_columns_of_four_s8(s, layer->weight + r / ERNN_STRIP * strip, strip, x, layer->columns);
    if (layer->left != 0) {
        s = ernn_lift_four_strips(s, layer->left, layer->clip);
    }
    s.s0 = ernn_finish_lifted(s.s0, ernn_load_scale(multiplier, shift));
    s.s1 = ernn_finish_lifted(s.s1, ernn_load_scale(multiplier + 16, shift + 16));
    s.s2 = ernn_finish_lifted(s.s2, ernn_load_scale(multiplier + 32, shift + 32));
    s.s3 = ernn_finish_lifted(s.s3, ernn_load_scale(multiplier + 48, shift + 48));
    ernn_store_two_strips_s16(s.s0, s.s1, y + r);
    ernn_store_two_strips_s16(s.s2, s.s3, y + r + 32);
}

/* Two strips from bias to output, those from row r: what four leave. */
static inline void ernn_two_strips_s8_s16(const ernn_linear *layer, size_t r, const int8_t *x, int16_t *y)
{
    const size_t strip = ERNN_STRIP * ERNN_UP_TO_FOUR(layer->columns);
    const int32_t *multiplier = layer->multiplier + r;
    const uint8_t *shift = layer->shift + r;
    const int8_t *weight = layer->weight + r / ERNN_STRIP * strip;
    __m512i upper = _mm512_loadu_si512(layer->bias + r), lower = _mm512_loadu_si512(layer->bias + r + 16);
    __m512i odd_upper = _mm512_setzero_si512(), odd_lower = odd_upper;
    size_t columns = layer->columns;
    for (; columns >= 8; columns -= 8, x += 8, weight += 128) {
        const __m512i even = ernn_four_inputs_s8(x), odd = ernn_four_inputs_s8(x + 4);
        upper = _mm512_dpbusd_epi32(upper, even, _mm512_loadu_si512(weight));
        lower = _mm512_dpbusd_epi32(lower, even, _mm512_loadu_si512(weight + strip));
        odd_upper = _mm512_dpbusd_epi32(odd_upper, odd, _mm512_loadu_si512(weight + 64));
        odd_lower = _mm512_dpbusd_epi32(odd_lower, odd, _mm512_loadu_si512(weight + strip + 64));
    }
    for (; columns != 0; columns -= columns < 4 ? columns : 4, x += 4, weight += 64) {
        const __m512i four = columns < 4 ? ernn_last_inputs_s8(x, columns) : ernn_four_inputs_s8(x);
        upper = _mm512_dpbusd_epi32(upper, four, _mm512_loadu_si512(weight));
        lower = _mm512_dpbusd_epi32(lower, four, _mm512_loadu_si512(weight + strip));
    }
    upper = ernn_finish_strip(_mm512_add_epi32(upper, odd_upper), ernn_load_scale(multiplier, shift), layer->left);
    lower = ernn_finish_strip(_mm512_add_epi32(lower, odd_lower), ernn_load_scale(multiplier + 16, shift + 16),
                              layer->left);
    ernn_store_two_strips_s16(upper, lower, y + r);
}

static inline size_t ernn_strips_s8_s16(const ernn_linear *layer, const int8_t *x, const int16_t *work,
                                        int16_t *y)
{
    (void)work;
    size_t r = 0;
    for (; r + 64 <= layer->rows; r += 64) {
        ernn_four_strips_s8_s16(layer, r, x, y);
    }
    for (; r + 32 <= layer->rows; r += 32) {
        ernn_two_strips_s8_s16(layer, r, x, y);
    }
    return r;
}

/* The same from the last strips to the first. */
static inline size_t ernn_backward_s8_s16(const ernn_linear *layer, const int8_t *x, const int16_t *work, int16_t *y)
{
    (void)work;
    const size_t whole = layer->rows - layer->rows % 32;
    size_t r = whole;
    if (r % 64 != 0) {
        r -= 32;
        ernn_two_strips_s8_s16(layer, r, x, y);
    }
    for (; r != 0; r -= 64) {
        ernn_four_strips_s8_s16(layer, r - 64, x, y);
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
    const ernn_scale scale = ernn_scale_of(factor, _mm512_srli_epi64(factor, 32), _mm_cvtsi32_si128(bits));
    const __m512i real = ernn_finish_strip(_mm512_zextsi128_si512(sum), scale, left);
    _mm_storel_epi64((__m128i *)(void *)y, _mm256_castsi256_si128(_mm512_cvtsepi32_epi16(real)));
}

#define ERNN_BLOCKS 64             /* whose sums lie in memory at once */
#define ERNN_PLACES (256 * (size_t)4) /* the most columns that blocks of four can name */

/* The products of a block of 16 rows. */
static inline __m512i ernn_block_s8(const int8_t *weight, size_t place, const int8_t *x)
{
    return _mm512_dpbusd_epi32(_mm512_setzero_si512(), ernn_four_offset_s8(x + place * 4),
                               _mm512_loadu_si512(weight));
}

/* A sum that runs through `count` blocks: before the first, and after each. Gives the last. */
static inline __m512i ernn_run_blocks_s8(__m512i s, const int8_t *weight, const uint8_t *place, size_t count,
                                         const int8_t *x, int32_t *sum)
{
    _mm512_storeu_si512(sum, s);
    sum += 16;
    for (; count >= 2; count -= 2, place += 2, weight += 128, sum += 32) {
        const __m512i next = ernn_block_s8(weight, place[0], x);
        const __m512i both = _mm512_dpbusd_epi32(next, ernn_four_offset_s8(x + place[1] * (size_t)4),
                                                 _mm512_loadu_si512(weight + 64));
        _mm512_storeu_si512(sum, _mm512_add_epi32(s, next));
        s = _mm512_add_epi32(s, both);
        _mm512_storeu_si512(sum + 16, s);
    }
    if (count != 0) {
        s = _mm512_add_epi32(s, ernn_block_s8(weight, place[0], x));
        _mm512_storeu_si512(sum, s);
    }
    return s;
}

/* All rows of a matrix of blocks of 16 rows. Loops as long as each row of blocks would end in jumps that no processor
 * foresees. So one sum, modulo 2^32, runs through all blocks, and what a row adds to it are the row's products. */
static inline void ernn_tall_blocks_s8_s16(const ernn_sparse_linear *layer, const int8_t *x, int16_t *y)
{
    const size_t columns = layer->columns < ERNN_PLACES ? layer->columns : ERNN_PLACES;
    int32_t sum[(ERNN_BLOCKS + 1) * 16] ERNN_ALIGNED;
    int8_t inputs[ERNN_PLACES] ERNN_ALIGNED;
    size_t all = 0, begin = 0, end = 0, r = 0;
    __m512i running = _mm512_setzero_si512(), before = running;
    ernn_offset_s8(x, columns, inputs);
    for (size_t i = 0; i < layer->rows / 16; i++) {
        all += layer->count[i];
    }
    while (r < layer->rows) {
        const size_t count = all - begin < ERNN_BLOCKS ? all - begin : ERNN_BLOCKS;
        running = ernn_run_blocks_s8(running, layer->weight + begin * 64, layer->place + begin, count, inputs, sum);
        for (; r < layer->rows && end + layer->count[r / 16] <= begin + count; r += 16) {
            end += layer->count[r / 16];
            const __m512i after = _mm512_loadu_si512(sum + (end - begin) * 16);
            const __m512i own = _mm512_add_epi32(_mm512_loadu_si512(layer->bias + r), _mm512_sub_epi32(after, before));
            ernn_store_strip_s16(own, layer->multiplier + r, layer->shift + r, layer->left, y + r);
            before = after;
        }
        begin += count;
    }
}

/* All rows of a matrix of blocks of 4 rows. */
static inline void ernn_low_block_rows_s8_s16(const ernn_sparse_linear *layer, const int8_t *x, int16_t *y)
{
    const int8_t *weight = layer->weight;
    const uint8_t *place = layer->place;
    for (size_t r = 0; r < layer->rows; r += 4) {
        const size_t count = layer->count[r / 4];
        const __m128i bias = _mm_loadu_si128((const __m128i *)(const void *)(layer->bias + r));
        const __m128i sum = ernn_low_blocks_s8(bias, weight, place, count, x);
        ernn_store_four_s16(sum, layer->multiplier + r, layer->shift + r, layer->left, y + r);
        weight += count * 16, place += count;
    }
}

static inline size_t ernn_block_rows_s8_s16(const ernn_sparse_linear *layer, const int8_t *x, const int16_t *work,
                                            int16_t *y)
{
    (void)work;
    if (!ERNN_IS_PACKED_BLOCK(layer->block_rows, layer->block_columns)) {
        return 0;
    }
    if (layer->block_rows == 16) {
        ernn_tall_blocks_s8_s16(layer, x, y);
    } else {
        ernn_low_block_rows_s8_s16(layer, x, y);
    }
    return layer->rows;
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
