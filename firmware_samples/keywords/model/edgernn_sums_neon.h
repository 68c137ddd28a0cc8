/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums of the products of four rows and of sixteen, with Arm NEON, 32-bit and 64-bit, and with the extensions for dot
 * products and for int8_t matrices where the target has them. edgernn_products_neon.h includes this file.
 *
 * A vector of weights is one group of four columns of four rows, [4 rows][4]. Two groups are added at once, eight
 * columns of x: with the first four goes the vector at `first`, with the last four the one at `second`.
 */
#ifndef EDGERNN_SUMS_NEON_H
#define EDGERNN_SUMS_NEON_H

#include <arm_neon.h>

/* [a0 + a1, a2 + a3, b0 + b1, b2 + b3] */
static inline int32x4_t ernn_add_neighbours(int32x4_t a, int32x4_t b)
{
    return vcombine_s32(vpadd_s32(vget_low_s32(a), vget_high_s32(a)), vpadd_s32(vget_low_s32(b), vget_high_s32(b)));
}

static inline void ernn_add_to(int32_t *sum, int32x4_t more)
{
    vst1q_s32(sum, vaddq_s32(vld1q_s32(sum), more));
}

/* ---- int8_t inputs ---- */

#ifdef __ARM_FEATURE_DOTPROD

typedef struct {
    int32x4_t even, odd; /* sums of four rows over every other group: two short chains instead of a long one */
} ernn_four_s8;

static inline ernn_four_s8 ernn_four_add_s8(ernn_four_s8 s, const int8_t *first, const int8_t *second, int8x8_t x)
{
    s.even = vdotq_lane_s32(s.even, vld1q_s8(first), x, 0);
    s.odd = vdotq_lane_s32(s.odd, vld1q_s8(second), x, 1);
    return s;
}

static inline int32x4_t ernn_four_total_s8(ernn_four_s8 s)
{
    return vaddq_s32(s.even, s.odd);
}

#else

typedef struct {
    int32x4_t even, odd; /* rows 0 and 1, rows 2 and 3; each row in two parts */
} ernn_four_s8;

/* The sum of two products fits an int16_t, since no weight is -128: 2 * 127 * 128 is 32512. */
static inline ernn_four_s8 ernn_four_add_s8(ernn_four_s8 s, const int8_t *first, const int8_t *second, int8x8_t x)
{
    const int8x16_t a = vld1q_s8(first), b = vld1q_s8(second);
    const int32x4_t x_a = vdupq_lane_s32(vreinterpret_s32_s8(x), 0), x_b = vdupq_lane_s32(vreinterpret_s32_s8(x), 1);
    const int8x16_t y_a = vreinterpretq_s8_s32(x_a), y_b = vreinterpretq_s8_s32(x_b);
    const int16x8_t even = vmlal_s8(vmull_s8(vget_low_s8(a), vget_low_s8(y_a)), vget_low_s8(b), vget_low_s8(y_b));
    const int16x8_t odd = vmlal_s8(vmull_s8(vget_high_s8(a), vget_high_s8(y_a)), vget_high_s8(b), vget_high_s8(y_b));
    s.even = vpadalq_s16(s.even, even);
    s.odd = vpadalq_s16(s.odd, odd);
    return s;
}

static inline int32x4_t ernn_four_total_s8(ernn_four_s8 s)
{
    return ernn_add_neighbours(s.even, s.odd);
}

#endif

static inline ernn_four_s8 ernn_four_zero_s8(void)
{
    const ernn_four_s8 zero = {vdupq_n_s32(0), vdupq_n_s32(0)};
    return zero;
}

typedef struct {
    ernn_four_s8 rows_0, rows_4, rows_8, rows_12;
} ernn_sixteen_s8;

static inline ernn_sixteen_s8 ernn_sixteen_zero_s8(void)
{
    const ernn_four_s8 zero = ernn_four_zero_s8();
    const ernn_sixteen_s8 zeros = {zero, zero, zero, zero};
    return zeros;
}

static inline ernn_sixteen_s8 ernn_sixteen_add_s8(ernn_sixteen_s8 s, const int8_t *first, const int8_t *second,
                                                  int8x8_t x)
{
    s.rows_0 = ernn_four_add_s8(s.rows_0, first, second, x);
    s.rows_4 = ernn_four_add_s8(s.rows_4, first + 16, second + 16, x);
    s.rows_8 = ernn_four_add_s8(s.rows_8, first + 32, second + 32, x);
    s.rows_12 = ernn_four_add_s8(s.rows_12, first + 48, second + 48, x);
    return s;
}

static inline void ernn_sixteen_add_to_s8(int32_t *sum, ernn_sixteen_s8 s)
{
    ernn_add_to(sum, ernn_four_total_s8(s.rows_0));
    ernn_add_to(sum + 4, ernn_four_total_s8(s.rows_4));
    ernn_add_to(sum + 8, ernn_four_total_s8(s.rows_8));
    ernn_add_to(sum + 12, ernn_four_total_s8(s.rows_12));
}

/* ---- int16_t inputs ---- */

#if defined(__ARM_FEATURE_MATMUL_INT8)

typedef struct {
    int32x4_t high, low; /* sums of four rows over x's high bytes, and over its low ones */
} ernn_four_s16;

static inline ernn_four_s16 ernn_four_add_s16(ernn_four_s16 s, const int8_t *first, const int8_t *second, int16x8_t x)
{
    const int8x16_t a = vld1q_s8(first), b = vld1q_s8(second);
    const int8x8_t high = vshrn_n_s16(x, 8);
    const uint8x8_t low = vmovn_u16(vreinterpretq_u16_s16(x));
    s.high = vdotq_lane_s32(vdotq_lane_s32(s.high, a, high, 0), b, high, 1);
    s.low = vsudotq_lane_s32(vsudotq_lane_s32(s.low, a, low, 0), b, low, 1);
    return s;
}

static inline int32x4_t ernn_four_total_s16(ernn_four_s16 s)
{
    return vaddq_s32(vshlq_n_s32(s.high, 8), s.low);
}

static inline ernn_four_s16 ernn_four_zero_s16(void)
{
    const ernn_four_s16 zero = {vdupq_n_s32(0), vdupq_n_s32(0)};
    return zero;
}

#elif defined(__ARM_FEATURE_DOTPROD)

typedef struct {
    int32x4_t high, carry, low;
} ernn_four_s16;

/* x is 256 * (high + carry) + low, where low is the low byte read as an int8_t, and carry 1 where that is negative. */
static inline ernn_four_s16 ernn_four_add_s16(ernn_four_s16 s, const int8_t *first, const int8_t *second, int16x8_t x)
{
    const int8x16_t a = vld1q_s8(first), b = vld1q_s8(second);
    const int8x8_t high = vshrn_n_s16(x, 8), low = vmovn_s16(x);
    const int8x8_t carry = vreinterpret_s8_u8(vshr_n_u8(vreinterpret_u8_s8(low), 7));
    s.high = vdotq_lane_s32(vdotq_lane_s32(s.high, a, high, 0), b, high, 1);
    s.carry = vdotq_lane_s32(vdotq_lane_s32(s.carry, a, carry, 0), b, carry, 1);
    s.low = vdotq_lane_s32(vdotq_lane_s32(s.low, a, low, 0), b, low, 1);
    return s;
}

static inline int32x4_t ernn_four_total_s16(ernn_four_s16 s)
{
    return vaddq_s32(vshlq_n_s32(vaddq_s32(s.high, s.carry), 8), s.low);
}

static inline ernn_four_s16 ernn_four_zero_s16(void)
{
    const ernn_four_s16 zero = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
    return zero;
}

#else

typedef struct {
    int32x4_t row_0, row_1, row_2, row_3; /* each row in four parts, one of every column */
} ernn_four_s16;

/* Adds the products of one group; x holds its four columns twice. */
static inline ernn_four_s16 ernn_four_add_group_s16(ernn_four_s16 s, const int8_t *weight, int16x8_t x)
{
    const int8x16_t group = vld1q_s8(weight);
    const int16x8_t low = vmovl_s8(vget_low_s8(group)), high = vmovl_s8(vget_high_s8(group));
    s.row_0 = vmlal_s16(s.row_0, vget_low_s16(low), vget_low_s16(x));
    s.row_1 = vmlal_s16(s.row_1, vget_high_s16(low), vget_high_s16(x));
    s.row_2 = vmlal_s16(s.row_2, vget_low_s16(high), vget_low_s16(x));
    s.row_3 = vmlal_s16(s.row_3, vget_high_s16(high), vget_high_s16(x));
    return s;
}

static inline ernn_four_s16 ernn_four_add_s16(ernn_four_s16 s, const int8_t *first, const int8_t *second, int16x8_t x)
{
    s = ernn_four_add_group_s16(s, first, vcombine_s16(vget_low_s16(x), vget_low_s16(x)));
    return ernn_four_add_group_s16(s, second, vcombine_s16(vget_high_s16(x), vget_high_s16(x)));
}

static inline int32x4_t ernn_four_total_s16(ernn_four_s16 s)
{
    return ernn_add_neighbours(ernn_add_neighbours(s.row_0, s.row_1), ernn_add_neighbours(s.row_2, s.row_3));
}

static inline ernn_four_s16 ernn_four_zero_s16(void)
{
    const ernn_four_s16 zero = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
    return zero;
}

#endif

typedef struct {
    ernn_four_s16 rows_0, rows_4, rows_8, rows_12;
} ernn_sixteen_s16;

static inline ernn_sixteen_s16 ernn_sixteen_zero_s16(void)
{
    const ernn_four_s16 zero = ernn_four_zero_s16();
    const ernn_sixteen_s16 zeros = {zero, zero, zero, zero};
    return zeros;
}

static inline ernn_sixteen_s16 ernn_sixteen_add_s16(ernn_sixteen_s16 s, const int8_t *first, const int8_t *second,
                                                    int16x8_t x)
{
    s.rows_0 = ernn_four_add_s16(s.rows_0, first, second, x);
    s.rows_4 = ernn_four_add_s16(s.rows_4, first + 16, second + 16, x);
    s.rows_8 = ernn_four_add_s16(s.rows_8, first + 32, second + 32, x);
    s.rows_12 = ernn_four_add_s16(s.rows_12, first + 48, second + 48, x);
    return s;
}

static inline void ernn_sixteen_add_to_s16(int32_t *sum, ernn_sixteen_s16 s)
{
    ernn_add_to(sum, ernn_four_total_s16(s.rows_0));
    ernn_add_to(sum + 4, ernn_four_total_s16(s.rows_4));
    ernn_add_to(sum + 8, ernn_four_total_s16(s.rows_8));
    ernn_add_to(sum + 12, ernn_four_total_s16(s.rows_12));
}

#endif
