/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matrix products with the DSP instructions of Cortex-M4, M7, M33 and M35P. edgernn_products.h includes this file.
 *
 * SMLAD adds two products of int16_t to a sum, and SXTB16 makes two int16_t of the first and third byte of a word,
 * with a rotation by 8 bits of the second and fourth. So `work` holds x as pairs that fit: for every four columns
 * (x0, x2), (x1, x3). What is beyond the columns is 0 there, and int8_t and int16_t inputs become the same.
 *
 * Four instructions have no intrinsic, or none that compilers use as it is needed here; they are written out.
 */
#ifndef EDGERNN_PRODUCTS_DSP_H
#define EDGERNN_PRODUCTS_DSP_H

#include <arm_acle.h>

/* Functions of their own: in one with others the registers of their loops run out. */
#define ERNN_OWN static __attribute__((noinline, unused))

#define ERNN_HAS_STRIPS_S8_S16
#define ERNN_HAS_BLOCK_ROWS_S8_S16
#define ERNN_HAS_EXPAND_S8
#define ERNN_HAS_ADD_ROWS_S8
#define ERNN_HAS_ADD_PACKED_BLOCKS_S8
#define ERNN_HAS_EXPAND_S16
#define ERNN_HAS_ADD_ROWS_S16
#define ERNN_HAS_ADD_PACKED_BLOCKS_S16

#define ERNN_INLINE static inline __attribute__((always_inline))

/* ---- Instructions ---- */

typedef struct {
    uint32_t first, last;
} ernn_words;

/* Two words at a multiple of 4, and the address moved on by `step` bytes. In the order of the program: compilers
 * would load so early that the registers run out. */
ERNN_INLINE ernn_words ernn_load_words(const void **p, int step)
{
    ernn_words words;
    __asm__ volatile("ldrd %0, %1, [%2], %3"
                     : "=&r"(words.first), "=&r"(words.last), "+r"(*p)
                     : "i"(step)
                     : "memory");
    return words;
}

/* The first and third byte of a word as int16_t. */
ERNN_INLINE int16x2_t ernn_even_bytes(uint32_t word)
{
    return __sxtb16((int8x4_t)word);
}

/* The second and fourth. */
ERNN_INLINE int16x2_t ernn_odd_bytes(uint32_t word)
{
    int16x2_t pair;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(word));
    return pair;
}

/* sum * multiplier / 2^(32 + shift), ties upwards: the last bit that ASRS takes off is the carry. */
ERNN_INLINE int32_t ernn_scale(int32_t sum, uint32_t multiplier, int shift)
{
    const int32_t high = (int32_t)(((int64_t)sum * (int32_t)multiplier) >> 32);
    int32_t y;
    __asm__("asrs %0, %1, %2\n\tadc %0, %0, #0" : "=r"(y) : "r"(high), "r"(shift) : "cc");
    return y;
}

/* sum * 2^left within the bounds of ernn_finish; `beyond` is what an int32_t holds beyond those. */
ERNN_INLINE int32_t ernn_shift_left(int32_t sum, int32_t beyond, int left)
{
    const int32_t below = __qadd(sum, beyond) - beyond;
    return (int32_t)((uint32_t)(__qsub(below, beyond) + beyond) << left);
}

/* ---- Inputs ---- */

ERNN_INLINE uint32_t ernn_load_word(const void *p)
{
    uint32_t word;
    __builtin_memcpy(&word, p, sizeof word); /* a load; <string.h> is not there on every bare machine */
    return word;
}

ERNN_INLINE void ernn_store_pairs(int16_t *work, int16x2_t even, int16x2_t odd)
{
    __builtin_memcpy(__builtin_assume_aligned(work, 4), &even, sizeof even);
    __builtin_memcpy(__builtin_assume_aligned(work + 2, 4), &odd, sizeof odd);
}

static inline void ernn_expand_s8(const int8_t *x, size_t columns, int16_t *work)
{
    for (; columns >= 4; columns -= 4, x += 4, work += 4) {
        const uint32_t word = ernn_load_word(x);
        ernn_store_pairs(work, ernn_even_bytes(word), ernn_odd_bytes(word));
    }
    if (columns > 0) {
        work[0] = x[0];
        work[1] = columns > 2 ? x[2] : 0;
        work[2] = columns > 1 ? x[1] : 0;
        work[3] = 0;
    }
}

static inline void ernn_expand_s16(const int16_t *x, size_t columns, int16_t *work)
{
    for (; columns >= 4; columns -= 4, x += 4, work += 4) {
        const uint32_t first = ernn_load_word(x), last = ernn_load_word(x + 2);
        ernn_store_pairs(work, (int16x2_t)((first & 0xFFFF) | last << 16),
                         (int16x2_t)(first >> 16 | (last & 0xFFFF0000)));
    }
    if (columns > 0) {
        work[0] = x[0];
        work[1] = columns > 2 ? x[2] : (int16_t)0;
        work[2] = columns > 1 ? x[1] : (int16_t)0;
        work[3] = 0;
    }
}

/* ---- Products of four rows ---- */

typedef struct {
    int32_t row_0, row_1, row_2, row_3;
} ernn_four;

/* Adds the products of one row's four weights. */
ERNN_INLINE int32_t ernn_add_word(int32_t sum, uint32_t weights, ernn_words x)
{
    return __smlad(ernn_odd_bytes(weights), (int16x2_t)x.last, __smlad(ernn_even_bytes(weights), (int16x2_t)x.first, sum));
}

/* Adds the products of four columns; moves on to the next group, `stride` bytes from this one, and to its x. */
ERNN_INLINE ernn_four ernn_add_group(ernn_four s, const void **weight, int stride, const void **pairs)
{
    const ernn_words x = ernn_load_words(pairs, 8);
    ernn_words w = ernn_load_words(weight, 8);
    s.row_0 = ernn_add_word(s.row_0, w.first, x);
    s.row_1 = ernn_add_word(s.row_1, w.last, x);
    w = ernn_load_words(weight, stride - 8);
    s.row_2 = ernn_add_word(s.row_2, w.first, x);
    s.row_3 = ernn_add_word(s.row_3, w.last, x);
    return s;
}

/* Adds the products of the columns of a whole strip, whose groups lie 64 bytes apart. */
ERNN_INLINE ernn_four ernn_add_columns(ernn_four s, const void *weight, const int16_t *work, size_t columns)
{
    const int stride = ERNN_STRIP * 4;
    const void *pairs = work, *const fours = work + columns / 16 * 16, *const end = work + ERNN_UP_TO_FOUR(columns);
    while (pairs < fours) {
        s = ernn_add_group(s, &weight, stride, &pairs);
        s = ernn_add_group(s, &weight, stride, &pairs);
        s = ernn_add_group(s, &weight, stride, &pairs);
        s = ernn_add_group(s, &weight, stride, &pairs);
    }
    while (pairs < end) {
        s = ernn_add_group(s, &weight, stride, &pairs);
    }
    return s;
}

/* The same of a strip whose groups lie `stride` bytes apart. */
ERNN_INLINE ernn_four ernn_add_last_columns(ernn_four s, const void *weight, size_t stride, const int16_t *work,
                                            size_t columns)
{
    for (const void *pairs = work, *const end = work + ERNN_UP_TO_FOUR(columns); pairs < end;) {
        s = ernn_add_group(s, &weight, 16, &pairs);
        weight = (const int8_t *)weight + (stride - 16);
    }
    return s;
}

/* Adds the products of `count` blocks of four columns, `stride` bytes apart. */
ERNN_INLINE ernn_four ernn_add_places(ernn_four s, const void *weight, size_t stride, const uint8_t *place,
                                      size_t count, const int16_t *work)
{
    for (const uint8_t *const end = place + count; place < end; place++) {
        const void *pairs = work + *place * (size_t)4;
        s = ernn_add_group(s, &weight, 16, &pairs);
        weight = (const int8_t *)weight + (stride - 16);
    }
    return s;
}

/* ---- From bias to output ---- */

/* What four rows have beside their weights, and where their outputs go. */
typedef struct {
    const void *bias, *multiplier;
    const uint8_t *shift;
    int left;
    int16_t *y;
} ernn_rows;

ERNN_INLINE ernn_four ernn_begin_four(ernn_rows *rows)
{
    const ernn_words first = ernn_load_words(&rows->bias, 8), last = ernn_load_words(&rows->bias, 8);
    const ernn_four s = {(int32_t)first.first, (int32_t)first.last, (int32_t)last.first, (int32_t)last.last};
    return s;
}

ERNN_INLINE ernn_four ernn_shift_four_left(ernn_four s, int left)
{
    const int32_t beyond = INT32_MAX - (INT32_MAX >> left);
    s.row_0 = ernn_shift_left(s.row_0, beyond, left);
    s.row_1 = ernn_shift_left(s.row_1, beyond, left);
    s.row_2 = ernn_shift_left(s.row_2, beyond, left);
    s.row_3 = ernn_shift_left(s.row_3, beyond, left);
    return s;
}

ERNN_INLINE void ernn_finish_one(ernn_rows *rows, int32_t sum, uint32_t multiplier)
{
    *rows->y++ = ernn_saturate_s16(ernn_scale(sum, multiplier, *rows->shift++));
}

ERNN_INLINE void ernn_finish_four(ernn_rows *rows, ernn_four s)
{
    if (rows->left != 0) {
        s = ernn_shift_four_left(s, rows->left);
    }
    ernn_words m = ernn_load_words(&rows->multiplier, 8);
    ernn_finish_one(rows, s.row_0, m.first);
    ernn_finish_one(rows, s.row_1, m.last);
    m = ernn_load_words(&rows->multiplier, 8);
    ernn_finish_one(rows, s.row_2, m.first);
    ernn_finish_one(rows, s.row_3, m.last);
}

/* Whole strips. */
ERNN_OWN size_t ernn_strips_s8_s16(const ernn_linear *layer, const int8_t *x, const int16_t *work, int16_t *y)
{
    const size_t rows = layer->rows / ERNN_STRIP * ERNN_STRIP, columns = layer->columns;
    const size_t strip = ERNN_STRIP * ERNN_UP_TO_FOUR(columns);
    ernn_rows next = {layer->bias, layer->multiplier, layer->shift, layer->left, y};
    const int8_t *weight = layer->weight;
    (void)x;
    for (const int8_t *const end = weight + rows * ERNN_UP_TO_FOUR(columns); weight < end; weight += strip) {
        for (size_t r = 0; r < ERNN_STRIP; r += 4) {
            const ernn_four s = ernn_begin_four(&next);
            ernn_finish_four(&next, ernn_add_columns(s, weight + r * 4, work, columns));
        }
    }
    return rows;
}

ERNN_OWN size_t ernn_block_rows_s8_s16(const ernn_sparse_linear *layer, const int8_t *x, const int16_t *work,
                                       int16_t *y)
{
    const size_t height = layer->block_rows;
    ernn_rows next = {layer->bias, layer->multiplier, layer->shift, layer->left, y};
    const int8_t *weight = layer->weight;
    const uint8_t *place = layer->place;
    (void)x;
    if (!ERNN_IS_PACKED_BLOCK(height, layer->block_columns)) {
        return 0;
    }
    const uint16_t *const end = layer->count + layer->rows / height;
    for (const uint16_t *count = layer->count; count < end; count++) {
        for (size_t r = 0; r < height; r += 4) {
            const ernn_four s = ernn_begin_four(&next);
            ernn_finish_four(&next, ernn_add_places(s, weight + r * 4, height * 4, place, *count, work));
        }
        weight += *count * height * 4;
        place += *count;
    }
    return layer->rows;
}

/* ---- Where the sums go through memory ---- */

static inline void ernn_add_rows_s8(const int8_t *weight, size_t rows, const int8_t *x, const int16_t *work,
                                    size_t columns, int32_t *sum)
{
    const size_t height = ERNN_UP_TO_FOUR(rows);
    (void)x;
    for (size_t r = 0; r < height; r += 4) {
        const ernn_four before = {sum[r], sum[r + 1], sum[r + 2], sum[r + 3]};
        const ernn_four s = ernn_add_last_columns(before, weight + r * 4, height * 4, work, columns);
        sum[r] = s.row_0, sum[r + 1] = s.row_1, sum[r + 2] = s.row_2, sum[r + 3] = s.row_3;
    }
}

static inline void ernn_add_packed_blocks_s8(const int8_t *weight, size_t height, const uint8_t *place, size_t count,
                                             const int8_t *x, const int16_t *work, int32_t *sum)
{
    (void)x;
    for (size_t r = 0; r < height; r += 4) {
        const ernn_four before = {sum[r], sum[r + 1], sum[r + 2], sum[r + 3]};
        const ernn_four s = ernn_add_places(before, weight + r * 4, height * 4, place, count, work);
        sum[r] = s.row_0, sum[r + 1] = s.row_1, sum[r + 2] = s.row_2, sum[r + 3] = s.row_3;
    }
}

static inline void ernn_add_rows_s16(const int8_t *weight, size_t rows, const int16_t *x, const int16_t *work,
                                     size_t columns, int32_t *sum)
{
    (void)x;
    ernn_add_rows_s8(weight, rows, NULL, work, columns, sum);
}

static inline void ernn_add_packed_blocks_s16(const int8_t *weight, size_t height, const uint8_t *place,
                                              size_t count, const int16_t *x, const int16_t *work, int32_t *sum)
{
    (void)x;
    ernn_add_packed_blocks_s8(weight, height, place, count, NULL, work, sum);
}

#endif
