/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matrix products with the DSP instructions of Cortex-M4, M7, M33 and M35P. edgernn_products.h includes this file.
 *
 * SMLAD adds two products of int16_t to a sum, and SXTB16 makes two int16_t of the first and third byte of a word,
 * with a rotation by 8 bits of the second and fourth. So `work` holds x as pairs that fit: for every four columns
 * (x0, x2), (x1, x3). What is beyond the columns is 0 there, and int8_t and int16_t inputs become the same.
 *
 * The loop of whole strips takes all registers and is written out; so are instructions that have no intrinsic, or
 * none that compilers use as it is needed here.
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

/* Adds the products of the columns of a strip, whose groups lie `stride` bytes apart. */
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

/* ---- Sixteen rows, from bias to output ---- */

/* What the loop below does not keep in registers. It knows the order. */
typedef struct {
    const int32_t *multiplier;
    const uint8_t *shift;
    int16_t *y;
    int32_t left;
    const int32_t *bias;
    const int8_t *weight;
    const int16_t *pairs, *fours_end; /* x of the columns, and where the last whole four groups of it end */
    const int16_t *pairs_end, *y_end;
} ernn_rows;

/* One row's four weights, whose x are `even` and `odd`. */
#define ERNN_ADD_WORD(sum, word, even, odd)                                             \
    "sxtb16 r10, " word "\n\t"                                                          \
    "sxtb16 " word ", " word ", ror #8\n\t"                                             \
    "smlad " sum ", r10, " even ", " sum "\n\t"                                         \
    "smlad " sum ", " word ", " odd ", " sum "\n\t"

/* Four columns of four rows; the next group of them is 64 bytes further. */
#define ERNN_ADD_GROUP(even, odd)                                                       \
    "ldrd r8, r9, [r11], #8\n\t"                                                        \
    ERNN_ADD_WORD("r0", "r8", even, odd) ERNN_ADD_WORD("r1", "r9", even, odd)           \
    "ldrd r8, r9, [r11], #56\n\t"                                                       \
    ERNN_ADD_WORD("r2", "r8", even, odd) ERNN_ADD_WORD("r3", "r9", even, odd)

/* ASRS takes off as its last bit the carry that ADC adds. */
#define ERNN_FINISH(sum, multiplier)                                                    \
    "lsl " sum ", " sum ", r7\n\t"                                                      \
    "smull lr, " sum ", " sum ", " multiplier "\n\t"                                    \
    "ldrb lr, [r5], #1\n\t"                                                             \
    "asrs " sum ", " sum ", lr\n\t"                                                     \
    "adc " sum ", " sum ", #0\n\t"                                                      \
    "ssat " sum ", #16, " sum "\n\t"                                                    \
    "strh " sum ", [r6], #2\n\t"

/* Rows up to y_end, a multiple of four; the weights of four are 16 bytes further than those before. Whole, since it
 * needs all registers: sums r0 - r3, x r4 - r7, weights r8 - r10 and r11 their address, r12 that of x, lr its end. */
ERNN_INLINE void ernn_compute_rows(ernn_rows *rows)
{
    register ernn_rows *r0 __asm__("r0") = rows;
    __asm__ volatile("push {r0, r4-r11}\n" /* r7 and r9 may not be named as changed everywhere */
                     "1:\n\t"
                     "ldr r10, [sp]\n\t"
                     "ldrd r4, r11, [r10, #16]\n\t"
                     "ldrd r12, lr, [r10, #24]\n\t"
                     "ldmia r4!, {r0-r3}\n\t"
                     "add r5, r11, #16\n\t"
                     "strd r4, r5, [r10, #16]\n\t"
                     "cmp r12, lr\n\t"
                     "bhs 3f\n"
                     "2:\n\t" /* four groups */
                     "ldmia r12!, {r4-r7}\n\t" ERNN_ADD_GROUP("r4", "r5") ERNN_ADD_GROUP("r6", "r7")
                     "ldmia r12!, {r4-r7}\n\t" ERNN_ADD_GROUP("r4", "r5") ERNN_ADD_GROUP("r6", "r7")
                     "cmp r12, lr\n\t"
                     "blo 2b\n\t"
                     "ldr r10, [sp]\n"
                     "3:\n\t"
                     "ldr lr, [r10, #32]\n\t"
                     "cmp r12, lr\n\t"
                     "bhs 5f\n"
                     "4:\n\t" /* one group */
                     "ldmia r12!, {r4, r5}\n\t" ERNN_ADD_GROUP("r4", "r5")
                     "cmp r12, lr\n\t"
                     "blo 4b\n\t"
                     "ldr r10, [sp]\n"
                     "5:\n\t"
                     "ldmia r10, {r4-r7}\n\t"
                     "ldmia r4!, {r8, r9, r11, r12}\n\t" ERNN_FINISH("r0", "r8") ERNN_FINISH("r1", "r9")
                     ERNN_FINISH("r2", "r11") ERNN_FINISH("r3", "r12")
                     "stmia r10, {r4-r6}\n\t"
                     "ldr r7, [r10, #36]\n\t"
                     "cmp r6, r7\n\t"
                     "blo 1b\n\t"
                     "pop {r0, r4-r11}"
                     : "+r"(r0)
                     :
                     : "r1", "r2", "r3", "r12", "lr", "cc", "memory");
}

/* The sums and outputs of the next strip, with `groups` times four columns. */
ERNN_INLINE void ernn_compute_strip(ernn_rows *rows, const int8_t *weight, const int16_t *pairs, size_t groups)
{
    rows->weight = weight;
    rows->pairs = pairs;
    rows->fours_end = pairs + groups / 4 * 16;
    rows->pairs_end = pairs + groups * 4;
    rows->y_end = rows->y + ERNN_STRIP;
    ernn_compute_rows(rows);
}

/* Whole strips, unless lifted sums have to be clipped. */
ERNN_OWN size_t ernn_strips_s8_s16(const ernn_linear *layer, const int8_t *x, const int16_t *work, int16_t *y)
{
    const size_t groups = (layer->columns + 3) / 4, rows = layer->clip ? 0 : layer->rows / ERNN_STRIP * ERNN_STRIP;
    const int8_t *weight = layer->weight, *const end = weight + rows * 4 * groups;
    ernn_rows next = {layer->multiplier, layer->shift, y, layer->left, layer->bias, NULL, NULL, NULL, NULL, NULL};
    (void)x;
    for (; weight < end; weight += ERNN_STRIP * 4 * groups) {
        ernn_compute_strip(&next, weight, work, groups);
    }
    return rows;
}

/* ---- Rows of blocks, from bias to output ---- */

#define ERNN_GATHERED 64 /* the most blocks in a row whose x are copied */

/* A row of blocks of 16 x 4: what its rows read of x is gathered once for all of them. */
ERNN_INLINE void ernn_compute_blocks(ernn_rows *rows, const int8_t *weight, const uint8_t *place, size_t count,
                                     const int16_t *work)
{
    int16_t gathered[ERNN_GATHERED * 4] __attribute__((aligned(4)));
    int16_t *to = gathered;
    for (const uint8_t *const end = place + count; place < end; to += 4) {
        const void *pairs = work + *place++ * (size_t)4;
        const ernn_words words = ernn_load_words(&pairs, 8);
        ernn_store_pairs(to, (int16x2_t)words.first, (int16x2_t)words.last);
    }
    ernn_compute_strip(rows, weight, gathered, count);
}

ERNN_INLINE void ernn_finish_one(ernn_rows *rows, int32_t sum)
{
    const int32_t lifted = (int32_t)((uint32_t)sum << rows->left);
    *rows->y++ = ernn_saturate_s16(ernn_scale(lifted, (uint32_t)*rows->multiplier++, *rows->shift++));
}

/* One of blocks of 4 x 4. */
ERNN_INLINE void ernn_compute_small_blocks(ernn_rows *rows, const int8_t *weight, const uint8_t *place, size_t count,
                                           const int16_t *work)
{
    const int32_t *const bias = rows->bias;
    const ernn_four before = {bias[0], bias[1], bias[2], bias[3]};
    const ernn_four s = ernn_add_places(before, weight, 16, place, count, work);
    ernn_finish_one(rows, s.row_0);
    ernn_finish_one(rows, s.row_1);
    ernn_finish_one(rows, s.row_2);
    ernn_finish_one(rows, s.row_3);
    rows->bias += 4;
}

/* An upper bound of the blocks in a row. */
ERNN_INLINE size_t ernn_most_blocks(const ernn_sparse_linear *layer)
{
    size_t most = layer->columns / 4;
    if (most > ERNN_GATHERED) {
        most = 0;
        for (size_t i = 0; i < layer->rows / layer->block_rows; i++) {
            most = layer->count[i] > most ? layer->count[i] : most;
        }
    }
    return most;
}

ERNN_OWN size_t ernn_block_rows_s8_s16(const ernn_sparse_linear *layer, const int8_t *x, const int16_t *work,
                                       int16_t *y)
{
    const size_t height = layer->block_rows;
    ernn_rows next = {layer->multiplier, layer->shift, y, layer->left, layer->bias, NULL, NULL, NULL, NULL, NULL};
    const int8_t *weight = layer->weight;
    const uint8_t *place = layer->place;
    const int16_t *const end = y + layer->rows;
    (void)x;
    if (!ERNN_IS_PACKED_BLOCK(height, layer->block_columns) || layer->clip ||
        (height == ERNN_STRIP && ernn_most_blocks(layer) > ERNN_GATHERED)) {
        return 0;
    }
    for (const uint16_t *count = layer->count; next.y < end; count++) {
        if (height == ERNN_STRIP) {
            ernn_compute_blocks(&next, weight, place, *count, work);
        } else {
            ernn_compute_small_blocks(&next, weight, place, *count, work);
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
