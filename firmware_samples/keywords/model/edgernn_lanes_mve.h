/* SPDX-License-Identifier: Apache-2.0 */
/* Gates with Helium. edgernn_lanes.h includes this file. */
#ifndef EDGERNN_LANES_MVE_H
#define EDGERNN_LANES_MVE_H

#include <arm_mve.h>

#define ERNN_LANES 8
#define ERNN_HAS_LANES_REST
#define ERNN_HAS_LANES_NARROW

typedef int16x8_t ernn_lanes;

static inline ernn_lanes ernn_lanes_load(const int16_t *p)
{
    return vldrhq_s16(p);
}

static inline void ernn_lanes_store(int16_t *p, ernn_lanes y)
{
    vstrhq_s16(p, y);
}

static inline ernn_lanes ernn_lanes_load_rest(const int16_t *p, size_t count)
{
    return vldrhq_z_s16(p, vctp16q(count));
}

static inline void ernn_lanes_store_rest(int16_t *p, ernn_lanes y, size_t count)
{
    vstrhq_p_s16(p, y, vctp16q(count));
}

/* What saturates before a shift to the left saturates after it, too. */
static inline ernn_lanes ernn_lanes_sum(ernn_lanes a, ernn_lanes b, int shift)
{
    return vqshlq_r_s16(vqaddq_s16(a, b), shift);
}

static inline ernn_lanes ernn_lanes_product(ernn_lanes a, ernn_lanes b, int bits)
{
    const int32x4_t even = vrshlq_n_s32(vmullbq_int_s16(a, b), -bits), odd = vrshlq_n_s32(vmulltq_int_s16(a, b), -bits);
    return vqmovntq_s32(vqmovnbq_s32(a, even), odd);
}

static inline ernn_lanes ernn_lanes_shift(ernn_lanes x, int up)
{
    return vqrshlq_n_s16(x, up);
}

static inline void ernn_lanes_narrow(int8_t *p, ernn_lanes x, int bits, size_t count)
{
    const ernn_lanes y = vrshlq_n_s16(x, -bits);
    vstrbq_p_s16(p, vreinterpretq_s16_s8(vqmovnbq_s16(vreinterpretq_s8_s16(y), y)), vctp16q(count));
}

/* ernn_interpolate at |x|. VQRDMULH gives (2 * slope * (part * 2^8) + 2^15) / 2^16. */
static inline ernn_lanes ernn_lanes_interpolate(const int16_t *table, ernn_lanes x)
{
    const uint16x8_t magnitude = vreinterpretq_u16_s16(vabsq_s16(x)); /* 2^15 of -2^15 */
    const uint16x8_t entry = vshrq_n_u16(magnitude, ERNN_TABLE_BITS);
    const int16x8_t first = vldrhq_gather_shifted_offset_s16(table, entry);
    const int16x8_t slope = vsubq_s16(vldrhq_gather_shifted_offset_s16(table + 1, entry), first);
    const uint16x8_t part = vbicq_n_u16(vshlq_n_u16(magnitude, 15 - ERNN_TABLE_BITS), 0x8000);
    return vaddq_s16(first, vqrdmulhq_s16(slope, vreinterpretq_s16_u16(part)));
}

static inline ernn_lanes ernn_lanes_sigmoid(ernn_lanes x)
{
    const int16x8_t y = ernn_lanes_interpolate(ernn_sigmoid_table, x);
    return vsubq_m_s16(y, vdupq_n_s16(INT16_MIN), y, vcmpltq_n_s16(x, 0)); /* 2^15 - y, of 16 bits */
}

static inline ernn_lanes ernn_lanes_tanh(ernn_lanes x)
{
    const int16x8_t y = ernn_lanes_interpolate(ernn_tanh_table, x);
    return vnegq_m_s16(y, y, vcmpltq_n_s16(x, 0));
}

/* z * h and z * g fit 31 bits, and their difference 32. The lower half of its quotient and g is all of the sum. */
static inline ernn_lanes ernn_lanes_blend(ernn_lanes z, ernn_lanes g, ernn_lanes h)
{
    const int32x4_t even = vsubq_s32(vmullbq_int_s16(z, h), vmullbq_int_s16(z, g));
    const int32x4_t odd = vsubq_s32(vmulltq_int_s16(z, h), vmulltq_int_s16(z, g));
    const int16x8_t some = vmovnbq_s32(g, vrshrq_n_s32(even, 15));
    return vaddq_s16(g, vmovntq_s32(some, vrshrq_n_s32(odd, 15)));
}

#endif
