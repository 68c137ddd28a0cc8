/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From raw frames of a motion sensor to decisions: what the samples in C have in common. Freestanding C99.
 *
 * The sensor is that of a watch, read 25 times a second. It gives six int16 counts a frame: acceleration x, y, z,
 * 4096 counts a g (range 8 g), and angular velocity x, y, z, 16.4 counts a degree per second (range 2000).
 */
#ifndef STREAM_H
#define STREAM_H

#include "activity.h"

enum { STREAM_LINE_BYTES = 96 };

/* One frame of the sensor in; gives the index of the label with the largest output, and the outputs in y. */
int stream_decide(activity_state *state, const int16_t counts[ACTIVITY_INPUTS],
                  activity_output_t y[ACTIVITY_OUTPUTS]);

/* One line of text: the second, the label, and the outputs as they are, integers in 1/4096. */
void stream_describe(int second, int label, const activity_output_t y[ACTIVITY_OUTPUTS],
                     char line[STREAM_LINE_BYTES]);

/* Runs both recordings of recording.csv through the model; hands over a line after every second. */
void stream_play(void (*put)(const char *line));

#endif
