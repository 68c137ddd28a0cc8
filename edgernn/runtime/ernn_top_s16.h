/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From outputs after a step to what comes next most likely: the classes with the largest outputs, the largest first,
 * of equals the one with the smaller number. Class 0 stands for all that is not known and is never one of them; nor is
 * a class that is marked as taken. Nothing is kept but what the caller owns.
 */
#ifndef ERNN_TOP_S16_H
#define ERNN_TOP_S16_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The `count` best classes; where there are fewer, -1 fills the rest. Gives how many there are. */
size_t ernn_top_s16(const int16_t *outputs, /* [classes] */
                    size_t classes,         /* 1 .. 32767 */
                    const uint8_t *taken,   /* [(classes + 7) / 8], a bit for each class, the lowest first; or a null pointer */
                    int16_t *top,           /* [count] */
                    size_t count);          /* 1 and more */

#ifdef __cplusplus
}
#endif

#endif
