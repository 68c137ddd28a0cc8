/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From outputs after every step to decisions: which word was said, once each time that it is said.
 *
 * The posteriors of the last `smooth` steps are averaged. When the largest mean of a word reaches the threshold, that
 * word is decided for, and nothing else for `refractory` steps. All memory is the caller's; the state begins as
 * zeros, but for its pointers.
 */
#ifndef ERNN_DETECT_S16_H
#define ERNN_DETECT_S16_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    size_t classes;    /* of the outputs */
    size_t words;      /* the first of them, which can be decided for; 1 .. classes */
    size_t smooth;     /* steps, 1 .. 1000 */
    size_t refractory; /* steps */
    int32_t total;     /* what the sum of `smooth` posteriors in Q0.15 must reach, 1 and more */
    int bits;          /* fraction bits of the outputs, 0 .. 15 */
} ernn_detect_rule;

typedef struct {
    int32_t *sum;       /* [words], of the posteriors in `history` */
    int16_t *history;   /* [smooth][words], Q0.15 */
    int16_t *posterior; /* [classes], scratch */
    size_t next;        /* the row of `history` that is the oldest */
    size_t wait;        /* steps that decide for nothing */
} ernn_detect_state;

/* The word that this step decides for, 0 .. words - 1, or -1 for nothing. */
int ernn_detect_s16(const ernn_detect_rule *rule, ernn_detect_state *state, const int16_t *outputs); /* [classes] */

#ifdef __cplusplus
}
#endif

#endif
