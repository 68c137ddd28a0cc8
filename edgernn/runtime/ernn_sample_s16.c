/* SPDX-License-Identifier: Apache-2.0 */
#include "ernn_sample_s16.h"

#define REST_BITS 10
#define UNITS 17 /* octaves below the largest after which a weight is 0 */

/* 2**(-i / 64), Q0.16 */
static const uint32_t table[] = {
    65536, 64830, 64132, 63441, 62757, 62081, 61413, 60751, 60097, 59449, 58809, 58176,
    57549, 56929, 56316, 55709, 55109, 54515, 53928, 53347, 52773, 52204, 51642, 51085,
    50535, 49991, 49452, 48920, 48393, 47871, 47356, 46846, 46341, 45842, 45348, 44859,
    44376, 43898, 43425, 42958, 42495, 42037, 41584, 41136, 40693, 40255, 39821, 39392,
    38968, 38548, 38133, 37722, 37316, 36914, 36516, 36123, 35734, 35349, 34968, 34591,
    34219, 33850, 33486, 33125, 32768,
};

/* PCG32, stream 54 (O'Neill, pcg-random.org) */
static uint32_t pcg32(uint64_t *state)
{
    const uint64_t old = *state;
    const uint32_t mixed = (uint32_t)(((old >> 18) ^ old) >> 27);
    const uint32_t turn = (uint32_t)(old >> 59);
    *state = old * 6364136223846793005u + 109u;
    return mixed >> turn | mixed << ((32 - turn) & 31);
}

uint64_t ernn_sample_seed(uint64_t seed)
{
    uint64_t state = 0;
    (void)pcg32(&state);
    state += seed;
    (void)pcg32(&state);
    return state;
}

static int32_t largest_of(const ernn_sample_rule *rule, const int16_t *outputs)
{
    int32_t largest = outputs[1];
    for (size_t i = 2; i < rule->classes; i++) {
        largest = outputs[i] > largest ? outputs[i] : largest;
    }
    return largest;
}

/* The smallest output that can be drawn; *equal is how many of it, the first ones. */
static int32_t smallest_of(const ernn_sample_rule *rule, const int16_t *outputs, size_t *equal)
{
    int32_t bound = INT16_MAX + 1;
    size_t left = rule->top_k;
    *equal = left;
    if (left == rule->classes - 1) {
        return INT16_MIN;
    }
    for (;;) {
        int32_t next = INT16_MIN;
        size_t count = 0;
        for (size_t i = 1; i < rule->classes; i++) {
            if (outputs[i] < bound && outputs[i] >= next) {
                count = outputs[i] > next ? 1 : count + 1;
                next = outputs[i];
            }
        }
        if (count >= left) {
            *equal = left;
            return next;
        }
        left -= count;
        bound = next;
    }
}

/* exp(-below / temperature) in units of 2**-16 */
static uint32_t weight_of(const ernn_sample_rule *rule, uint32_t below)
{
    const uint64_t octaves = ((uint64_t)below * rule->factor) >> rule->bits;
    const uint32_t rest = (uint32_t)octaves & 0xFFFFu;
    const uint32_t *const two = table + (rest >> REST_BITS);
    const uint32_t power = two[0] - (((two[0] - two[1]) * (rest & ((1u << REST_BITS) - 1))) >> REST_BITS);
    const uint64_t whole = octaves >> 16;
    return whole > UNITS ? 0 : (power + ((1u << whole) >> 1)) >> whole;
}

/* The first token at which the sum of the weights is above `target`; *sum is what they come to by then. */
static size_t above(const ernn_sample_rule *rule, const int16_t *outputs, uint32_t target, uint32_t *sum)
{
    size_t i, equal;
    const int32_t largest = largest_of(rule, outputs), smallest = smallest_of(rule, outputs, &equal);
    *sum = 0; /* at most 32766 * 65536 */
    for (i = 1; i < rule->classes; i++) {
        if (outputs[i] > smallest || (outputs[i] == smallest && equal > 0)) {
            equal -= outputs[i] == smallest;
            *sum += weight_of(rule, (uint32_t)(largest - outputs[i]));
            if (*sum > target) {
                break;
            }
        }
    }
    return i;
}

size_t ernn_sample_s16(const ernn_sample_rule *rule, uint64_t *random, const int16_t *outputs)
{
    uint32_t sum;
    (void)above(rule, outputs, UINT32_MAX, &sum);
    return above(rule, outputs, (uint32_t)(((uint64_t)sum * pcg32(random)) >> 32), &sum);
}
