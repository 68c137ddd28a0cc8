/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products of eight inputs at once by AVX-512 VNNI: a group of weights is loaded once for all of them.
 * edgernn_products.h includes this file after edgernn_products_avx512.h.
 */
#ifndef EDGERNN_SEVERAL_AVX512_H
#define EDGERNN_SEVERAL_AVX512_H

#define ERNN_HAS_SEVERAL_S8_S16
#define ERNN_SEVERAL 8
#define ERNN_SEVERAL_COLUMNS 512 /* at most: of what lives on the stack */

/* The sums of one strip: named, for an array would live in memory. */
typedef struct {
    __m512i s0, s1, s2, s3, s4, s5, s6, s7;
} ernn_several_sums;

static inline ernn_several_sums ernn_begin_several(__m512i bias)
{
    const ernn_several_sums s = {bias, bias, bias, bias, bias, bias, bias, bias};
    return s;
}

/* Adds the products of a group; `x` are four inputs, the first of those that lie `n` apart. */
static inline ernn_several_sums ernn_add_group_of_several_s8(ernn_several_sums s, __m512i weight, const int8_t *x,
                                                             size_t n)
{
    s.s0 = _mm512_dpbusd_epi32(s.s0, ernn_four_offset_s8(x), weight);
    s.s1 = _mm512_dpbusd_epi32(s.s1, ernn_four_offset_s8(x + n), weight);
    s.s2 = _mm512_dpbusd_epi32(s.s2, ernn_four_offset_s8(x + 2 * n), weight);
    s.s3 = _mm512_dpbusd_epi32(s.s3, ernn_four_offset_s8(x + 3 * n), weight);
    s.s4 = _mm512_dpbusd_epi32(s.s4, ernn_four_offset_s8(x + 4 * n), weight);
    s.s5 = _mm512_dpbusd_epi32(s.s5, ernn_four_offset_s8(x + 5 * n), weight);
    s.s6 = _mm512_dpbusd_epi32(s.s6, ernn_four_offset_s8(x + 6 * n), weight);
    s.s7 = _mm512_dpbusd_epi32(s.s7, ernn_four_offset_s8(x + 7 * n), weight);
    return s;
}

/* The outputs of one strip; a shift by 0 costs less than a branch. */
static inline ernn_several_sums ernn_finish_several(ernn_several_sums s, ernn_scale scale, int left)
{
    const __m512i bits = _mm512_set1_epi32(left);
    s.s0 = ernn_finish_lifted(_mm512_sllv_epi32(s.s0, bits), scale);
    s.s1 = ernn_finish_lifted(_mm512_sllv_epi32(s.s1, bits), scale);
    s.s2 = ernn_finish_lifted(_mm512_sllv_epi32(s.s2, bits), scale);
    s.s3 = ernn_finish_lifted(_mm512_sllv_epi32(s.s3, bits), scale);
    s.s4 = ernn_finish_lifted(_mm512_sllv_epi32(s.s4, bits), scale);
    s.s5 = ernn_finish_lifted(_mm512_sllv_epi32(s.s5, bits), scale);
    s.s6 = ernn_finish_lifted(_mm512_sllv_epi32(s.s6, bits), scale);
    s.s7 = ernn_finish_lifted(_mm512_sllv_epi32(s.s7, bits), scale);
    return s;
}

/* Two sums change where they are: gcc would keep each of 16 in two registers, which it does not have. */
#ifdef __GNUC__
#define ERNN_KEEP_IN_PLACE(a, b) __asm__("" : "+v"(a), "+v"(b))
#else
#define ERNN_KEEP_IN_PLACE(a, b) (void)0
#endif

/* The same of two groups, one of either strip: an input in a register serves both. */
static inline void ernn_add_two_groups_of_several_s8(ernn_several_sums *upper, ernn_several_sums *lower, __m512i first,
                                                     __m512i second, const int8_t *x, size_t n)
{
    __m512i four;
    four = ernn_four_offset_s8(x);
    upper->s0 = _mm512_dpbusd_epi32(upper->s0, four, first);
    lower->s0 = _mm512_dpbusd_epi32(lower->s0, four, second);
    ERNN_KEEP_IN_PLACE(upper->s0, lower->s0);
    four = ernn_four_offset_s8(x + n);
    upper->s1 = _mm512_dpbusd_epi32(upper->s1, four, first);
    lower->s1 = _mm512_dpbusd_epi32(lower->s1, four, second);
    ERNN_KEEP_IN_PLACE(upper->s1, lower->s1);
    four = ernn_four_offset_s8(x + 2 * n);
    upper->s2 = _mm512_dpbusd_epi32(upper->s2, four, first);
    lower->s2 = _mm512_dpbusd_epi32(lower->s2, four, second);
    ERNN_KEEP_IN_PLACE(upper->s2, lower->s2);
    four = ernn_four_offset_s8(x + 3 * n);
    upper->s3 = _mm512_dpbusd_epi32(upper->s3, four, first);
    lower->s3 = _mm512_dpbusd_epi32(lower->s3, four, second);
    ERNN_KEEP_IN_PLACE(upper->s3, lower->s3);
    four = ernn_four_offset_s8(x + 4 * n);
    upper->s4 = _mm512_dpbusd_epi32(upper->s4, four, first);
    lower->s4 = _mm512_dpbusd_epi32(lower->s4, four, second);
    ERNN_KEEP_IN_PLACE(upper->s4, lower->s4);
    four = ernn_four_offset_s8(x + 5 * n);
    upper->s5 = _mm512_dpbusd_epi32(upper->s5, four, first);
    lower->s5 = _mm512_dpbusd_epi32(lower->s5, four, second);
    ERNN_KEEP_IN_PLACE(upper->s5, lower->s5);
    four = ernn_four_offset_s8(x + 6 * n);
    upper->s6 = _mm512_dpbusd_epi32(upper->s6, four, first);
    lower->s6 = _mm512_dpbusd_epi32(lower->s6, four, second);
    ERNN_KEEP_IN_PLACE(upper->s6, lower->s6);
    four = ernn_four_offset_s8(x + 7 * n);
    upper->s7 = _mm512_dpbusd_epi32(upper->s7, four, first);
    lower->s7 = _mm512_dpbusd_epi32(lower->s7, four, second);
    ERNN_KEEP_IN_PLACE(upper->s7, lower->s7);
}

/* Two strips, those from row r. */
static inline void ernn_two_strips_of_several_s8(const ernn_linear *layer, size_t r, const int8_t *x, int16_t *y)
{
    const size_t n = layer->columns, rows = layer->rows, strip = ERNN_STRIP * ERNN_UP_TO_FOUR(n);
    const int8_t *weight = layer->weight + r / ERNN_STRIP * strip;
    ernn_several_sums upper = ernn_begin_several(_mm512_loadu_si512(layer->bias + r));
    ernn_several_sums lower = ernn_begin_several(_mm512_loadu_si512(layer->bias + r + 16));
    for (size_t c = 0; c < n; c += 4, weight += 64) {
        ernn_add_two_groups_of_several_s8(&upper, &lower, _mm512_loadu_si512(weight),
                                          _mm512_loadu_si512(weight + strip), x + c, n);
    }
    const int32_t *multiplier = layer->multiplier + r;
    const uint8_t *shift = layer->shift + r;
    upper = ernn_finish_several(upper, ernn_load_scale(multiplier, shift), layer->left);
    lower = ernn_finish_several(lower, ernn_load_scale(multiplier + 16, shift + 16), layer->left);
    y += r;
    ernn_store_two_strips_s16(upper.s0, lower.s0, y);
    ernn_store_two_strips_s16(upper.s1, lower.s1, y + rows);
    ernn_store_two_strips_s16(upper.s2, lower.s2, y + 2 * rows);
    ernn_store_two_strips_s16(upper.s3, lower.s3, y + 3 * rows);
    ernn_store_two_strips_s16(upper.s4, lower.s4, y + 4 * rows);
    ernn_store_two_strips_s16(upper.s5, lower.s5, y + 5 * rows);
    ernn_store_two_strips_s16(upper.s6, lower.s6, y + 6 * rows);
    ernn_store_two_strips_s16(upper.s7, lower.s7, y + 7 * rows);
}

/* The first rows' outputs for one input. */
static inline void ernn_store_one_of_several(__m512i real, __mmask16 first, int16_t *y)
{
    _mm256_mask_storeu_epi16(y, first, _mm512_cvtsepi32_epi16(real));
}

/* One strip of `rows` rows. */
static inline void ernn_strip_of_several_s8(const ernn_linear *layer, size_t r, size_t rows, const int8_t *x,
                                            int16_t *y)
{
    const size_t n = layer->columns, all = layer->rows, height = ERNN_UP_TO_FOUR(rows);
    const __mmask16 first = ernn_first(rows), lanes = ernn_first(height);
    const int8_t *weight = layer->weight + r * ERNN_UP_TO_FOUR(n);
    ernn_several_sums s = ernn_begin_several(_mm512_maskz_loadu_epi32(first, layer->bias + r));
    for (size_t c = 0; c < n; c += 4, weight += height * 4) {
        s = ernn_add_group_of_several_s8(s, _mm512_maskz_loadu_epi32(lanes, weight), x + c, n);
    }
    const ernn_scale scale = ernn_load_first_scale(layer->multiplier + r, layer->shift + r, first);
    s = ernn_finish_several(s, scale, layer->left);
    y += r;
    ernn_store_one_of_several(s.s0, first, y);
    ernn_store_one_of_several(s.s1, first, y + all);
    ernn_store_one_of_several(s.s2, first, y + 2 * all);
    ernn_store_one_of_several(s.s3, first, y + 3 * all);
    ernn_store_one_of_several(s.s4, first, y + 4 * all);
    ernn_store_one_of_several(s.s5, first, y + 5 * all);
    ernn_store_one_of_several(s.s6, first, y + 6 * all);
    ernn_store_one_of_several(s.s7, first, y + 7 * all);
}

/* None of so many columns, or of lifted sums that have to be clipped. */
static inline size_t ernn_several_s8_s16(const ernn_linear *layer, const int8_t *x, size_t count, int16_t *y)
{
    size_t done = 0;
    if (layer->columns > ERNN_SEVERAL_COLUMNS || layer->clip != 0) {
        return 0;
    }
    for (; count - done >= ERNN_SEVERAL; done += ERNN_SEVERAL) {
        int8_t inputs[ERNN_SEVERAL * ERNN_SEVERAL_COLUMNS];
        size_t r = 0;
        ernn_offset_s8(x + done * layer->columns, ERNN_SEVERAL * layer->columns, inputs);
        for (; r + 32 <= layer->rows; r += 32) {
            ernn_two_strips_of_several_s8(layer, r, inputs, y + done * layer->rows);
        }
        for (; r < layer->rows; r += ERNN_STRIP) {
            const size_t rows = layer->rows - r < ERNN_STRIP ? layer->rows - r : ERNN_STRIP;
            ernn_strip_of_several_s8(layer, r, rows, inputs, y + done * layer->rows);
        }
    }
    return done;
}

#endif
