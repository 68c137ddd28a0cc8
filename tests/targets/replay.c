/* Reads windows of quantised frames from stdin; writes the outputs after every step, then those of the sequence. */
#include <stdio.h>
#include <stdlib.h>

#include "model.h"

int main(int argc, char **argv)
{
    const size_t steps = (size_t)strtoul(argc > 1 ? argv[1] : "1", NULL, 10);
    model_input_t *x = malloc(steps * MODEL_INPUTS * sizeof *x);
    model_output_t *y = malloc(MODEL_OUTPUTS * sizeof *y);
    model_state *state = malloc(sizeof *state);
    while (x != NULL && y != NULL && state != NULL && fread(x, MODEL_INPUTS * sizeof *x, steps, stdin) == steps) {
        model_reset(state);
        for (size_t t = 0; t < steps; t++) {
            model_step(state, x + t * MODEL_INPUTS, y);
            fwrite(y, sizeof *y, MODEL_OUTPUTS, stdout);
        }
        model_sequence(state, x, steps, y);
        fwrite(y, sizeof *y, MODEL_OUTPUTS, stdout);
    }
    free(state);
    free(y);
    free(x);
    return 0;
}
