/* SPDX-License-Identifier: Apache-2.0 */
/* Gates on 16 int16_t: AVX2. edgernn_lanes.h includes this file. */
#ifndef EDGERNN_LANES_AVX2_H
#define EDGERNN_LANES_AVX2_H

#include <immintrin.h>
#include <string.h>

#define ERNN_LANES 16
#define ERNN_HAS_LANES_REST
#define ERNN_HAS_LANES_NARROW

typedef __m256i ernn_lanes;

static inline ernn_lanes ernn_lanes_load(const int16_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

static inline void ernn_lanes_store(int16_t *p, ernn_lanes y)
{
    _mm256_storeu_si256((__m256i *)(void *)p, y);
}

static inline ernn_lanes ernn_lanes_load_rest(const int16_t *p, size_t count)
{
    int16_t all[ERNN_LANES] = {0};
    for (size_t i = 0; i < count; i++) {
        all[i] = p[i];
    }
    return ernn_lanes_load(all);
}

static inline void ernn_lanes_store_rest(int16_t *p, ernn_lanes y, size_t count)
{
    int16_t all[ERNN_LANES];
    ernn_lanes_store(all, y);
    for (size_t i = 0; i < count; i++) {
        p[i] = all[i];
    }
}

/* What the addition cuts off, at 1 bit, is beyond int8_t. */
static inline void ernn_lanes_narrow(int8_t *p, ernn_lanes x, int bits, size_t count)
{
    const __m256i twice = _mm256_sra_epi16(x, _mm_cvtsi32_si128(bits - 1));
    const __m256i y = _mm256_srai_epi16(_mm256_adds_epi16(twice, _mm256_set1_epi16(1)), 1);
    const __m128i packed = _mm_packs_epi16(_mm256_castsi256_si128(y), _mm256_extracti128_si256(y, 1));
    if (count == ERNN_LANES) {
        _mm_storeu_si128((__m128i *)(void *)p, packed);
    } else {
        int8_t all[ERNN_LANES];
        _mm_storeu_si128((__m128i *)(void *)all, packed);
        memcpy(p, all, count);
    }
}

/* x * 2^shift, saturated: where the shift back gives something else, the end of x's sign. */
static inline ernn_lanes ernn_lanes_lift(ernn_lanes x, int shift)
{
    const __m128i bits = _mm_cvtsi32_si128(shift);
    const __m256i y = _mm256_sll_epi16(x, bits);
    const __m256i kept = _mm256_cmpeq_epi16(_mm256_sra_epi16(y, bits), x);
    const __m256i end = _mm256_xor_si256(_mm256_srai_epi16(x, 15), _mm256_set1_epi16(INT16_MAX));
    return _mm256_blendv_epi8(end, y, kept);
}

/* A sum that saturates before its shift to the left is beyond the ends after it, too. */
static inline ernn_lanes ernn_lanes_sum(ernn_lanes a, ernn_lanes b, int shift)
{
    const __m256i sum = _mm256_adds_epi16(a, b);
    return shift == 0 ? sum : ernn_lanes_lift(sum, shift);
}

/* 32-bit numbers, as they lie after unpacking, rounded, shifted and packed. */
static inline ernn_lanes ernn_lanes_round(__m256i low, __m256i high, int bits)
{
    const __m256i half = _mm256_set1_epi32((int32_t)1 << (bits - 1));
    const __m128i count = _mm_cvtsi32_si128(bits);
    return _mm256_packs_epi32(_mm256_sra_epi32(_mm256_add_epi32(low, half), count),
                              _mm256_sra_epi32(_mm256_add_epi32(high, half), count));
}

static inline ernn_lanes ernn_lanes_product(ernn_lanes a, ernn_lanes b, int bits)
{
    const __m256i low = _mm256_mullo_epi16(a, b), high = _mm256_mulhi_epi16(a, b);
    return ernn_lanes_round(_mm256_unpacklo_epi16(low, high), _mm256_unpackhi_epi16(low, high), bits);
}

static inline ernn_lanes ernn_lanes_shift(ernn_lanes x, int up)
{
    return up < 0 ? ernn_lanes_product(x, _mm256_set1_epi16(1), -up) : ernn_lanes_sum(x, _mm256_setzero_si256(), up);
}

/* An entry and the next of a table, by one load; the index is the low half of `indices`. */
static inline int ernn_lanes_pair(const int16_t *table, uint64_t indices)
{
    int32_t pair;
    memcpy(&pair, table + (uint16_t)indices, sizeof pair);
    return pair;
}

/* The pairs at four indices; a gather takes longer on most processors. */
static inline __m128i ernn_lanes_four_pairs(const int16_t *table, uint64_t indices)
{
    __m128i pairs = _mm_cvtsi32_si128(ernn_lanes_pair(table, indices));
    pairs = _mm_insert_epi32(pairs, ernn_lanes_pair(table, indices >> 16), 1);
    pairs = _mm_insert_epi32(pairs, ernn_lanes_pair(table, indices >> 32), 2);
    return _mm_insert_epi32(pairs, ernn_lanes_pair(table, indices >> 48), 3);
}

/* Eight pairs: those at four indices, and at four others. */
static inline __m256i ernn_lanes_eight_pairs(const int16_t *table, uint64_t first, uint64_t second)
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(ernn_lanes_four_pairs(table, first)),
                                   ernn_lanes_four_pairs(table, second), 1);
}

/* entry * (128 - part) + next * part */
static inline ernn_lanes ernn_lanes_interpolate(const int16_t *table, ernn_lanes magnitude)
{
    uint64_t index[4]; /* of four lanes each */
    _mm256_storeu_si256((__m256i *)(void *)index, _mm256_srli_epi16(magnitude, ERNN_TABLE_BITS));
    const __m256i part = _mm256_and_si256(magnitude, _mm256_set1_epi16(127));
    const __m256i rest = _mm256_sub_epi16(_mm256_set1_epi16(128), part);
    const __m256i low = ernn_lanes_eight_pairs(table, index[0], index[2]); /* as unpacking has them */
    const __m256i high = ernn_lanes_eight_pairs(table, index[1], index[3]);
    return ernn_lanes_round(_mm256_madd_epi16(low, _mm256_unpacklo_epi16(rest, part)),
                            _mm256_madd_epi16(high, _mm256_unpackhi_epi16(rest, part)), ERNN_TABLE_BITS);
}

/* y where x is not negative, otherwise -y. */
static inline ernn_lanes ernn_lanes_with_sign(ernn_lanes y, ernn_lanes x)
{
    const __m256i negative = _mm256_srai_epi16(x, 15);
    return _mm256_sub_epi16(_mm256_xor_si256(y, negative), negative);
}

static inline ernn_lanes ernn_lanes_sigmoid(ernn_lanes x)
{
    const __m256i positive = ernn_lanes_interpolate(ernn_sigmoid_table, _mm256_abs_epi16(x));
    const __m256i one = _mm256_and_si256(x, _mm256_set1_epi16(INT16_MIN)); /* 32768, modulo 2^16, or 0 */
    return _mm256_add_epi16(one, ernn_lanes_with_sign(positive, x));
}

static inline ernn_lanes ernn_lanes_tanh(ernn_lanes x)
{
    return ernn_lanes_with_sign(ernn_lanes_interpolate(ernn_tanh_table, _mm256_abs_epi16(x)), x);
}

/* (z * h + (32768 - z) * g) / 2^15, z 1 .. 32767 */
static inline ernn_lanes ernn_lanes_blend(ernn_lanes z, ernn_lanes g, ernn_lanes h)
{
    const __m256i rest = _mm256_sub_epi16(_mm256_set1_epi16(INT16_MIN), z);
    return ernn_lanes_round(_mm256_madd_epi16(_mm256_unpacklo_epi16(h, g), _mm256_unpacklo_epi16(z, rest)),
                            _mm256_madd_epi16(_mm256_unpackhi_epi16(h, g), _mm256_unpackhi_epi16(z, rest)), 15);
}

#endif
