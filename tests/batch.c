/* SPDX-License-Identifier: Apache-2.0 */
#include "batch.h"

#define STEPS(NAME) (NAME##_STEPS / NAME##_FRAMES_PER_STEP)

/* All steps one by one, then the same window at once. */
#define RUN_STREAM(name, NAME)                                          \
    static void run_##name(void *state, const void *x, int16_t *y)      \
    {                                                                   \
        const name##_input_t *frame = x;                                \
        name##_reset(state);                                            \
        for (int t = 0; t < STEPS(NAME); t++, frame += NAME##_INPUTS) { \
            name##_step(state, frame, y);                               \
            y += NAME##_OUTPUTS;                                        \
        }                                                               \
        name##_sequence(state, x, STEPS(NAME), y);                      \
    }

#define RUN_WINDOW(name, NAME)                                     \
    static void run_##name(void *state, const void *x, int16_t *y) \
    {                                                              \
        name##_sequence(state, x, y);                              \
    }

BATCH_LIST(RUN_STREAM, RUN_WINDOW)

#define SIZES(name, NAME, frames, results)                                                            \
    {sizeof(name##_state), (frames) * NAME##_INPUTS * sizeof(name##_input_t), sizeof(name##_input_t), \
     (results) * NAME##_OUTPUTS * sizeof(name##_output_t), run_##name},
#define SIZES_OF_STREAM(name, NAME) \
    SIZES(name, NAME, STEPS(NAME), STEPS(NAME) + (NAME##_EVERY_STEP ? STEPS(NAME) : 1))
#define SIZES_OF_WINDOW(name, NAME) SIZES(name, NAME, NAME##_STEPS, NAME##_RESULTS)

const batch_model batch_models[BATCH_STEPS] = {BATCH_LIST(SIZES_OF_STREAM, SIZES_OF_WINDOW)};

void batch_reset(batch_state *s)
{
    s->next = 0;
}

void batch_step(batch_state *s, const batch_input_t x[BATCH_INPUTS], batch_output_t y[BATCH_OUTPUTS])
{
    const batch_model *model = &batch_models[s->next++];
    for (int i = 0; i < BATCH_OUTPUTS; i++) {
        y[i] = 0;
    }
    model->run(s->of_model, x, y);
}
