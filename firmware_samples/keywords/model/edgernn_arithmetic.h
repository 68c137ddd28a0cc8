/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernels' arithmetic is made of; models do not include this file. */
#ifndef EDGERNN_ARITHMETIC_H
#define EDGERNN_ARITHMETIC_H

#include "edgernn_runtime.h"

#if defined(__ARM_FEATURE_SAT) && defined(__GNUC__) && !defined(ERNN_PORTABLE)
#define ERNN_SATURATES /* in one instruction, which compilers do not always find; gcc warns of arm_acle.h's __ssat */
#endif

#ifdef ERNN_DSP
#include <arm_acle.h>
#endif

#if defined(__thumb__) && !defined(__thumb2__) && defined(__ARMEL__) && !defined(ERNN_PORTABLE) && \
    !defined(__OPTIMIZE_SIZE__)
#define ERNN_THUMB1 /* Cortex-M0, M0+, M1, M23: eight registers, short products, no load of a signed byte at an offset */
#endif

/* C leaves the right shift of a negative number to the compiler; all known ones round it down, as needed here. */
ERNN_ASSERT(shift_rounds_down, (-1 >> 1) == -1 && ((int64_t)-3 >> 1) == -2);

#define ERNN_TABLE_ENTRIES 258 /* 0, 1/32, ... 8; those of sigmoid and softplus 0, 1/16, ... 16; the last twice */
#define ERNN_TABLE_BITS 7      /* integers between two entries: 2^7 is 1/32 in Q3.12 and 1/16 in Q4.11 */
#define ERNN_TABLE_END 32768   /* 8.0 in Q3.12 */

extern const int16_t ernn_sigmoid_table[ERNN_TABLE_ENTRIES]; /* Q0.15 over Q4.11 */
extern const int16_t ernn_tanh_table[ERNN_TABLE_ENTRIES];    /* Q0.15 over Q3.12 */

/* x / 2^bits, ties upwards; x + 2^(bits - 1) must fit an int32_t. */
static inline int32_t ernn_shift_right(int32_t x, int bits)
{
    return (x + ((int32_t)1 << (bits - 1))) >> bits;
}

/* The nearest integer that an int16_t holds. */
static inline int32_t ernn_clip_s16(int32_t x)
{
#ifdef ERNN_SATURATES
    return (int32_t)__builtin_arm_ssat(x, 16);
#else
    return x > INT16_MAX ? INT16_MAX : x < INT16_MIN ? INT16_MIN : x;
#endif
}

static inline int16_t ernn_saturate_s16(int32_t x)
{
    return (int16_t)ernn_clip_s16(x);
}

static inline int8_t ernn_saturate_s8(int32_t x)
{
#ifdef ERNN_SATURATES
    return (int8_t)__builtin_arm_ssat(x, 8);
#else
    return (int8_t)(x > INT8_MAX ? INT8_MAX : x < INT8_MIN ? INT8_MIN : x);
#endif
}

/* a * b / 2^32, rounded down; b is 0 or more. */
static inline int32_t ernn_high_word(int32_t a, int32_t b)
{
#ifdef ERNN_THUMB1 /* of halves, since there is no product of 64 bits; no sum here exceeds 32 */
    const int32_t a_high = a >> 16, b_high = b >> 16, a_low = a & 0xFFFF, b_low = b & 0xFFFF;
    const int32_t middle = a_high * b_low + (int32_t)((uint32_t)a_low * (uint32_t)b_low >> 16);
    return a_high * b_high + (middle >> 16) + ((a_low * b_high + (middle & 0xFFFF)) >> 16);
#else
    return (int32_t)(((int64_t)a * b) >> 32);
#endif
}

/* sum * 2^left * multiplier / 2^(32 + shift), one rounding, ties upwards; shift 1 .. 31. What does not fit an
 * int32_t after the shift to the left is beyond every output, too: the exporter proves that of each row. */
static inline int32_t ernn_finish(int32_t sum, int32_t multiplier, int shift, int left)
{
    if (left != 0) {
        const int32_t most = INT32_MAX >> left;
        sum = (sum > most ? most : sum < -most ? -most : sum) * ((int32_t)1 << left);
    }
    const int32_t high = ernn_high_word(sum, multiplier); /* what lies below cannot change the rounding */
    return ((high >> (shift - 1)) + 1) >> 1;
}

/* x * multiplier / 2^shift, one rounding, ties upwards. 2^62 + 2^61 is the most that occurs inside. */
static inline int64_t ernn_rescale(int32_t x, int32_t multiplier, int shift)
{
    return ((int64_t)x * multiplier + ((int64_t)1 << (shift - 1))) >> shift;
}

/* The same plus a zero point: the nearest value of the type that fits. */
static inline int16_t ernn_rescale_s16(int32_t x, int32_t multiplier, int shift, int zero_point)
{
    const int64_t y = ernn_rescale(x, multiplier, shift) + zero_point;
    return (int16_t)(y > INT16_MAX ? INT16_MAX : y < INT16_MIN ? INT16_MIN : y);
}

static inline int8_t ernn_rescale_s8(int32_t x, int32_t multiplier, int shift, int zero_point)
{
    const int64_t y = ernn_rescale(x, multiplier, shift) + zero_point;
    return (int8_t)(y > INT8_MAX ? INT8_MAX : y < INT8_MIN ? INT8_MIN : y);
}

/* The nearest integer, ties upwards; |x| is at most 2^24, so that no step of it is rounded. */
static inline int32_t ernn_round_f32(float x)
{
    const int32_t whole = (int32_t)x; /* towards 0 */
    const float rest = x - (float)whole;
    return whole + (rest >= 0.5f) - (rest < -0.5f);
}

/* The table's function at magnitude, 0 .. 32768 in Q3.12, or Q4.11 for sigmoid and softplus. */
static inline int32_t ernn_interpolate(const int16_t *table, int32_t magnitude)
{
    const int16_t *entry = table + (magnitude >> ERNN_TABLE_BITS);
    const int32_t part = magnitude & ((1 << ERNN_TABLE_BITS) - 1);
#ifdef ERNN_DSP /* entry[0] * (128 - part) + entry[1] * part, which is the same before the shift */
    int16x2_t both;
    __builtin_memcpy(&both, entry, sizeof both);
    return __smlad(both, (int16x2_t)(part * 0xFFFF + 128), 64) >> ERNN_TABLE_BITS;
#else
    const int32_t slope = entry[1] - entry[0];
    return entry[0] + ernn_shift_right(slope * part, ERNN_TABLE_BITS);
#endif
}

static inline int32_t ernn_sigmoid(int32_t x)
{
    const int32_t positive = ernn_interpolate(ernn_sigmoid_table, x < 0 ? -x : x);
    return x < 0 ? 32768 - positive : positive; /* sigmoid(-x) = 1 - sigmoid(x) */
}

static inline int32_t ernn_tanh(int32_t x)
{
    const int32_t positive = ernn_interpolate(ernn_tanh_table, x < 0 ? -x : x);
    return x < 0 ? -positive : positive; /* tanh(-x) = -tanh(x) */
}

/* (a + b) * 2^shift; a multiplication, since a negative number must not be shifted to the left. */
static inline int32_t ernn_sum(int32_t a, int32_t b, int shift)
{
    return ernn_clip_s16((a + b) * ((int32_t)1 << shift));
}

/* a * b / 2^bits, bits 1 .. 30 */
static inline int32_t ernn_product(int32_t a, int32_t b, int bits)
{
    return ernn_clip_s16(ernn_shift_right(a * b, bits));
}

/* x * 2^up, -15 .. 15, ties upwards */
static inline int32_t ernn_shift(int32_t x, int up)
{
    return up < 0 ? ernn_product(x, 1, -up) : ernn_sum(x, 0, up);
}

/* g + z * (h - g). |z * (h - g)| + 2^14 is at most 32768 * 65535 + 16384, which is below 2^31. */
static inline int16_t ernn_blend(int32_t z, int32_t g, int32_t h)
{
    return (int16_t)(g + ernn_shift_right(z * (h - g), 15));
}

#endif
