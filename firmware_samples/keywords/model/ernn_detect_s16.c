/* SPDX-License-Identifier: Apache-2.0 */
#include "ernn_detect_s16.h"

#include "edgernn_runtime.h"

int ernn_detect_s16(const ernn_detect_rule *rule, ernn_detect_state *state, const int16_t *outputs)
{
    const size_t words = rule->words;
    int16_t *const oldest = state->history + state->next * words;
    size_t best = 0;

    ernn_softmax_s16(outputs, state->posterior, rule->classes, rule->bits);
    for (size_t i = 0; i < words; i++) {
        state->sum[i] += (int32_t)state->posterior[i] - oldest[i];
        oldest[i] = state->posterior[i];
        best = state->sum[i] > state->sum[best] ? i : best;
    }
    state->next = state->next + 1 < rule->smooth ? state->next + 1 : 0;
    if (state->wait > 0) {
        state->wait--;
        return -1;
    }
    if (state->sum[best] < rule->total) {
        return -1;
    }
    state->wait = rule->refractory;
    return (int)best;
}
