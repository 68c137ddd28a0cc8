/* SPDX-License-Identifier: Apache-2.0 */
/* Gates on 8 int16_t: Arm NEON, 32-bit and 64-bit. edgernn_lanes.h includes this file. */
#ifndef EDGERNN_LANES_NEON_H
#define EDGERNN_LANES_NEON_H

#include <arm_neon.h>

#define ERNN_LANES 8
#define ERNN_HAS_LANES_NARROW

typedef int16x8_t ernn_lanes;

static inline ernn_lanes ernn_lanes_load(const int16_t *p)
{
    return vld1q_s16(p);
}

static inline void ernn_lanes_store(int16_t *p, ernn_lanes y)
{
    vst1q_s16(p, y);
}

/* A sum that saturates before its shift to the left is beyond the ends after it, too. */
static inline ernn_lanes ernn_lanes_sum(ernn_lanes a, ernn_lanes b, int shift)
{
    return vqshlq_s16(vqaddq_s16(a, b), vdupq_n_s16((int16_t)shift));
}

static inline ernn_lanes ernn_lanes_product(ernn_lanes a, ernn_lanes b, int bits)
{
    const int32x4_t right = vdupq_n_s32(-bits);
    const int32x4_t low = vmull_s16(vget_low_s16(a), vget_low_s16(b));
    const int32x4_t high = vmull_s16(vget_high_s16(a), vget_high_s16(b));
    return vcombine_s16(vqmovn_s32(vrshlq_s32(low, right)), vqmovn_s32(vrshlq_s32(high, right)));
}

/* The instruction saturates to the left and rounds ties upwards to the right. */
static inline ernn_lanes ernn_lanes_shift(ernn_lanes x, int up)
{
    return vqrshlq_s16(x, vdupq_n_s16((int16_t)up));
}

/* All lanes: there are no loads and stores of fewer here. */
static inline void ernn_lanes_narrow(int8_t *p, ernn_lanes x, int bits, size_t count)
{
    (void)count;
    vst1_s8(p, vqmovn_s16(vrshlq_s16(x, vdupq_n_s16((int16_t)-bits))));
}

/* Entries index and index + 1 of a table: one load, since they are neighbours. */
static inline int32_t ernn_lanes_entries(const int16_t *table, uint16_t index)
{
    int32_t entries;
    __builtin_memcpy(&entries, table + index, sizeof entries);
    return entries;
}

static inline int16x8x2_t ernn_lanes_look_up(const int16_t *table, uint16x8_t index)
{
    int32x4_t low = vdupq_n_s32(ernn_lanes_entries(table, vgetq_lane_u16(index, 0)));
    int32x4_t high = vdupq_n_s32(ernn_lanes_entries(table, vgetq_lane_u16(index, 4)));
    low = vsetq_lane_s32(ernn_lanes_entries(table, vgetq_lane_u16(index, 1)), low, 1);
    high = vsetq_lane_s32(ernn_lanes_entries(table, vgetq_lane_u16(index, 5)), high, 1);
    low = vsetq_lane_s32(ernn_lanes_entries(table, vgetq_lane_u16(index, 2)), low, 2);
    high = vsetq_lane_s32(ernn_lanes_entries(table, vgetq_lane_u16(index, 6)), high, 2);
    low = vsetq_lane_s32(ernn_lanes_entries(table, vgetq_lane_u16(index, 3)), low, 3);
    high = vsetq_lane_s32(ernn_lanes_entries(table, vgetq_lane_u16(index, 7)), high, 3);
    return vuzpq_s16(vreinterpretq_s16_s32(low), vreinterpretq_s16_s32(high));
}

/* The part is 8 bits up, so that the doubled product's high half, which is rounded, is that of ernn_interpolate. */
static inline ernn_lanes ernn_lanes_interpolate(const int16_t *table, uint16x8_t magnitude)
{
    const int16x8x2_t entry = ernn_lanes_look_up(table, vshrq_n_u16(magnitude, ERNN_TABLE_BITS));
    const uint16x8_t part = vandq_u16(vshlq_n_u16(magnitude, 8), vdupq_n_u16(0x7f00));
    const int16x8_t slope = vsubq_s16(entry.val[1], entry.val[0]);
    return vaddq_s16(entry.val[0], vqrdmulhq_s16(slope, vreinterpretq_s16_u16(part)));
}

/* y(|x|), and `mirror` less it where x is negative. */
static inline ernn_lanes ernn_lanes_activation(const int16_t *table, ernn_lanes x, int16_t mirror)
{
    const int16x8_t positive = ernn_lanes_interpolate(table, vreinterpretq_u16_s16(vabsq_s16(x)));
    return vbslq_s16(vcltq_s16(x, vdupq_n_s16(0)), vsubq_s16(vdupq_n_s16(mirror), positive), positive);
}

static inline ernn_lanes ernn_lanes_sigmoid(ernn_lanes x)
{
    return ernn_lanes_activation(ernn_sigmoid_table, x, INT16_MIN); /* 32768, modulo 2^16 */
}

static inline ernn_lanes ernn_lanes_tanh(ernn_lanes x)
{
    return ernn_lanes_activation(ernn_tanh_table, x, 0);
}

/* (32768 * g + z * h - z * g) / 2^15 */
static inline int16x4_t ernn_lanes_blend_half(int16x4_t z, int16x4_t g, int16x4_t h)
{
    return vrshrn_n_s32(vmlsl_s16(vmlal_s16(vshll_n_s16(g, 15), z, h), z, g), 15);
}

static inline ernn_lanes ernn_lanes_blend(ernn_lanes z, ernn_lanes g, ernn_lanes h)
{
    return vcombine_s16(ernn_lanes_blend_half(vget_low_s16(z), vget_low_s16(g), vget_low_s16(h)),
                        ernn_lanes_blend_half(vget_high_s16(z), vget_high_s16(g), vget_high_s16(h)));
}

#endif
