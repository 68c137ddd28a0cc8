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

static inline ernn_several_sums ernn_lift_several(ernn_several_sums s, int left, int clip)
{
    s.s0 = ernn_lift(s.s0, left, clip);
    s.s1 = ernn_lift(s.s1, left, clip);
    s.s2 = ernn_lift(s.s2, left, clip);
    s.s3 = ernn_lift(s.s3, left, clip);
    s.s4 = ernn_lift(s.s4, left, clip);
    s.s5 = ernn_lift(s.s5, left, clip);
    s.s6 = ernn_lift(s.s6, left, clip);
    s.s7 = ernn_lift(s.s7, left, clip);
    return s;
}

static inline ernn_several_sums ernn_finish_several(ernn_several_sums s, ernn_scale scale)
{
    s.s0 = ernn_finish_lifted(s.s0, scale);
    s.s1 = ernn_finish_lifted(s.s1, scale);
    s.s2 = ernn_finish_lifted(s.s2, scale);
    s.s3 = ernn_finish_lifted(s.s3, scale);
    s.s4 = ernn_finish_lifted(s.s4, scale);
    s.s5 = ernn_finish_lifted(s.s5, scale);
    s.s6 = ernn_finish_lifted(s.s6, scale);
    s.s7 = ernn_finish_lifted(s.s7, scale);
    return s;
}

/* Two strips, those from row r: an input in a register serves both. */
static inline void ernn_two_strips_of_several_s8(const ernn_linear *layer, size_t r, const int8_t *x, int16_t *y)
{
    const size_t n = layer->columns, rows = layer->rows, strip = ERNN_STRIP * ERNN_UP_TO_FOUR(n);
    const int8_t *weight = layer->weight + r / ERNN_STRIP * strip;
    ernn_several_sums upper = ernn_begin_several(_mm512_loadu_si512(layer->bias + r));
    ernn_several_sums lower = ernn_begin_several(_mm512_loadu_si512(layer->bias + r + 16));
    for (size_t c = 0; c < n; c += 4, weight += 64) {
        upper = ernn_add_group_of_several_s8(upper, _mm512_loadu_si512(weight), x + c, n);
        lower = ernn_add_group_of_several_s8(lower, _mm512_loadu_si512(weight + strip), x + c, n);
    }
    if (layer->left != 0) {
        upper = ernn_lift_several(upper, layer->left, layer->clip);
        lower = ernn_lift_several(lower, layer->left, layer->clip);
    }
    upper = ernn_finish_several(upper, ernn_load_scale(layer->multiplier + r, layer->shift + r));
    lower = ernn_finish_several(lower, ernn_load_scale(layer->multiplier + r + 16, layer->shift + r + 16));
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
    if (layer->left != 0) {
        s = ernn_lift_several(s, layer->left, layer->clip);
    }
    s = ernn_finish_several(s, ernn_load_first_scale(layer->multiplier + r, layer->shift + r, first));
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

static inline size_t ernn_several_s8_s16(const ernn_linear *layer, const int8_t *x, size_t count, int16_t *y)
{
    size_t done = 0;
    if (layer->columns > ERNN_SEVERAL_COLUMNS) {
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
