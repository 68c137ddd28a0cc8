/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products of eight inputs at once by AVX-512 VNNI: a group of weights is loaded once for all of them.
 * edgernn_products.h includes this file after edgernn_products_avx512.h.
 */
#ifndef EDGERNN_SEVERAL_AVX512_H
#define EDGERNN_SEVERAL_AVX512_H

#define ERNN_HAS_SEVERAL_S8_S16
#define ERNN_SEVERAL 8

/* The sums of one strip: named, for an array would live in memory. */
typedef struct {
    __m512i s0, s1, s2, s3, s4, s5, s6, s7;
} ernn_several_sums;

/* Adds the products of a group; `x` are four inputs, the first of those that lie `n` apart. */
static inline ernn_several_sums ernn_add_group_of_several_s8(ernn_several_sums s, __m512i weight, const int8_t *x,
                                                             size_t n)
{
    s.s0 = _mm512_dpbusd_epi32(s.s0, ernn_four_inputs_s8(x), weight);
    s.s1 = _mm512_dpbusd_epi32(s.s1, ernn_four_inputs_s8(x + n), weight);
    s.s2 = _mm512_dpbusd_epi32(s.s2, ernn_four_inputs_s8(x + 2 * n), weight);
    s.s3 = _mm512_dpbusd_epi32(s.s3, ernn_four_inputs_s8(x + 3 * n), weight);
    s.s4 = _mm512_dpbusd_epi32(s.s4, ernn_four_inputs_s8(x + 4 * n), weight);
    s.s5 = _mm512_dpbusd_epi32(s.s5, ernn_four_inputs_s8(x + 5 * n), weight);
    s.s6 = _mm512_dpbusd_epi32(s.s6, ernn_four_inputs_s8(x + 6 * n), weight);
    s.s7 = _mm512_dpbusd_epi32(s.s7, ernn_four_inputs_s8(x + 7 * n), weight);
    return s;
}

/* The same of the last group, which has `count` columns, 1 to 3. */
static inline ernn_several_sums ernn_add_last_group_of_several_s8(ernn_several_sums s, __m512i weight,
                                                                  const int8_t *x, size_t n, size_t count)
{
    int8_t last[ERNN_SEVERAL * 4] = {0};
    for (size_t i = 0; i < ERNN_SEVERAL; i++) {
        for (size_t c = 0; c < count; c++) {
            last[4 * i + c] = x[i * n + c];
        }
    }
    return ernn_add_group_of_several_s8(s, weight, last, 4);
}

/* The rows' outputs for one input. */
typedef struct {
    __m512i multiplier;
    __m128i shift;
    int left;
    __mmask16 stored;
} ernn_strip_scale;

static inline void ernn_store_one_of_several(ernn_strip_scale scale, __m512i sum, int16_t *y)
{
    const __m512i real = ernn_finish_strip(sum, scale.multiplier, scale.shift, scale.left);
    _mm256_mask_storeu_epi16(y, scale.stored, _mm512_cvtsepi32_epi16(real));
}

static inline void ernn_store_several(ernn_strip_scale scale, ernn_several_sums s, int16_t *y, size_t rows)
{
    ernn_store_one_of_several(scale, s.s0, y);
    ernn_store_one_of_several(scale, s.s1, y + rows);
    ernn_store_one_of_several(scale, s.s2, y + 2 * rows);
    ernn_store_one_of_several(scale, s.s3, y + 3 * rows);
    ernn_store_one_of_several(scale, s.s4, y + 4 * rows);
    ernn_store_one_of_several(scale, s.s5, y + 5 * rows);
    ernn_store_one_of_several(scale, s.s6, y + 6 * rows);
    ernn_store_one_of_several(scale, s.s7, y + 7 * rows);
}

/* One strip of `rows` rows. */
static inline void ernn_strip_of_several_s8(const ernn_linear *layer, size_t r, size_t rows, const int8_t *x,
                                            int16_t *y)
{
    const size_t columns = layer->columns, height = ERNN_UP_TO_FOUR(rows);
    const __mmask16 stored = ernn_first(rows), lanes = ernn_first(height);
    const int8_t *weight = layer->weight + r * ERNN_UP_TO_FOUR(columns);
    const __m512i bias = _mm512_maskz_loadu_epi32(stored, layer->bias + r);
    ernn_several_sums s = {bias, bias, bias, bias, bias, bias, bias, bias};
    size_t c = 0;
    for (; c + 4 <= columns; c += 4, weight += height * 4) {
        s = ernn_add_group_of_several_s8(s, _mm512_maskz_loadu_epi32(lanes, weight), x + c, columns);
    }
    if (c < columns) {
        const __m512i last = _mm512_maskz_loadu_epi32(lanes, weight);
        s = ernn_add_last_group_of_several_s8(s, last, x + c, columns, columns - c);
    }
    const ernn_strip_scale scale = {_mm512_maskz_loadu_epi32(stored, layer->multiplier + r),
                                    _mm_maskz_loadu_epi8(stored, layer->shift + r), layer->left, stored};
    ernn_store_several(scale, s, y + r, layer->rows);
}

static inline size_t ernn_several_s8_s16(const ernn_linear *layer, const int8_t *x, size_t count, int16_t *y)
{
    size_t done = 0;
    for (; count - done >= ERNN_SEVERAL; done += ERNN_SEVERAL) {
        for (size_t r = 0; r < layer->rows; r += ERNN_STRIP) {
            const size_t rows = layer->rows - r < ERNN_STRIP ? layer->rows - r : ERNN_STRIP;
            ernn_strip_of_several_s8(layer, r, rows, x + done * layer->columns, y + done * layer->rows);
        }
    }
    return done;
}

#endif
