/* SPDX-License-Identifier: Apache-2.0 */
/* Gates on 8 int16_t: WebAssembly's vectors. edgernn_lanes.h includes this file. */
#ifndef EDGERNN_LANES_WASM_H
#define EDGERNN_LANES_WASM_H

#include <wasm_simd128.h>

#define ERNN_LANES 8
#define ERNN_HAS_LANES_NARROW

typedef v128_t ernn_lanes;

static inline ernn_lanes ernn_lanes_load(const int16_t *p)
{
    return wasm_v128_load(p);
}

static inline void ernn_lanes_store(int16_t *p, ernn_lanes y)
{
    wasm_v128_store(p, y);
}

/* x * 2^shift, saturated: where the shift back gives something else, the end of x's sign. */
static inline ernn_lanes ernn_lanes_lift(ernn_lanes x, int shift)
{
    const v128_t y = wasm_i16x8_shl(x, (uint32_t)shift);
    const v128_t kept = wasm_i16x8_eq(wasm_i16x8_shr(y, (uint32_t)shift), x);
    const v128_t end = wasm_v128_xor(wasm_i16x8_shr(x, 15), wasm_i16x8_const_splat(INT16_MAX));
    return wasm_v128_bitselect(y, end, kept);
}

/* A sum that saturates before its shift to the left is beyond the ends after it, too. */
static inline ernn_lanes ernn_lanes_sum(ernn_lanes a, ernn_lanes b, int shift)
{
    const v128_t sum = wasm_i16x8_add_sat(a, b);
    return shift == 0 ? sum : ernn_lanes_lift(sum, shift);
}

/* Eight int32_t rounded, shifted and saturated. */
static inline ernn_lanes ernn_lanes_round(v128_t low, v128_t high, int bits)
{
    const v128_t half = wasm_i32x4_splat((int32_t)1 << (bits - 1));
    return wasm_i16x8_narrow_i32x4(wasm_i32x4_shr(wasm_i32x4_add(low, half), (uint32_t)bits),
                                   wasm_i32x4_shr(wasm_i32x4_add(high, half), (uint32_t)bits));
}

static inline ernn_lanes ernn_lanes_product(ernn_lanes a, ernn_lanes b, int bits)
{
    return ernn_lanes_round(wasm_i32x4_extmul_low_i16x8(a, b), wasm_i32x4_extmul_high_i16x8(a, b), bits);
}

static inline ernn_lanes ernn_lanes_shift(ernn_lanes x, int up)
{
    return up < 0 ? ernn_lanes_round(wasm_i32x4_extend_low_i16x8(x), wasm_i32x4_extend_high_i16x8(x), -up)
                  : ernn_lanes_lift(x, up);
}

/* All lanes: there are no loads and stores of fewer here. */
static inline void ernn_lanes_narrow(int8_t *p, ernn_lanes x, int bits, size_t count)
{
    const v128_t y = ernn_lanes_shift(x, -bits);
    (void)count;
    wasm_v128_store64_lane(p, wasm_i8x16_narrow_i16x8(y, y), 0);
}

/* Four pairs of a table, entries index and index + 1, which are neighbours; the indices are those of a half. */
static inline v128_t ernn_lanes_look_up_low(const int16_t *table, v128_t index)
{
    v128_t pairs = wasm_v128_load32_zero(table + wasm_u16x8_extract_lane(index, 0));
    pairs = wasm_v128_load32_lane(table + wasm_u16x8_extract_lane(index, 1), pairs, 1);
    pairs = wasm_v128_load32_lane(table + wasm_u16x8_extract_lane(index, 2), pairs, 2);
    return wasm_v128_load32_lane(table + wasm_u16x8_extract_lane(index, 3), pairs, 3);
}

static inline v128_t ernn_lanes_look_up_high(const int16_t *table, v128_t index)
{
    v128_t pairs = wasm_v128_load32_zero(table + wasm_u16x8_extract_lane(index, 4));
    pairs = wasm_v128_load32_lane(table + wasm_u16x8_extract_lane(index, 5), pairs, 1);
    pairs = wasm_v128_load32_lane(table + wasm_u16x8_extract_lane(index, 6), pairs, 2);
    return wasm_v128_load32_lane(table + wasm_u16x8_extract_lane(index, 7), pairs, 3);
}

/* The part is 8 bits up, so that the product shifted by 15, which is rounded, is that of ernn_interpolate. */
static inline ernn_lanes ernn_lanes_interpolate(const int16_t *table, v128_t magnitude)
{
    const v128_t index = wasm_u16x8_shr(magnitude, ERNN_TABLE_BITS);
    const v128_t part = wasm_v128_and(wasm_i16x8_shl(magnitude, 8), wasm_i16x8_const_splat(0x7f00));
    const v128_t low = ernn_lanes_look_up_low(table, index), high = ernn_lanes_look_up_high(table, index);
    const v128_t entry = wasm_i16x8_shuffle(low, high, 0, 2, 4, 6, 8, 10, 12, 14);
    const v128_t next = wasm_i16x8_shuffle(low, high, 1, 3, 5, 7, 9, 11, 13, 15);
    return wasm_i16x8_add(entry, wasm_i16x8_q15mulr_sat(wasm_i16x8_sub(next, entry), part));
}

/* y(|x|), and `mirror` less it where x is negative. */
static inline ernn_lanes ernn_lanes_activation(const int16_t *table, ernn_lanes x, int16_t mirror)
{
    const v128_t positive = ernn_lanes_interpolate(table, wasm_i16x8_abs(x));
    return wasm_v128_bitselect(wasm_i16x8_sub(wasm_i16x8_splat(mirror), positive), positive, wasm_i16x8_shr(x, 15));
}

static inline ernn_lanes ernn_lanes_sigmoid(ernn_lanes x)
{
    return ernn_lanes_activation(ernn_sigmoid_table, x, INT16_MIN); /* 32768, modulo 2^16 */
}

static inline ernn_lanes ernn_lanes_tanh(ernn_lanes x)
{
    return ernn_lanes_activation(ernn_tanh_table, x, 0);
}

/* 32768 * g + z * h - z * g */
static inline ernn_lanes ernn_lanes_blend(ernn_lanes z, ernn_lanes g, ernn_lanes h)
{
    const v128_t low = wasm_i32x4_sub(wasm_i32x4_extmul_low_i16x8(z, h), wasm_i32x4_extmul_low_i16x8(z, g));
    const v128_t high = wasm_i32x4_sub(wasm_i32x4_extmul_high_i16x8(z, h), wasm_i32x4_extmul_high_i16x8(z, g));
    return ernn_lanes_round(wasm_i32x4_add(low, wasm_i32x4_shl(wasm_i32x4_extend_low_i16x8(g), 15)),
                            wasm_i32x4_add(high, wasm_i32x4_shl(wasm_i32x4_extend_high_i16x8(g), 15)), 15);
}

#endif
