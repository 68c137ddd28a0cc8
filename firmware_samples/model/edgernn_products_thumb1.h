/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matrix products for the short instructions of Cortex-M0, M0+, M1 and M23. edgernn_products.h includes this file.
 *
 * Their only load of a signed byte takes its offset from a register, and most instructions reach eight registers. The
 * loop keeps the addresses of four rows and x and the column in them and the sums in others, which compilers do not.
 */
#ifndef EDGERNN_PRODUCTS_THUMB1_H
#define EDGERNN_PRODUCTS_THUMB1_H

#define ERNN_HAS_ADD_FOUR_ROWS_S8

#define ERNN_ADD_PRODUCT(row, sum) "ldrsb r7, [" row ", r5]\n\tmuls r7, r6\n\tadd " sum ", r7\n\t"
#define ERNN_ADD_COLUMN                                                             \
    "ldrsb r6, [r1, r5]\n\t" ERNN_ADD_PRODUCT("r0", "%0") ERNN_ADD_PRODUCT("r2", "%1") \
        ERNN_ADD_PRODUCT("r3", "%2") ERNN_ADD_PRODUCT("r4", "%3") "adds r5, #1\n\t"

/* Adds the products of four rows; the weights of four columns, [4 rows][4 columns], lie `stride` bytes apart. */
static inline void ernn_add_four_rows_s8(const int8_t *weight, size_t stride, const int8_t *x, size_t columns,
                                         int32_t sum[4])
{
    int32_t s0 = sum[0], s1 = sum[1], s2 = sum[2], s3 = sum[3];
    const size_t whole = columns / 4 * 4;
    if (whole > 0) {
        register const int8_t *r0 __asm__("r0") = weight;
        register const int8_t *r1 __asm__("r1") = x;
        register size_t r2 __asm__("r2") = whole;
        register size_t r3 __asm__("r3") = stride - 4; /* the column goes on by 4 itself */
        /* On the stack: the two that the loop reads, and r7, which may not be named as changed where it is the frame
         * pointer. */
        __asm__ volatile(".syntax unified\n\t"
                         "push {r2, r3, r7}\n\t"
                         "adds r2, r0, #4\n\t"
                         "adds r3, r2, #4\n\t"
                         "adds r4, r3, #4\n\t"
                         "movs r5, #0\n"
                         "1:\n\t" ERNN_ADD_COLUMN ERNN_ADD_COLUMN ERNN_ADD_COLUMN ERNN_ADD_COLUMN
                         "ldr r7, [sp, #4]\n\t"
                         "adds r0, r0, r7\n\t"
                         "adds r2, r2, r7\n\t"
                         "adds r3, r3, r7\n\t"
                         "adds r4, r4, r7\n\t"
                         "ldr r7, [sp]\n\t"
                         "cmp r5, r7\n\t"
                         "bne 1b\n\t"
                         "pop {r2, r3, r7}"
                         : "+h"(s0), "+h"(s1), "+h"(s2), "+h"(s3), "+l"(r0), "+l"(r1), "+l"(r2), "+l"(r3)
                         :
                         : "r4", "r5", "r6", "cc", "memory");
        weight += whole / 4 * stride;
    }
    for (size_t c = whole; c < columns; c++, weight++) {
        s0 += weight[0] * (int32_t)x[c];
        s1 += weight[4] * (int32_t)x[c];
        s2 += weight[8] * (int32_t)x[c];
        s3 += weight[12] * (int32_t)x[c];
    }
    sum[0] = s0, sum[1] = s1, sum[2] = s2, sum[3] = s3;
}

#endif
