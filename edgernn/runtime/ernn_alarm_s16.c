/* SPDX-License-Identifier: Apache-2.0 */
#include "ernn_alarm_s16.h"

/* How far a frame is from the forecasts for it: the newest of one step ahead, the one before that of two. */
static int32_t error_of(const ernn_alarm_rule *rule, const ernn_alarm_state *state, int16_t value)
{
    const size_t horizon = rule->horizon;
    size_t row = state->row;
    int32_t error = 0;

    for (size_t ahead = 1; ahead <= state->made; ahead++) {
        row = row > 0 ? row - 1 : horizon - 1;
        const int32_t apart = (int32_t)value - state->forecasts[row * horizon + ahead - 1];
        const int32_t distance = apart < 0 ? -apart : apart;
        error += distance < INT16_MAX ? distance : INT16_MAX;
    }
    return error;
}

int ernn_alarm_s16(const ernn_alarm_rule *rule, ernn_alarm_state *state, int16_t value, const int16_t *outputs)
{
    const int32_t error = error_of(rule, state, value);

    state->sum += error - state->errors[state->next];
    state->errors[state->next] = error;
    state->next = state->next + 1 < rule->smooth ? state->next + 1 : 0;
    if (state->seen < rule->warm_up) {
        state->seen++;
    } else {
        for (size_t i = 0; i < rule->horizon; i++) {
            state->forecasts[state->row * rule->horizon + i] = outputs[i];
        }
        state->row = state->row + 1 < rule->horizon ? state->row + 1 : 0;
        state->made += state->made < rule->horizon;
    }
    if (state->sum < rule->total) {
        state->wait -= state->wait > 0;
        return 0;
    }
    const int alarm = state->wait == 0;
    state->wait = rule->refractory;
    return alarm;
}
