/* SPDX-License-Identifier: Apache-2.0 */
/* Gates on pairs of int16_t in one register, for Cortex-M4, M7, M33 and M35P. edgernn_lanes.h includes this file. */
#ifndef EDGERNN_LANES_DSP_H
#define EDGERNN_LANES_DSP_H

#include <arm_acle.h>

#define ERNN_LANES 2
#define ERNN_HAS_LANES_NARROW

typedef int16x2_t ernn_lanes;

/* ---- Instructions without an intrinsic, or where one would rely on flags that compilers do not keep ---- */

/* The lower halves of two registers. */
static inline ernn_lanes ernn_lanes_of_lower(int32_t first, int32_t last)
{
    ernn_lanes y;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(y) : "r"(first), "r"(last));
    return y;
}

/* The upper halves. */
static inline ernn_lanes ernn_lanes_of_upper(int32_t first, int32_t last)
{
    ernn_lanes y;
    __asm__("pkhtb %0, %2, %1, asr #16" : "=r"(y) : "r"(first), "r"(last));
    return y;
}

/* first / 2^bits and last / 2^bits, rounded down, of int16_t's size; bits 1 .. 16. */
#define ERNN_LANES_SHIFTED(y, first, last, bits) \
    __asm__("pkhtb %0, %1, %2, asr %3" : "=r"(y) : "r"((uint32_t)(last) << (16 - (bits))), "r"(first), "i"(bits))

/* |x|, 2^15 of -2^15. SSUB16 marks the halves where it gives 0 and more; SEL takes those. */
static inline ernn_lanes ernn_lanes_magnitude(ernn_lanes x)
{
    ernn_lanes y;
    __asm__("ssub16 %0, %2, %1\n\tsel %0, %0, %1" : "=&r"(y) : "r"(x), "r"(0) : "cc");
    return y;
}

/* a where x is 0 and less, otherwise b. */
static inline ernn_lanes ernn_lanes_choose(ernn_lanes x, ernn_lanes a, ernn_lanes b)
{
    ernn_lanes y;
    __asm__("ssub16 %0, %4, %1\n\tsel %0, %2, %3" : "=&r"(y) : "r"(x), "r"(a), "r"(b), "r"(0) : "cc");
    return y;
}

/* ---- Lanes ---- */

static inline ernn_lanes ernn_lanes_load(const int16_t *p)
{
    ernn_lanes x;
    __builtin_memcpy(&x, p, sizeof x);
    return x;
}

static inline void ernn_lanes_store(int16_t *p, ernn_lanes y)
{
    __builtin_memcpy(p, &y, sizeof y);
}

static inline int32_t ernn_lanes_first(ernn_lanes x)
{
    return (int16_t)x;
}

static inline int32_t ernn_lanes_last(ernn_lanes x)
{
    return (int32_t)x >> 16;
}

/* What saturates before a shift to the left saturates after it, too. */
static inline ernn_lanes ernn_lanes_sum(ernn_lanes a, ernn_lanes b, int shift)
{
    const ernn_lanes y = __qadd16(a, b);
    if (shift == 0) {
        return y;
    }
    return ernn_lanes_of_lower(ernn_sum(ernn_lanes_first(y), 0, shift), ernn_sum(ernn_lanes_last(y), 0, shift));
}

static inline ernn_lanes ernn_lanes_product(ernn_lanes a, ernn_lanes b, int bits)
{
    const int32_t half = (int32_t)1 << (bits - 1);
    return ernn_lanes_of_lower(ernn_clip_s16(__smlabb(a, b, half) >> bits),
                               ernn_clip_s16(__smlatt(a, b, half) >> bits));
}

static inline ernn_lanes ernn_lanes_shift(ernn_lanes x, int up)
{
    if (up == 0) {
        return x;
    }
    return ernn_lanes_of_lower(ernn_shift(ernn_lanes_first(x), up), ernn_shift(ernn_lanes_last(x), up));
}

/* ernn_interpolate at |x|: entry[0] * (128 - part) + entry[1] * part, which is the same before the shift. */
static inline ernn_lanes ernn_lanes_interpolate(const int16_t *table, ernn_lanes x)
{
    const uint32_t magnitude = (uint32_t)ernn_lanes_magnitude(x);
    const uint32_t part = magnitude & 0x007F007F, rest = 0x00800080 - part;
    const ernn_lanes first = ernn_lanes_load(table + (magnitude >> ERNN_TABLE_BITS & 0x1FF));
    const ernn_lanes last = ernn_lanes_load(table + (magnitude >> (16 + ERNN_TABLE_BITS)));
    const int32_t y_first = __smlad(first, ernn_lanes_of_lower((int32_t)rest, (int32_t)part), 64);
    const int32_t y_last = __smlad(last, ernn_lanes_of_upper((int32_t)rest, (int32_t)part), 64);
    ernn_lanes y;
    ERNN_LANES_SHIFTED(y, y_first, y_last, ERNN_TABLE_BITS);
    return y;
}

static inline ernn_lanes ernn_lanes_sigmoid(ernn_lanes x)
{
    const ernn_lanes y = ernn_lanes_interpolate(ernn_sigmoid_table, x);
    return ernn_lanes_choose(x, __ssub16((ernn_lanes)0x80008000, y), y); /* 2^15 - y, of 16 bits; x = 0 gives 2^14 */
}

static inline ernn_lanes ernn_lanes_tanh(ernn_lanes x)
{
    const ernn_lanes y = ernn_lanes_interpolate(ernn_tanh_table, x);
    return ernn_lanes_choose(x, __ssub16(0, y), y);
}

/* The lower half of the quotient and g is all of the sum. */
static inline ernn_lanes ernn_lanes_blend(ernn_lanes z, ernn_lanes g, ernn_lanes h)
{
    const ernn_lanes less = __ssub16(0, z);
    const int32_t first = __smlabb(less, g, __smlabb(z, h, 16384)), last = __smlatt(less, g, __smlatt(z, h, 16384));
    ernn_lanes y;
    ERNN_LANES_SHIFTED(y, first, last, 15);
    return __sadd16(g, y);
}

static inline void ernn_lanes_narrow(int8_t *p, ernn_lanes x, int bits, size_t count)
{
    const int32_t half = (int32_t)1 << (bits - 1);
    (void)count;
    if (bits == 8) { /* of what saturates above the upper byte is right, too */
        const uint32_t y = (uint32_t)__uxtb16((uint8x4_t)__qadd16(x, 0x00800080) >> 8);
        const uint16_t both = (uint16_t)(y | y >> 8);
        __builtin_memcpy(p, &both, sizeof both);
    } else {
        p[0] = ernn_saturate_s8((ernn_lanes_first(x) + half) >> bits);
        p[1] = ernn_saturate_s8((ernn_lanes_last(x) + half) >> bits);
    }
}

#endif
