/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matrix products with Helium, the vector extension of Cortex-M55 and M85. edgernn_products.h includes this file.
 *
 * VMLADAVA adds the sixteen products of two vectors of int8_t to a sum in a core register. So a vector of weights is
 * one row's part of four groups of columns, which a gather of words collects. A gather takes longer than a load of
 * neighbours: about one cycle a word, so that cycles are further from instructions here than on other cores.
 */
#ifndef EDGERNN_PRODUCTS_MVE_H
#define EDGERNN_PRODUCTS_MVE_H

#include <arm_mve.h>

/* Functions of their own: in one with others the registers of their loops run out. */
#define ERNN_OWN static __attribute__((noinline, unused))

#define ERNN_HAS_STRIPS_S8_S16
#define ERNN_HAS_BLOCK_ROWS_S8_S16
#define ERNN_HAS_BEGIN
#define ERNN_HAS_EXPAND_S8
#define ERNN_HAS_ADD_ROWS_S8
#define ERNN_HAS_ADD_PACKED_BLOCKS_S8
#define ERNN_HAS_ADD_ROWS_S16
#define ERNN_HAS_FINISH_S16
#define ERNN_HAS_FINISH_S8

static inline void ernn_begin(const int32_t *bias, size_t rows, int32_t *sum)
{
    for (size_t r = 0; r < rows; r += 4) {
        vst1q_s32(sum + r, vldrwq_z_s32(bias + r, vctp32q(rows - r))); /* 0 beyond the rows */
    }
}

/* x on word boundaries, which the gathers of sparse matrices need. */
static inline void ernn_expand_s8(const int8_t *x, size_t columns, int16_t *work)
{
    int8_t *to = (int8_t *)work;
    for (size_t c = 0; c < columns; c += 16) {
        const mve_pred16_t there = vctp8q(columns - c);
        vstrbq_p_s8(to + c, vldrbq_z_s8(x + c, there), there);
    }
}

/* ---- Four rows of int8_t ---- */

typedef struct {
    int32_t row_0, row_1, row_2, row_3;
} ernn_four;

/* Adds the products of four rows and sixteen columns; the rows' words lie one after the other at each address. */
static inline ernn_four ernn_add_sixteen(ernn_four s, uint32x4_t address, int8x16_t x)
{
    s.row_0 = vmladavaq_s8(s.row_0, vreinterpretq_s8_s32(vldrwq_gather_base_s32(address, 0)), x);
    s.row_1 = vmladavaq_s8(s.row_1, vreinterpretq_s8_s32(vldrwq_gather_base_s32(address, 4)), x);
    s.row_2 = vmladavaq_s8(s.row_2, vreinterpretq_s8_s32(vldrwq_gather_base_s32(address, 8)), x);
    s.row_3 = vmladavaq_s8(s.row_3, vreinterpretq_s8_s32(vldrwq_gather_base_s32(address, 12)), x);
    return s;
}

/* The same where only some words are there. */
static inline ernn_four ernn_add_some(ernn_four s, uint32x4_t address, int8x16_t x, mve_pred16_t there)
{
    s.row_0 = vmladavaq_s8(s.row_0, vreinterpretq_s8_s32(vldrwq_gather_base_z_s32(address, 0, there)), x);
    s.row_1 = vmladavaq_s8(s.row_1, vreinterpretq_s8_s32(vldrwq_gather_base_z_s32(address, 4, there)), x);
    s.row_2 = vmladavaq_s8(s.row_2, vreinterpretq_s8_s32(vldrwq_gather_base_z_s32(address, 8, there)), x);
    s.row_3 = vmladavaq_s8(s.row_3, vreinterpretq_s8_s32(vldrwq_gather_base_z_s32(address, 12, there)), x);
    return s;
}

/* Four addresses, `stride` bytes apart. */
static inline uint32x4_t ernn_addresses(const int8_t *first, size_t stride)
{
    const uint32x4_t numbers = vidupq_n_u32(0, 1);
    return vaddq_n_u32(vmulq_n_u32(numbers, (uint32_t)stride), (uint32_t)(uintptr_t)first);
}

/* Adds the products of four rows; the first words of their groups lie at `address`, and so on. `rest` is what is left
 * of the columns by sixteens. */
static inline ernn_four ernn_add_columns(ernn_four s, uint32x4_t address, size_t stride, const int8_t *x,
                                         size_t columns, size_t rest)
{
    size_t more = columns / 16;
    if (rest == 0 || more > 0) {
        do {
            s = ernn_add_sixteen(s, address, vldrbq_s8(x));
            address = vaddq_n_u32(address, (uint32_t)(4 * stride));
            x += 16;
            __asm__("" : "+r"(more)); /* short loops: to prepare the loop instruction takes longer than it saves */
        } while (--more > 0);
    }
    if (rest > 0) {
        s = ernn_add_some(s, address, vldrbq_z_s8(x, vctp8q(rest)), vctp32q((rest + 3) / 4));
    }
    return s;
}

/* The same of `count` blocks of four columns; x is the one in `work`. */
static inline ernn_four ernn_add_places(ernn_four s, uint32x4_t address, size_t stride, const uint8_t *place,
                                        size_t count, const int32_t *x)
{
    for (; count >= 4; count -= 4, place += 4) {
        const int32x4_t values = vldrwq_gather_shifted_offset_s32(x, vldrbq_u32(place));
        s = ernn_add_sixteen(s, address, vreinterpretq_s8_s32(values));
        address = vaddq_n_u32(address, (uint32_t)(4 * stride));
    }
    if (count > 0) {
        const mve_pred16_t there = vctp32q(count);
        const int32x4_t values = vldrwq_gather_shifted_offset_z_s32(x, vldrbq_z_u32(place, there), there);
        s = ernn_add_some(s, address, vreinterpretq_s8_s32(values), there);
    }
    return s;
}

static inline void ernn_add_rows_s8(const int8_t *weight, size_t rows, const int8_t *x, const int16_t *work,
                                    size_t columns, int32_t *sum)
{
    const size_t stride = ERNN_UP_TO_FOUR(rows) * 4;
    (void)work;
    for (size_t r = 0; r < rows; r += 4) {
        const ernn_four before = {sum[r], sum[r + 1], sum[r + 2], sum[r + 3]};
        const ernn_four s = ernn_add_columns(before, ernn_addresses(weight + r * 4, stride), stride, x, columns, columns % 16);
        sum[r] = s.row_0, sum[r + 1] = s.row_1, sum[r + 2] = s.row_2, sum[r + 3] = s.row_3;
    }
}

static inline void ernn_add_packed_blocks_s8(const int8_t *weight, size_t height, const uint8_t *place, size_t count,
                                             const int8_t *x, const int16_t *work, int32_t *sum)
{
    const size_t stride = height * 4;
    (void)x;
    for (size_t r = 0; r < height; r += 4) {
        const ernn_four before = {sum[r], sum[r + 1], sum[r + 2], sum[r + 3]};
        const ernn_four s = ernn_add_places(before, ernn_addresses(weight + r * 4, stride), stride, place, count,
                                            (const int32_t *)(const void *)work);
        sum[r] = s.row_0, sum[r + 1] = s.row_1, sum[r + 2] = s.row_2, sum[r + 3] = s.row_3;
    }
}

/* ---- int8_t inputs, from bias to output ---- */

/* What the next rows have beside their weights, and where their outputs go. */
typedef struct {
    const int32_t *bias, *multiplier;
    const uint8_t *shift;
    int left;
    int16_t *y;
} ernn_rows;

static inline ernn_four ernn_begin_four(const int32_t *bias)
{
    const ernn_four s = {bias[0], bias[1], bias[2], bias[3]};
    return s;
}

static inline void ernn_finish_rows(ernn_rows *rows, const ernn_four *sums, size_t count)
{
    for (size_t r = 0; r < count; r += 4, sums++) {
        const int32x4_t down = vnegq_s32(vreinterpretq_s32_u32(vldrbq_u32(rows->shift + r)));
        const int32x4_t lifted = vqshlq_r_s32(vldrwq_s32(&sums->row_0), rows->left);
        const int32x4_t z = vrshlq_s32(vmulhq_s32(lifted, vldrwq_s32(rows->multiplier + r)), down);
        vstrhq_s32(rows->y + r, vreinterpretq_s32_s16(vqmovnbq_s32(vreinterpretq_s16_s32(down), z)));
    }
    rows->bias += count, rows->multiplier += count, rows->shift += count, rows->y += count;
}

/* As it is written here: gcc would take the sums to a vector by way of the stack. */
static inline void ernn_store_four(ernn_four *p, ernn_four s)
{
    __asm__ volatile("strd %1, %2, [%0]\n\tstrd %3, %4, [%0, #8]"
                     :
                     : "r"(p), "r"(s.row_0), "r"(s.row_1), "r"(s.row_2), "r"(s.row_3)
                     : "memory");
}

/* One strip of sums; `columns` is 16 and more where `rest`, of less than 16, is 0. */
static inline void ernn_add_strip(ernn_four sums[ERNN_STRIP / 4], const int32_t *bias, const int8_t *weight,
                                  const int8_t *x, size_t columns, size_t rest)
{
    uint32x4_t address = ernn_addresses(weight, ERNN_STRIP * 4);
    for (size_t r = 0; r < ERNN_STRIP; r += 4, sums++) {
        const ernn_four s = ernn_add_columns(ernn_begin_four(bias + r), address, ERNN_STRIP * 4, x, columns, rest);
        ernn_store_four(sums, s);
        address = vaddq_n_u32(address, 16);
    }
}

/* Whole strips. */
ERNN_OWN size_t ernn_strips_s8_s16(const ernn_linear *layer, const int8_t *x, const int16_t *work, int16_t *y)
{
    const size_t rows = layer->rows / ERNN_STRIP * ERNN_STRIP, columns = layer->columns;
    const size_t strip = ERNN_STRIP * ERNN_UP_TO_FOUR(columns);
    const int8_t *weight = layer->weight;
    ernn_rows next = {layer->bias, layer->multiplier, layer->shift, layer->left, y};
    (void)work;
    for (const int8_t *const end = weight + rows * ERNN_UP_TO_FOUR(columns); weight < end; weight += strip) {
        ernn_four sums[ERNN_STRIP / 4];
        if (columns % 16 == 0) { /* what the compiler knows it need not ask in every row */
            ernn_add_strip(sums, next.bias, weight, x, columns, 0);
        } else {
            ernn_add_strip(sums, next.bias, weight, x, columns, columns % 16);
        }
        ernn_finish_rows(&next, sums, ERNN_STRIP);
    }
    return rows;
}

ERNN_OWN size_t ernn_block_rows_s8_s16(const ernn_sparse_linear *layer, const int8_t *x, const int16_t *work,
                                       int16_t *y)
{
    const size_t height = layer->block_rows, stride = height * 4;
    const int8_t *weight = layer->weight;
    const uint8_t *place = layer->place;
    const uint16_t *count = layer->count;
    ernn_rows next = {layer->bias, layer->multiplier, layer->shift, layer->left, y};
    (void)x;
    if (!ERNN_IS_PACKED_BLOCK(height, layer->block_columns)) {
        return 0;
    }
    for (size_t row = 0; row < layer->rows; row += height, weight += *count * stride, place += *count, count++) {
        uint32x4_t address = ernn_addresses(weight, stride);
        ernn_four sums[ERNN_BLOCK_ROWS / 4];
        for (size_t r = 0; r < height / 4; r++) {
            sums[r] = ernn_add_places(ernn_begin_four(next.bias + r * 4), address, stride, place, *count,
                                      (const int32_t *)(const void *)work);
            address = vaddq_n_u32(address, 16);
        }
        ernn_finish_rows(&next, sums, height);
    }
    return layer->rows;
}

/* ---- int16_t inputs ---- */

/* The offsets of eight columns of one row: two groups. */
static inline uint16x8_t ernn_offsets(size_t stride)
{
    const uint16x8_t numbers = vidupq_n_u16(0, 1);
    return vaddq_u16(vandq_u16(numbers, vdupq_n_u16(3)), vmulq_n_u16(vshrq_n_u16(numbers, 2), (uint16_t)stride));
}

static inline void ernn_add_rows_s16(const int8_t *weight, size_t rows, const int16_t *x, const int16_t *work,
                                     size_t columns, int32_t *sum)
{
    const size_t stride = ERNN_UP_TO_FOUR(rows) * 4;
    const uint16x8_t offsets = ernn_offsets(stride);
    (void)work;
    for (size_t r = 0; r < ERNN_UP_TO_FOUR(rows); r++) {
        const int8_t *next = weight + r * 4;
        int32_t s = sum[r];
        for (size_t c = 0; c < columns; c += 8, next += 2 * stride) {
            const mve_pred16_t there = vctp16q(columns - c);
            s = vmladavaq_s16(s, vldrbq_gather_offset_z_s16(next, offsets, there), vldrhq_z_s16(x + c, there));
        }
        sum[r] = s;
    }
}

/* ---- Sums to outputs ---- */

/* The outputs of up to four rows before saturation. */
static inline int32x4_t ernn_scale_four(const int32_t *sum, const int32_t *multiplier, const uint8_t *shift, int left,
                                        mve_pred16_t there)
{
    const int32x4_t high = vmulhq_s32(vqshlq_r_s32(vldrwq_s32(sum), left), vldrwq_z_s32(multiplier, there));
    return vrshlq_s32(high, vnegq_s32(vreinterpretq_s32_u32(vldrbq_z_u32(shift, there))));
}

static inline void ernn_finish_s16(const int32_t *sum, const int32_t *multiplier, const uint8_t *shift, int left,
                                   size_t rows, int16_t *y)
{
    for (size_t r = 0; r < rows; r += 4) {
        const mve_pred16_t there = vctp32q(rows - r);
        const int32x4_t z = ernn_scale_four(sum + r, multiplier + r, shift + r, left, there);
        const int16x8_t narrow = vqmovnbq_s32(vreinterpretq_s16_s32(z), z);
        vstrhq_p_s32(y + r, vreinterpretq_s32_s16(narrow), there);
    }
}

static inline void ernn_finish_s8(const int32_t *sum, const int32_t *multiplier, const uint8_t *shift, int left,
                                  size_t rows, int zero_point, int8_t *y)
{
    for (size_t r = 0; r < rows; r += 4) {
        const mve_pred16_t there = vctp32q(rows - r);
        const int32x4_t z = ernn_scale_four(sum + r, multiplier + r, shift + r, left, there);
        const int32x4_t moved = vqaddq_n_s32(z, zero_point);
        const int32x4_t most = vdupq_n_s32(INT8_MAX), least = vdupq_n_s32(INT8_MIN);
        vstrbq_p_s32(y + r, vmaxq_s32(vminq_s32(moved, most), least), there);
    }
}

#endif
