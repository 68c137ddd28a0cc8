/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From scores of the next token to a token that is drawn, so that a network writes text.
 *
 * A token is drawn with the softmax of its score divided by the temperature, among the `top_k` likeliest. The first
 * one, which stands for all that have no name, never is. The random numbers are those of PCG32: a seed gives the same
 * tokens on every machine. Their state is the caller's.
 */
#ifndef ERNN_SAMPLE_S16_H
#define ERNN_SAMPLE_S16_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    size_t classes;  /* of the outputs, 2 .. 32767 */
    size_t top_k;    /* of them can be drawn, 1 .. classes - 1 */
    uint32_t factor; /* log2(e) / temperature, Q16 */
    int bits;        /* fraction bits of the outputs, 0 .. 15 */
} ernn_sample_rule;

/* The state of the random numbers that a seed begins. */
uint64_t ernn_sample_seed(uint64_t seed);

/* The token that is drawn, 1 .. classes - 1; of equally likely ones the first are among the `top_k`. */
size_t ernn_sample_s16(const ernn_sample_rule *rule, uint64_t *random, const int16_t *outputs); /* [classes] */

#ifdef __cplusplus
}
#endif

#endif
