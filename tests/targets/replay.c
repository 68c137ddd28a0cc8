/* Reads windows of quantised frames from stdin; writes the outputs after every step, if there are steps, then those
 * of the sequence. */
#include <stdio.h>
#include <stdlib.h>

#include "model.h"

int main(void)
{
    const size_t steps = MODEL_STEPS / MODEL_FRAMES_PER_STEP;
    model_input_t *x = malloc(steps * MODEL_INPUTS * sizeof *x);
    model_output_t *y = malloc(MODEL_OUTPUTS * sizeof *y);
    model_state *state = malloc(sizeof *state);
    while (x != NULL && y != NULL && state != NULL && fread(x, MODEL_INPUTS * sizeof *x, steps, stdin) == steps) {
#if MODEL_STREAMS
        model_reset(state);
        for (size_t t = 0; t < steps; t++) {
            model_step(state, x + t * MODEL_INPUTS, y);
            fwrite(y, sizeof *y, MODEL_OUTPUTS, stdout);
        }
        model_sequence(state, x, steps, y);
#else
        model_sequence(state, x, y);
#endif
        fwrite(y, sizeof *y, MODEL_OUTPUTS, stdout);
    }
    free(state);
    free(y);
    free(x);
    return 0;
}
