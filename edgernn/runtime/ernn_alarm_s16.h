/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From forecasts after every step to alarms: what comes is far from what was expected.
 *
 * The error of a frame is the sum of its distances from all forecasts that were made for it, one at each of the
 * `horizon` steps before it. When the sum of the last `smooth` errors reaches `total` there is an alarm, and no other
 * one until it has been below for `refractory` steps. Forecasts of the first `warm_up` steps do not count. All memory
 * is the caller's; the state begins as zeros, but for its pointers.
 */
#ifndef ERNN_ALARM_S16_H
#define ERNN_ALARM_S16_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    size_t horizon;    /* forecasts of a step, 1 and more */
    size_t smooth;     /* steps, 1 and more; smooth * horizon is 65,535 at most */
    size_t refractory; /* steps, 1 and more */
    size_t warm_up;    /* steps */
    int32_t total;     /* what the sum must reach, 1 and more */
} ernn_alarm_rule;

typedef struct {
    int32_t *errors;    /* [smooth], of the last frames */
    int16_t *forecasts; /* [horizon][horizon], of the last steps */
    int32_t sum;        /* of `errors` */
    size_t next;        /* the oldest of `errors` */
    size_t row;         /* the oldest of `forecasts` */
    size_t made;        /* of `forecasts` that count */
    size_t seen;        /* steps of the warm-up */
    size_t wait;        /* steps below `total` until there can be an alarm */
} ernn_alarm_state;

/* 1 when this step gives an alarm, else 0. */
int ernn_alarm_s16(
    const ernn_alarm_rule *rule,
    ernn_alarm_state *state,
    int16_t value, /* what came, in the scale of the outputs */
    const int16_t *outputs); /* [horizon], what is expected of the frames after it */

#ifdef __cplusplus
}
#endif

#endif
