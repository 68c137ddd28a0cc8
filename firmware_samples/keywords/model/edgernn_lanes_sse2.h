/* SPDX-License-Identifier: Apache-2.0 */
/* Gates on 8 int16_t: SSE2. edgernn_lanes.h includes this file. */
#ifndef EDGERNN_LANES_SSE2_H
#define EDGERNN_LANES_SSE2_H

#include <emmintrin.h>
#include <string.h>

#define ERNN_LANES 8
#define ERNN_HAS_LANES_NARROW

typedef __m128i ernn_lanes;

static inline ernn_lanes ernn_lanes_load(const int16_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static inline void ernn_lanes_store(int16_t *p, ernn_lanes y)
{
    _mm_storeu_si128((__m128i *)(void *)p, y);
}

/* All lanes. What the addition cuts off, at 1 bit, is beyond int8_t. */
static inline void ernn_lanes_narrow(int8_t *p, ernn_lanes x, int bits, size_t count)
{
    const __m128i twice = _mm_sra_epi16(x, _mm_cvtsi32_si128(bits - 1));
    const __m128i y = _mm_srai_epi16(_mm_adds_epi16(twice, _mm_set1_epi16(1)), 1);
    (void)count;
    _mm_storel_epi64((__m128i *)(void *)p, _mm_packs_epi16(y, y));
}

/* x * 2^shift, saturated: where the shift back gives something else, the end of x's sign. */
static inline ernn_lanes ernn_lanes_lift(ernn_lanes x, int shift)
{
    const __m128i bits = _mm_cvtsi32_si128(shift);
    const __m128i y = _mm_sll_epi16(x, bits);
    const __m128i kept = _mm_cmpeq_epi16(_mm_sra_epi16(y, bits), x);
    const __m128i end = _mm_xor_si128(_mm_srai_epi16(x, 15), _mm_set1_epi16(INT16_MAX));
    return _mm_or_si128(_mm_and_si128(kept, y), _mm_andnot_si128(kept, end));
}

/* A sum that saturates before its shift to the left is beyond the ends after it, too. */
static inline ernn_lanes ernn_lanes_sum(ernn_lanes a, ernn_lanes b, int shift)
{
    const __m128i sum = _mm_adds_epi16(a, b);
    return shift == 0 ? sum : ernn_lanes_lift(sum, shift);
}

/* 32-bit numbers rounded, shifted and packed. */
static inline ernn_lanes ernn_lanes_round(__m128i low, __m128i high, int bits)
{
    const __m128i half = _mm_set1_epi32((int32_t)1 << (bits - 1)), count = _mm_cvtsi32_si128(bits);
    return _mm_packs_epi32(_mm_sra_epi32(_mm_add_epi32(low, half), count),
                           _mm_sra_epi32(_mm_add_epi32(high, half), count));
}

static inline ernn_lanes ernn_lanes_product(ernn_lanes a, ernn_lanes b, int bits)
{
    const __m128i low = _mm_mullo_epi16(a, b), high = _mm_mulhi_epi16(a, b);
    return ernn_lanes_round(_mm_unpacklo_epi16(low, high), _mm_unpackhi_epi16(low, high), bits);
}

static inline ernn_lanes ernn_lanes_shift(ernn_lanes x, int up)
{
    return up < 0 ? ernn_lanes_product(x, _mm_set1_epi16(1), -up) : ernn_lanes_sum(x, _mm_setzero_si128(), up);
}

/* An entry and the next, by one load. */
static inline __m128i ernn_lanes_pair(const int16_t *table, int index)
{
    int32_t pair;
    memcpy(&pair, table + index, sizeof pair);
    return _mm_cvtsi32_si128(pair);
}

/* The pairs of the low four indices. */
static inline __m128i ernn_lanes_four_pairs(const int16_t *table, __m128i index)
{
    const __m128i even = _mm_unpacklo_epi32(ernn_lanes_pair(table, _mm_extract_epi16(index, 0)),
                                            ernn_lanes_pair(table, _mm_extract_epi16(index, 1)));
    const __m128i odd = _mm_unpacklo_epi32(ernn_lanes_pair(table, _mm_extract_epi16(index, 2)),
                                           ernn_lanes_pair(table, _mm_extract_epi16(index, 3)));
    return _mm_unpacklo_epi64(even, odd);
}

/* entry * (128 - part) + next * part */
static inline ernn_lanes ernn_lanes_interpolate(const int16_t *table, ernn_lanes magnitude)
{
    const __m128i index = _mm_srli_epi16(magnitude, ERNN_TABLE_BITS);
    const __m128i part = _mm_and_si128(magnitude, _mm_set1_epi16(127));
    const __m128i rest = _mm_sub_epi16(_mm_set1_epi16(128), part);
    const __m128i low = ernn_lanes_four_pairs(table, index);
    const __m128i high = ernn_lanes_four_pairs(table, _mm_srli_si128(index, 8));
    return ernn_lanes_round(_mm_madd_epi16(low, _mm_unpacklo_epi16(rest, part)),
                            _mm_madd_epi16(high, _mm_unpackhi_epi16(rest, part)), ERNN_TABLE_BITS);
}

/* INT16_MIN is 32768 here, too: without a sign. */
static inline ernn_lanes ernn_lanes_magnitude(ernn_lanes x)
{
    return _mm_max_epi16(x, _mm_sub_epi16(_mm_setzero_si128(), x));
}

/* y where x is not negative, otherwise -y. */
static inline ernn_lanes ernn_lanes_with_sign(ernn_lanes y, ernn_lanes x)
{
    const __m128i negative = _mm_srai_epi16(x, 15);
    return _mm_sub_epi16(_mm_xor_si128(y, negative), negative);
}

static inline ernn_lanes ernn_lanes_sigmoid(ernn_lanes x)
{
    const __m128i positive = ernn_lanes_interpolate(ernn_sigmoid_table, ernn_lanes_magnitude(x));
    const __m128i one = _mm_and_si128(x, _mm_set1_epi16(INT16_MIN)); /* 32768, modulo 2^16, or 0 */
    return _mm_add_epi16(one, ernn_lanes_with_sign(positive, x));
}

static inline ernn_lanes ernn_lanes_tanh(ernn_lanes x)
{
    return ernn_lanes_with_sign(ernn_lanes_interpolate(ernn_tanh_table, ernn_lanes_magnitude(x)), x);
}

/* (z * h + (32768 - z) * g) / 2^15, z 1 .. 32767 */
static inline ernn_lanes ernn_lanes_blend(ernn_lanes z, ernn_lanes g, ernn_lanes h)
{
    const __m128i rest = _mm_sub_epi16(_mm_set1_epi16(INT16_MIN), z);
    return ernn_lanes_round(_mm_madd_epi16(_mm_unpacklo_epi16(h, g), _mm_unpacklo_epi16(z, rest)),
                            _mm_madd_epi16(_mm_unpackhi_epi16(h, g), _mm_unpackhi_epi16(z, rest)), 15);
}

#endif
