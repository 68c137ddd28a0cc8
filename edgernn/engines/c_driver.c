/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loops over a generated model, so that Python makes one call for a whole data set. Compiled with
 * -DHEADER="<name>.h" -DMODEL(suffix)=<name>##suffix -DSIZE(suffix)=<NAME>##suffix.
 */
#include <stddef.h>
#include <stdint.h>

#include HEADER

enum { INPUTS = SIZE(_INPUTS), OUTPUTS = SIZE(_OUTPUTS) };

typedef MODEL(_state) state_t;
typedef MODEL(_input_t) input_t;
typedef MODEL(_output_t) output_t;

const size_t driver_inputs = INPUTS;
const size_t driver_outputs = OUTPUTS;
const size_t driver_state_bytes = SIZE(_STATE_BYTES);
const size_t driver_scratch_bytes = SIZE(_SCRATCH_BYTES);

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

/* Every window is a stream of its own, fed frame by frame. */
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

void driver_sequences(const input_t *x /* [windows][steps][INPUTS] */, output_t *y /* [windows][OUTPUTS] */,
                      size_t windows, size_t steps)
{
    state_t state;
    for (size_t i = 0; i < windows; i++) {
        MODEL(_sequence)(&state, x + i * steps * INPUTS, steps, y + i * OUTPUTS);
    }
}
