/* SPDX-License-Identifier: Apache-2.0 */
/* Gates on 32 int16_t: AVX-512 F and BW. edgernn_lanes.h includes this file. */
#ifndef EDGERNN_LANES_AVX512_H
#define EDGERNN_LANES_AVX512_H

#include <immintrin.h>

#define ERNN_LANES 32
#define ERNN_HAS_LANES_REST
#define ERNN_HAS_LANES_NARROW

typedef __m512i ernn_lanes;

static inline ernn_lanes ernn_lanes_load(const int16_t *p)
{
    return _mm512_loadu_si512(p);
}

static inline void ernn_lanes_store(int16_t *p, ernn_lanes y)
{
    _mm512_storeu_si512(p, y);
}

static inline __mmask32 ernn_lanes_first(size_t count)
{
    return (__mmask32)(((uint64_t)1 << count) - 1);
}

static inline ernn_lanes ernn_lanes_load_rest(const int16_t *p, size_t count)
{
    return _mm512_maskz_loadu_epi16(ernn_lanes_first(count), p);
}

static inline void ernn_lanes_store_rest(int16_t *p, ernn_lanes y, size_t count)
{
    _mm512_mask_storeu_epi16(p, ernn_lanes_first(count), y);
}

/* What the addition cuts off, at 1 bit, is beyond int8_t. */
static inline void ernn_lanes_narrow(int8_t *p, ernn_lanes x, int bits, size_t count)
{
    const __m512i twice = _mm512_sra_epi16(x, _mm_cvtsi32_si128(bits - 1));
    const __m512i y = _mm512_srai_epi16(_mm512_adds_epi16(twice, _mm512_set1_epi16(1)), 1);
    if (count == ERNN_LANES) {
        _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtsepi16_epi8(y));
    } else {
        _mm256_mask_storeu_epi8(p, ernn_lanes_first(count), _mm512_cvtsepi16_epi8(y));
    }
}

/* x * 2^shift, saturated: where the shift back gives something else, the end of x's sign. */
static inline ernn_lanes ernn_lanes_lift(ernn_lanes x, int shift)
{
    const __m128i bits = _mm_cvtsi32_si128(shift);
    const __m512i y = _mm512_sll_epi16(x, bits);
    const __mmask32 lost = _mm512_cmpneq_epi16_mask(_mm512_sra_epi16(y, bits), x);
    const __m512i end = _mm512_xor_si512(_mm512_srai_epi16(x, 15), _mm512_set1_epi16(INT16_MAX));
    return _mm512_mask_mov_epi16(y, lost, end);
}

/* A sum that saturates before its shift to the left is beyond the ends after it, too. */
static inline ernn_lanes ernn_lanes_sum(ernn_lanes a, ernn_lanes b, int shift)
{
    const __m512i sum = _mm512_adds_epi16(a, b);
    return shift == 0 ? sum : ernn_lanes_lift(sum, shift);
}

/* The halves of 32-bit products, as they lie after unpacking, rounded, shifted and packed. */
static inline ernn_lanes ernn_lanes_round(__m512i low, __m512i high, int bits)
{
    const __m512i half = _mm512_set1_epi32((int32_t)1 << (bits - 1));
    const __m128i count = _mm_cvtsi32_si128(bits);
    return _mm512_packs_epi32(_mm512_sra_epi32(_mm512_add_epi32(low, half), count),
                              _mm512_sra_epi32(_mm512_add_epi32(high, half), count));
}

static inline ernn_lanes ernn_lanes_product(ernn_lanes a, ernn_lanes b, int bits)
{
    if (bits == 15) { /* one instruction, which gives -32768 for the one product that saturates */
        const __m512i y = _mm512_mulhrs_epi16(a, b), least = _mm512_set1_epi16(INT16_MIN);
        return _mm512_mask_sub_epi16(y, _mm512_cmpeq_epi16_mask(y, least), y, _mm512_set1_epi16(1));
    }
    const __m512i high = _mm512_mulhi_epi16(a, b);
    if (bits > 16) { /* of the high half, since what lies below cannot change the rounding */
        const __m512i half = _mm512_set1_epi16((int16_t)(1 << (bits - 17)));
        return _mm512_sra_epi16(_mm512_add_epi16(high, half), _mm_cvtsi32_si128(bits - 16));
    }
    const __m512i low = _mm512_mullo_epi16(a, b);
    return ernn_lanes_round(_mm512_unpacklo_epi16(low, high), _mm512_unpackhi_epi16(low, high), bits);
}

static inline ernn_lanes ernn_lanes_shift(ernn_lanes x, int up)
{
    return up < 0 ? ernn_lanes_product(x, _mm512_set1_epi16(1), -up) : ernn_lanes_sum(x, _mm512_setzero_si512(), up);
}

/* No load of a table comes earlier: one where it is needed is an operand, which costs less than a register that it
 * would be copied from, and for few units far less. */
#ifdef __GNUC__
#define ERNN_LANES_LOAD_NO_EARLIER() __asm__ volatile("" ::: "memory")
#else
#define ERNN_LANES_LOAD_NO_EARLIER() (void)0
#endif

/* Entry `index`, 0 .. 63, of a table. */
static inline __m512i ernn_lanes_look_up(const int16_t *table, __m512i index)
{
    return _mm512_permutex2var_epi16(_mm512_loadu_si512(table), index, _mm512_loadu_si512(table + 32));
}

/* The entries from `table` on: of index, 0 .. 127, where `high` says that it is 64 and more. */
static inline __m512i ernn_lanes_look_up_twice(const int16_t *table, __m512i index, __mmask32 high)
{
    return _mm512_mask_mov_epi16(ernn_lanes_look_up(table, index), high, ernn_lanes_look_up(table + 64, index));
}

/* Both tables end in 32767 before entry 190; few magnitudes lie in their last half, mostly none. The part lies 8 bits
 * up, so that the high half of its product with the slope, rounded and doubled, is what ernn_interpolate shifts. */
static inline ernn_lanes ernn_lanes_interpolate(const int16_t *table, ernn_lanes magnitude)
{
    const __m512i index = _mm512_srli_epi16(magnitude, ERNN_TABLE_BITS);
    const __m512i part = _mm512_and_si512(_mm512_slli_epi16(magnitude, 8), _mm512_set1_epi16(0x7f00));
    const __mmask32 high = _mm512_test_epi16_mask(index, _mm512_set1_epi16(64));
    const __mmask32 last = _mm512_cmpgt_epu16_mask(index, _mm512_set1_epi16(127));
    ERNN_LANES_LOAD_NO_EARLIER();
    __m512i entry = ernn_lanes_look_up_twice(table, index, high);
    __m512i next = ernn_lanes_look_up_twice(table + 1, index, high);
    if (last != 0) {
        const __m512i end = _mm512_min_epu16(index, _mm512_set1_epi16(190)); /* 128 .. 190: 0 .. 62 of what is left */
        entry = _mm512_mask_mov_epi16(entry, last, ernn_lanes_look_up(table + 128, end));
        next = _mm512_mask_mov_epi16(next, last, ernn_lanes_look_up(table + 129, end));
    }
    return _mm512_add_epi16(entry, _mm512_mulhrs_epi16(_mm512_sub_epi16(next, entry), part));
}

static inline ernn_lanes ernn_lanes_sigmoid(ernn_lanes x)
{
    const __m512i positive = ernn_lanes_interpolate(ernn_sigmoid_table, _mm512_abs_epi16(x));
    const __m512i one = _mm512_set1_epi16(INT16_MIN); /* 32768, modulo 2^16 */
    return _mm512_mask_sub_epi16(positive, _mm512_movepi16_mask(x), one, positive);
}

static inline ernn_lanes ernn_lanes_tanh(ernn_lanes x)
{
    const __m512i positive = ernn_lanes_interpolate(ernn_tanh_table, _mm512_abs_epi16(x));
    return _mm512_mask_sub_epi16(positive, _mm512_movepi16_mask(x), _mm512_setzero_si512(), positive);
}

/* g + z * (h - g) / 2^15, modulo 2^16, z 1 .. 32767. Where the difference d is beyond int16_t, what is left of it
 * has the other sign and is 2^16 away: the product lacks 2 * z. */
static inline ernn_lanes ernn_lanes_blend(ernn_lanes z, ernn_lanes g, ernn_lanes h)
{
    const __m512i d = _mm512_sub_epi16(h, g), twice = _mm512_add_epi16(z, z);
    const __mmask32 above = _mm512_movepi16_mask(_mm512_ternarylogic_epi64(h, g, d, 0x08)); /* ~h & g & d */
    const __mmask32 below = _mm512_movepi16_mask(_mm512_ternarylogic_epi64(h, g, d, 0x10)); /* h & ~g & ~d */
    const __m512i y = _mm512_add_epi16(g, _mm512_mulhrs_epi16(z, d));
    return _mm512_mask_sub_epi16(_mm512_mask_add_epi16(y, above, y, twice), below, y, twice);
}

#endif
