/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loops over a generated model, so that Python makes one call for a whole data set, or for a step of many streams.
 * Compiled with -DHEADER="<name>.h" -DMODEL(suffix)=<name>##suffix -DSIZE(suffix)=<NAME>##suffix.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include HEADER

enum { INPUTS = SIZE(_INPUTS), OUTPUTS = SIZE(_OUTPUTS) };

typedef MODEL(_state) state_t;
typedef MODEL(_input_t) input_t;
typedef MODEL(_output_t) output_t;

const size_t driver_inputs = INPUTS; /* of a step */
const size_t driver_frames_per_step = SIZE(_FRAMES_PER_STEP);
const size_t driver_outputs = OUTPUTS;
const size_t driver_input_bytes = sizeof(input_t);
const size_t driver_state_size = sizeof(state_t);
const size_t driver_state_bytes = SIZE(_STATE_BYTES);
const size_t driver_scratch_bytes = SIZE(_SCRATCH_BYTES);
const size_t driver_every_step = SIZE(_EVERY_STEP);
const size_t driver_label_count = SIZE(_LABELS);
#if SIZE(_LABELS)
const char *const *const driver_labels = MODEL(_labels);
#endif
#if SIZE(_STREAMS)
const size_t driver_window = 0; /* as many frames as there are */
const size_t driver_results = 0; /* as many as steps, or one */
#else
const size_t driver_window = SIZE(_STEPS);
const size_t driver_results = SIZE(_RESULTS);
#endif

void driver_quantize(const float *x /* [frames][INPUTS] */, input_t *q /* [frames][INPUTS] */, size_t frames)
{
    for (size_t i = 0; i < frames; i++) {
        MODEL(_quantize_input)(x + i * INPUTS, q + i * INPUTS);
    }
}

void driver_dequantize(const output_t *q /* [rows][OUTPUTS] */, float *y /* [rows][OUTPUTS] */, size_t rows)
{
    for (size_t i = 0; i < rows; i++) {
        MODEL(_dequantize_output)(q + i * OUTPUTS, y + i * OUTPUTS);
    }
}

#if SIZE(_STREAMS)
/* What a step of several streams takes; one pointer, for every argument costs a call from Python time. */
typedef struct {
    state_t *states; /* [streams] */
    const float *x;  /* [streams][INPUTS], raw */
    float *y;        /* [streams][OUTPUTS], real */
    size_t streams;
} live_t;

void driver_reset(state_t *states /* [streams] */, size_t streams)
{
    for (size_t i = 0; i < streams; i++) {
        MODEL(_reset)(&states[i]);
    }
}

void driver_live(const live_t *live)
{
    input_t q[INPUTS];
    output_t r[OUTPUTS];
    for (size_t i = 0; i < live->streams; i++) {
        MODEL(_quantize_input)(live->x + i * INPUTS, q);
        MODEL(_step)(&live->states[i], q, r);
        MODEL(_dequantize_output)(r, live->y + i * OUTPUTS);
    }
}

/* Every window is a stream of its own, fed step by step. */
void driver_steps(const input_t *x /* [windows][steps][INPUTS] */, output_t *y /* [windows][steps][OUTPUTS] */,
                  size_t windows, size_t steps)
{
    state_t state;
    for (size_t i = 0; i < windows * steps; i++) {
        if (i % steps == 0) {
            MODEL(_reset)(&state);
        }
        MODEL(_step)(&state, x + i * INPUTS, y + i * OUTPUTS);
    }
}

void driver_sequences(const input_t *x /* [windows][steps][INPUTS] */, output_t *y /* [windows][results][OUTPUTS] */,
                      size_t windows, size_t steps)
{
    const size_t results = SIZE(_EVERY_STEP) ? steps : 1;
    state_t state;
    for (size_t i = 0; i < windows; i++) {
        MODEL(_sequence)(&state, x + i * steps * INPUTS, steps, y + i * results * OUTPUTS);
    }
}

/* One stream; `seen` takes the state after each of the steps `at`, which count from 1 and go up. */
void driver_trace(const input_t *x /* [steps][INPUTS] */, output_t *y /* [steps][OUTPUTS] */,
                  const size_t *at /* [count] */, state_t *seen /* [count] */, size_t steps, size_t count)
{
    state_t state;
    size_t next = 0;
    MODEL(_reset)(&state);
    for (size_t i = 0; i < steps; i++) {
        MODEL(_step)(&state, x + i * INPUTS, y + i * OUTPUTS);
        if (next < count && at[next] == i + 1) {
            seen[next++] = state;
        }
    }
}
#else
/* What a window takes may be too much for the stack. */
void driver_sequences(const input_t *x /* [windows][steps][INPUTS] */, output_t *y /* [windows][results][OUTPUTS] */,
                      size_t windows, size_t steps)
{
    state_t *const state = malloc(sizeof *state);
    if (state == NULL) {
        abort();
    }
    for (size_t i = 0; i < windows; i++) {
        MODEL(_sequence)(state, x + i * steps * INPUTS, y + i * SIZE(_RESULTS) * OUTPUTS);
    }
    free(state);
}
#endif
