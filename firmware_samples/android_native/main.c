/* SPDX-License-Identifier: Apache-2.0 */
/* The activity model as a program for 64-bit Arm Linux, which every Android phone runs from adb's shell. */
#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <time.h>

#include "stream.h"

enum { TIMED_STEPS = 20000 };

static void put(const char *line)
{
    fputs(line, stdout);
}

static double microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* The time of a step from the sensor's counts to the label; to stderr, for it is different each time. */
static void report_time(void)
{
    static const int16_t counts[ACTIVITY_INPUTS] = {0, 0, 4096, 0, 0, 0};
    activity_state state;
    activity_output_t y[ACTIVITY_OUTPUTS];
    activity_reset(&state);
    const double start = microseconds();
    for (int step = 0; step < TIMED_STEPS; step++) {
        stream_decide(&state, counts, y);
    }
    fprintf(stderr, "%.1f microseconds a step\n", (microseconds() - start) / (double)TIMED_STEPS);
}

int main(void)
{
    stream_play(put);
    report_time();
    return 0;
}
