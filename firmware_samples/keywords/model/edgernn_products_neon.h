/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matrix products with Arm NEON, 32-bit and 64-bit. edgernn_products.h includes this file. The loops take two groups
 * of four columns at once; what becomes of them, by the instructions that the target has, is in edgernn_sums_neon.h.
 */
#ifndef EDGERNN_PRODUCTS_NEON_H
#define EDGERNN_PRODUCTS_NEON_H

#include "edgernn_sums_neon.h"

#define ERNN_HAS_EXPAND_S8
#define ERNN_HAS_ADD_ROWS_S8
#define ERNN_HAS_ADD_PACKED_BLOCKS_S8
#define ERNN_HAS_EXPAND_S16
#define ERNN_HAS_ADD_ROWS_S16
#define ERNN_HAS_ADD_PACKED_BLOCKS_S16
#define ERNN_HAS_FINISH_S16
#define ERNN_HAS_FINISH_S8

/* The sums of sixteen rows over an int16_t input fit the registers of 64-bit Arm only. */
#ifdef __aarch64__
#define ERNN_SIXTEEN_S16 1
#else
#define ERNN_SIXTEEN_S16 0
#endif

/* Four bytes at any address. */
static inline int32_t ernn_load_word(const void *p)
{
    int32_t word;
    __builtin_memcpy(&word, p, sizeof word); /* a load; <string.h> is not there on every bare machine */
    return word;
}

/* ---- int8_t inputs ---- */

/* `work` begins with the last columns % 8 of x, up to eight with zeros. */
static inline void ernn_expand_s8(const int8_t *x, size_t columns, int16_t *work)
{
    uint64_t last = 0;
    for (size_t c = columns; c > columns / 8 * 8; c--) {
        last = last << 8 | (uint8_t)x[c - 1];
    }
    vst1_s16(work, vcreate_s16(last));
}

static inline int8x8_t ernn_last_s8(const int16_t *work)
{
    return vreinterpret_s8_s16(vld1_s16(work));
}

/* Where only one group is left, it stands for the second, too, and meets zeros. */
static inline void ernn_add_strip_s8(const int8_t *weight, const int8_t *x, const int16_t *work, size_t columns,
                                     int32_t *sum)
{
    ernn_sixteen_s8 s = ernn_sixteen_zero_s8();
    for (; columns >= 8; columns -= 8, weight += 128, x += 8) {
        s = ernn_sixteen_add_s8(s, weight, weight + 64, vld1_s8(x));
    }
    if (columns > 0) {
        s = ernn_sixteen_add_s8(s, weight, columns > 4 ? weight + 64 : weight, ernn_last_s8(work));
    }
    ernn_sixteen_add_to_s8(sum, s);
}

/* The same of four rows; groups lie `stride` bytes apart. */
static inline void ernn_add_quarter_s8(const int8_t *weight, size_t stride, const int8_t *x, const int16_t *work,
                                       size_t columns, int32_t *sum)
{
    ernn_four_s8 s = ernn_four_zero_s8();
    for (; columns >= 8; columns -= 8, weight += 2 * stride, x += 8) {
        s = ernn_four_add_s8(s, weight, weight + stride, vld1_s8(x));
    }
    if (columns > 0) {
        s = ernn_four_add_s8(s, weight, columns > 4 ? weight + stride : weight, ernn_last_s8(work));
    }
    ernn_add_to(sum, ernn_four_total_s8(s));
}

static inline void ernn_add_rows_s8(const int8_t *weight, size_t rows, const int8_t *x, const int16_t *work,
                                    size_t columns, int32_t *sum)
{
    const size_t height = ERNN_UP_TO_FOUR(rows);
    if (height == 16) {
        ernn_add_strip_s8(weight, x, work, columns, sum);
        return;
    }
    for (size_t r = 0; r < height; r += 4) {
        ernn_add_quarter_s8(weight + r * 4, height * 4, x, work, columns, sum + r);
    }
}

/* What two blocks read of x. */
static inline int8x8_t ernn_two_places_s8(const int8_t *x, const uint8_t *place)
{
    const int32x2_t first = vdup_n_s32(ernn_load_word(x + place[0] * (size_t)4));
    return vreinterpret_s8_s32(vset_lane_s32(ernn_load_word(x + place[1] * (size_t)4), first, 1));
}

static inline int8x8_t ernn_one_place_s8(const int8_t *x, const uint8_t *place)
{
    return vreinterpret_s8_s32(vset_lane_s32(ernn_load_word(x + place[0] * (size_t)4), vdup_n_s32(0), 0));
}

static inline void ernn_add_strip_blocks_s8(const int8_t *weight, const uint8_t *place, size_t count, const int8_t *x,
                                            int32_t *sum)
{
    ernn_sixteen_s8 s = ernn_sixteen_zero_s8();
    for (; count >= 2; count -= 2, weight += 128, place += 2) {
        s = ernn_sixteen_add_s8(s, weight, weight + 64, ernn_two_places_s8(x, place));
    }
    if (count > 0) {
        s = ernn_sixteen_add_s8(s, weight, weight, ernn_one_place_s8(x, place));
    }
    ernn_sixteen_add_to_s8(sum, s);
}

static inline void ernn_add_quarter_blocks_s8(const int8_t *weight, const uint8_t *place, size_t count,
                                              const int8_t *x, int32_t *sum)
{
    ernn_four_s8 s = ernn_four_zero_s8();
    for (; count >= 2; count -= 2, weight += 32, place += 2) {
        s = ernn_four_add_s8(s, weight, weight + 16, ernn_two_places_s8(x, place));
    }
    if (count > 0) {
        s = ernn_four_add_s8(s, weight, weight, ernn_one_place_s8(x, place));
    }
    ernn_add_to(sum, ernn_four_total_s8(s));
}

static inline void ernn_add_packed_blocks_s8(const int8_t *weight, size_t height, const uint8_t *place, size_t count,
                                             const int8_t *x, const int16_t *work, int32_t *sum)
{
    (void)work;
    if (height == 16) {
        ernn_add_strip_blocks_s8(weight, place, count, x, sum);
    } else {
        ernn_add_quarter_blocks_s8(weight, place, count, x, sum);
    }
}

/* ---- int16_t inputs ---- */

/* `work` begins with the last columns % 4 of x, up to four with zeros. */
static inline void ernn_expand_s16(const int16_t *x, size_t columns, int16_t *work)
{
    uint64_t last = 0;
    for (size_t c = columns; c > columns / 4 * 4; c--) {
        last = last << 16 | (uint16_t)x[c - 1];
    }
    vst1_s16(work, vcreate_s16(last));
}

/* The last `columns` of x, 1 .. 7, up to eight with zeros. */
static inline int16x8_t ernn_last_s16(const int16_t *x, const int16_t *work, size_t columns)
{
    const int16x4_t last = columns % 4 == 0 ? vdup_n_s16(0) : vld1_s16(work);
    return columns < 4 ? vcombine_s16(last, vdup_n_s16(0)) : vcombine_s16(vld1_s16(x), last);
}

/* Where only one group is left, it stands for the second, too, and meets zeros. */
static inline void ernn_add_strip_s16(const int8_t *weight, const int16_t *x, const int16_t *work, size_t columns,
                                      int32_t *sum)
{
    ernn_sixteen_s16 s = ernn_sixteen_zero_s16();
    for (; columns >= 8; columns -= 8, weight += 128, x += 8) {
        s = ernn_sixteen_add_s16(s, weight, weight + 64, vld1q_s16(x));
    }
    if (columns > 0) {
        s = ernn_sixteen_add_s16(s, weight, columns > 4 ? weight + 64 : weight, ernn_last_s16(x, work, columns));
    }
    ernn_sixteen_add_to_s16(sum, s);
}

/* The same of four rows; groups lie `stride` bytes apart. */
static inline void ernn_add_quarter_s16(const int8_t *weight, size_t stride, const int16_t *x, const int16_t *work,
                                        size_t columns, int32_t *sum)
{
    ernn_four_s16 s = ernn_four_zero_s16();
    for (; columns >= 8; columns -= 8, weight += 2 * stride, x += 8) {
        s = ernn_four_add_s16(s, weight, weight + stride, vld1q_s16(x));
    }
    if (columns > 0) {
        s = ernn_four_add_s16(s, weight, columns > 4 ? weight + stride : weight, ernn_last_s16(x, work, columns));
    }
    ernn_add_to(sum, ernn_four_total_s16(s));
}

static inline void ernn_add_rows_s16(const int8_t *weight, size_t rows, const int16_t *x, const int16_t *work,
                                     size_t columns, int32_t *sum)
{
    const size_t height = ERNN_UP_TO_FOUR(rows);
    if (ERNN_SIXTEEN_S16 && height == 16) {
        ernn_add_strip_s16(weight, x, work, columns, sum);
        return;
    }
    for (size_t r = 0; r < height; r += 4) {
        ernn_add_quarter_s16(weight + r * 4, height * 4, x, work, columns, sum + r);
    }
}

/* What two blocks read of x. */
static inline int16x8_t ernn_two_places_s16(const int16_t *x, const uint8_t *place)
{
    return vcombine_s16(vld1_s16(x + place[0] * (size_t)4), vld1_s16(x + place[1] * (size_t)4));
}

static inline int16x8_t ernn_one_place_s16(const int16_t *x, const uint8_t *place)
{
    return vcombine_s16(vld1_s16(x + place[0] * (size_t)4), vdup_n_s16(0));
}

static inline void ernn_add_strip_blocks_s16(const int8_t *weight, const uint8_t *place, size_t count,
                                             const int16_t *x, int32_t *sum)
{
    ernn_sixteen_s16 s = ernn_sixteen_zero_s16();
    for (; count >= 2; count -= 2, weight += 128, place += 2) {
        s = ernn_sixteen_add_s16(s, weight, weight + 64, ernn_two_places_s16(x, place));
    }
    if (count > 0) {
        s = ernn_sixteen_add_s16(s, weight, weight, ernn_one_place_s16(x, place));
    }
    ernn_sixteen_add_to_s16(sum, s);
}

/* The same of four rows of the blocks, which lie `stride` bytes apart. */
static inline void ernn_add_quarter_blocks_s16(const int8_t *weight, size_t stride, const uint8_t *place,
                                               size_t count, const int16_t *x, int32_t *sum)
{
    ernn_four_s16 s = ernn_four_zero_s16();
    for (; count >= 2; count -= 2, weight += 2 * stride, place += 2) {
        s = ernn_four_add_s16(s, weight, weight + stride, ernn_two_places_s16(x, place));
    }
    if (count > 0) {
        s = ernn_four_add_s16(s, weight, weight, ernn_one_place_s16(x, place));
    }
    ernn_add_to(sum, ernn_four_total_s16(s));
}

static inline void ernn_add_packed_blocks_s16(const int8_t *weight, size_t height, const uint8_t *place, size_t count,
                                              const int16_t *x, const int16_t *work, int32_t *sum)
{
    (void)work;
    if (ERNN_SIXTEEN_S16 && height == 16) {
        ernn_add_strip_blocks_s16(weight, place, count, x, sum);
        return;
    }
    for (size_t r = 0; r < height; r += 4) {
        ernn_add_quarter_blocks_s16(weight + r * 4, height * 4, place, count, x, sum + r);
    }
}

/* ---- sums to outputs ---- */

/* ernn_finish of four rows. The doubled product's high half, shifted one further, has the bits of the product's. */
static inline int32x4_t ernn_finish_four(const int32_t *sum, const int32_t *multiplier, const uint8_t *shift, int left)
{
    int32x4_t s = vld1q_s32(sum);
    if (left != 0) {
        const int32x4_t most = vdupq_n_s32(INT32_MAX >> left);
        s = vshlq_s32(vmaxq_s32(vminq_s32(s, most), vnegq_s32(most)), vdupq_n_s32(left));
    }
    const int8x8_t shifts = vreinterpret_s8_s32(vdup_n_s32(~ernn_load_word(shift))); /* -(shift + 1), to the left */
    const int32x4_t to_left = vmovl_s16(vget_low_s16(vmovl_s8(shifts)));
    return vrshlq_s32(vqdmulhq_s32(s, vld1q_s32(multiplier)), to_left);
}

static inline void ernn_finish_s16(const int32_t *sum, const int32_t *multiplier, const uint8_t *shift, int left,
                                   size_t rows, int16_t *y)
{
    size_t r = 0;
    for (; r + 4 <= rows; r += 4) {
        vst1_s16(y + r, vqmovn_s32(ernn_finish_four(sum + r, multiplier + r, shift + r, left)));
    }
    for (size_t rest = rows % 4; rest > 0; rest--, r++) { /* counted so that no compiler makes vectors of it */
        y[r] = ernn_saturate_s16(ernn_finish(sum[r], multiplier[r], shift[r], left));
    }
}

/* What saturates before the zero point is added is beyond int8_t after it, too. */
static inline void ernn_finish_s8(const int32_t *sum, const int32_t *multiplier, const uint8_t *shift, int left,
                                  size_t rows, int zero_point, int8_t *y)
{
    const int16x4_t zero = vdup_n_s16((int16_t)zero_point);
    size_t r = 0;
    for (; r + 4 <= rows; r += 4) {
        const int16x4_t wide = vqmovn_s32(ernn_finish_four(sum + r, multiplier + r, shift + r, left));
        const int8x8_t four = vqmovn_s16(vcombine_s16(vqadd_s16(wide, zero), zero));
        const int32_t word = vget_lane_s32(vreinterpret_s32_s8(four), 0);
        __builtin_memcpy(y + r, &word, sizeof word);
    }
    for (size_t rest = rows % 4; rest > 0; rest--, r++) {
        y[r] = ernn_saturate_s8(ernn_finish(sum[r], multiplier[r], shift[r], left) + zero_point);
    }
}

#endif
