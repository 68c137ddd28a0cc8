/* SPDX-License-Identifier: Apache-2.0 */
/* The activity model as a WebAssembly module: memory for one frame, and the functions that the page calls. */
#include "stream.h"

#define EXPORT(name) __attribute__((export_name(#name), used))

static activity_state state;
static activity_output_t y[ACTIVITY_OUTPUTS];
static int16_t counts[ACTIVITY_INPUTS];
static char line[STREAM_LINE_BYTES];

/* Where the page writes the counts of a frame. */
EXPORT(frame) int16_t *frame(void)
{
    return counts;
}

EXPORT(begin) void begin(void)
{
    activity_reset(&state);
}

/* Runs the frame; gives the index of its label. */
EXPORT(decide) int decide(void)
{
    return stream_decide(&state, counts, y);
}

/* The label, a string that ends with 0. */
EXPORT(label) const char *label(int index)
{
    return activity_labels[index];
}

/* A line of the answer for the outputs as they are. */
EXPORT(describe) const char *describe(int second, int index)
{
    stream_describe(second, index, y, line);
    return line;
}
