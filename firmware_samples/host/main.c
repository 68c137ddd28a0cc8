/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the activity model on a stream of raw frames, as firmware would: one frame in, one decision out.
 *
 *   ./activity < frames.txt
 *
 * Reads one frame a line, numbers separated by blanks or commas, and prints the label with the largest output,
 * then all outputs. An empty line begins a new stream.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "activity.h"

static const char *const separators = ", \t\r\n";

/* Fills x from `line`; returns how many numbers the line holds, or -1 when something in it is none. */
static int parse_frame(char *line, float x[ACTIVITY_INPUTS])
{
    int count = 0;
    for (char *word = strtok(line, separators); word != NULL; word = strtok(NULL, separators)) {
        char *end = NULL;
        const float value = strtof(word, &end);
        if (*end != '\0') {
            return -1;
        }
        if (count < ACTIVITY_INPUTS) {
            x[count] = value;
        }
        count++;
    }
    return count;
}

static int largest(const activity_output_t y[ACTIVITY_OUTPUTS])
{
    int best = 0;
    for (int i = 1; i < ACTIVITY_OUTPUTS; i++) {
        if (y[i] > y[best]) {
            best = i;
        }
    }
    return best;
}

static void print_outputs(const activity_output_t y[ACTIVITY_OUTPUTS])
{
    float real[ACTIVITY_OUTPUTS];
    activity_dequantize_output(y, real);
    printf("%s", activity_labels[largest(y)]);
    for (int i = 0; i < ACTIVITY_OUTPUTS; i++) {
        printf(" %.3f", (double)real[i]);
    }
    printf("\n");
}

int main(void)
{
    static char line[4096];
    activity_state state;
    activity_reset(&state);
    for (long number = 1; fgets(line, sizeof line, stdin) != NULL; number++) {
        float frame[ACTIVITY_INPUTS];
        const int count = parse_frame(line, frame);
        if (count == 0) {
            activity_reset(&state);
            continue;
        }
        if (count != ACTIVITY_INPUTS) {
            fprintf(stderr, "line %ld: a frame is %d numbers\n", number, ACTIVITY_INPUTS);
            return 2;
        }
        activity_input_t x[ACTIVITY_INPUTS];
        activity_output_t y[ACTIVITY_OUTPUTS];
        activity_quantize_input(frame, x);
        activity_step(&state, x, y);
        print_outputs(y);
    }
    return 0;
}
