/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matrix products for the short instructions of Cortex-M0, M0+, M1 and M23. edgernn_products.h includes this file.
 *
 * Their only load of a signed byte takes its offset from a register, and most instructions reach eight registers. The
 * loop keeps the addresses of four rows and x and the column in them and the sums in others, which compilers do not.
 */
#ifndef EDGERNN_PRODUCTS_THUMB1_H
#define EDGERNN_PRODUCTS_THUMB1_H

#define ERNN_HAS_STRIPS_S8_S16
#define ERNN_HAS_ADD_FOUR_ROWS_S8

/* ---- Products ---- */

#define ERNN_ADD_PRODUCT(row, sum) "ldrsb r7, [" row ", r5]\n\tmuls r7, r6\n\tadd " sum ", r7\n\t"
#define ERNN_ADD_COLUMN                                                                \
    "ldrsb r6, [r1, r5]\n\t" ERNN_ADD_PRODUCT("r0", "%0") ERNN_ADD_PRODUCT("r2", "%1") \
        ERNN_ADD_PRODUCT("r3", "%2") ERNN_ADD_PRODUCT("r4", "%3")

/* Adds the products of four rows; the weights of four columns, [4 rows][4 columns], lie `stride` bytes apart. */
static inline void ernn_add_four_rows_s8(const int8_t *weight, size_t stride, const int8_t *x, size_t columns,
                                         int32_t sum[4])
{
    int32_t s0 = sum[0], s1 = sum[1], s2 = sum[2], s3 = sum[3];
    const size_t groups = columns / 4;
    if (groups > 0) {
        register const int8_t *r0 __asm__("r0") = weight;
        register const int8_t *r1 __asm__("r1") = x;
        register size_t r2 __asm__("r2") = groups * stride; /* r5 counts weights; x falls behind by the difference */
        register size_t r3 __asm__("r3") = stride - 3;
        /* On the stack: what the loop reads, and r7, which may not be named as changed where it is the frame
         * pointer. */
        __asm__ volatile(".syntax unified\n\t"
                         "push {r2, r7}\n\t"
                         "mov lr, r3\n\t"
                         "movs r5, #1\n\t"
                         "subs r5, r5, r3\n\t"
                         "mov r12, r5\n\t"
                         "adds r2, r0, #4\n\t"
                         "adds r3, r2, #4\n\t"
                         "adds r4, r3, #4\n\t"
                         "movs r5, #0\n"
                         "1:\n\t" ERNN_ADD_COLUMN "adds r5, #1\n\t" ERNN_ADD_COLUMN "adds r5, #1\n\t"
                         ERNN_ADD_COLUMN "adds r5, #1\n\t" ERNN_ADD_COLUMN
                         "add r5, lr\n\t"
                         "add r1, r12\n\t"
                         "ldr r7, [sp]\n\t"
                         "cmp r5, r7\n\t"
                         "bne 1b\n\t"
                         "pop {r2, r7}"
                         : "+h"(s0), "+h"(s1), "+h"(s2), "+h"(s3), "+l"(r0), "+l"(r1), "+l"(r2), "+l"(r3)
                         :
                         : "r4", "r5", "r6", "r12", "lr", "cc", "memory");
        weight += groups * stride;
    }
    for (size_t c = groups * 4; c < columns; c++, weight++) {
        s0 += weight[0] * (int32_t)x[c];
        s1 += weight[4] * (int32_t)x[c];
        s2 += weight[8] * (int32_t)x[c];
        s3 += weight[12] * (int32_t)x[c];
    }
    sum[0] = s0, sum[1] = s1, sum[2] = s2, sum[3] = s3;
}

/* ---- Strips, from bias to output ---- */

/* x / 2^shift, ties upwards: the last bit that ASRS takes off is the carry. */
static inline int32_t ernn_round_right(int32_t x, int shift)
{
    __asm__(".syntax unified\n\tasrs %0, %0, %1\n\tbcc 1f\n\tadds %0, %0, #1\n1:" : "+l"(x) : "l"(shift) : "cc");
    return x;
}

/* ernn_saturate_s16; a number that does not fit is rare. */
static inline int16_t ernn_seldom_saturate_s16(int32_t x)
{
    return (int16_t)x == x ? (int16_t)x : x < 0 ? INT16_MIN : INT16_MAX;
}

/* Whole strips, unless lifted sums have to be clipped. */
static __attribute__((noinline, unused)) size_t ernn_strips_s8_s16(const ernn_linear *layer, const int8_t *x,
                                                                  const int16_t *work, int16_t *y)
{
    const size_t rows = layer->clip ? 0 : layer->rows / ERNN_STRIP * ERNN_STRIP, columns = layer->columns;
    const int8_t *weight = layer->weight;
    const int32_t *bias = layer->bias, *multiplier = layer->multiplier;
    const uint8_t *shift = layer->shift;
    const int left = layer->left;
    (void)work;
    for (const int16_t *const end = y + rows; y < end; weight += ERNN_STRIP * (ERNN_UP_TO_FOUR(columns) - 4)) {
        int32_t sum[ERNN_STRIP];
        const int32_t *next = sum;
        for (int32_t *s = sum; s < sum + ERNN_STRIP; s += 4, bias += 4, weight += 16) {
            s[0] = bias[0], s[1] = bias[1], s[2] = bias[2], s[3] = bias[3];
            ernn_add_four_rows_s8(weight, ERNN_STRIP * 4, x, columns, s);
        }
        for (const int16_t *const strip_end = y + ERNN_STRIP; y < strip_end;) {
            const int32_t lifted = (int32_t)((uint32_t)*next++ << left);
            *y++ = ernn_seldom_saturate_s16(ernn_round_right(ernn_high_word(lifted, *multiplier++), *shift++));
        }
    }
    return rows;
}

#endif
