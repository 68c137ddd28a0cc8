/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernels' arithmetic is made of; models do not include this file. */
#ifndef EDGERNN_ARITHMETIC_H
#define EDGERNN_ARITHMETIC_H

#include "edgernn_runtime.h"

/* C leaves the right shift of a negative number to the compiler; all known ones round it down, as needed here. */
ERNN_ASSERT(shift_rounds_down, (-1 >> 1) == -1 && ((int64_t)-3 >> 1) == -2);

#define ERNN_TABLE_ENTRIES 257 /* 0, 1/32, ... 8; those of sigmoid and softplus 0, 1/16, ... 16 */
#define ERNN_TABLE_BITS 7      /* integers between two entries: 2^7 is 1/32 in Q3.12 and 1/16 in Q4.11 */
#define ERNN_TABLE_END 32768   /* 8.0 in Q3.12 */

/* x / 2^bits, ties upwards; x + 2^(bits - 1) must fit an int32_t. */
static inline int32_t ernn_shift_right(int32_t x, int bits)
{
    return (x + ((int32_t)1 << (bits - 1))) >> bits;
}

static inline int16_t ernn_saturate_s16(int32_t x)
{
    return (int16_t)(x > INT16_MAX ? INT16_MAX : x < INT16_MIN ? INT16_MIN : x);
}

static inline int8_t ernn_saturate_s8(int32_t x)
{
    return (int8_t)(x > INT8_MAX ? INT8_MAX : x < INT8_MIN ? INT8_MIN : x);
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
    const int32_t entry = magnitude >> ERNN_TABLE_BITS;
    const int32_t index = entry < ERNN_TABLE_ENTRIES - 2 ? entry : ERNN_TABLE_ENTRIES - 2;
    const int32_t low = table[index];
    const int32_t slope = table[index + 1] - low;
    return low + ernn_shift_right(slope * (magnitude - (index << ERNN_TABLE_BITS)), ERNN_TABLE_BITS);
}

#endif
