/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"

#define G 4096.0f
#define RADIAN_PER_SECOND (16.4f * 57.29577951f)

enum { RECORDINGS = 2, FRAMES = 100, FRAMES_PER_SECOND = 25 };

static const float counts_per_unit[ACTIVITY_INPUTS] = {
    G, G, G, RADIAN_PER_SECOND, RADIAN_PER_SECOND, RADIAN_PER_SECOND,
};

static const int16_t recording[RECORDINGS * FRAMES * ACTIVITY_INPUTS] = {
#include "recording.csv"
};

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

int stream_decide(activity_state *state, const int16_t counts[ACTIVITY_INPUTS],
                  activity_output_t y[ACTIVITY_OUTPUTS])
{
    float frame[ACTIVITY_INPUTS]; /* g and rad/s, the units of the training data */
    activity_input_t x[ACTIVITY_INPUTS];
    for (int i = 0; i < ACTIVITY_INPUTS; i++) {
        frame[i] = (float)counts[i] / counts_per_unit[i];
    }
    activity_quantize_input(frame, x);
    activity_step(state, x, y);
    return largest(y);
}

static char *append(char *to, const char *text)
{
    while (*text != '\0') {
        *to++ = *text++;
    }
    *to = '\0';
    return to;
}

static char *append_number(char *to, int value)
{
    char digits[8]; /* of an int16, from the last one */
    int count = 0;
    if (value < 0) {
        *to++ = '-';
        value = -value;
    }
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (count > 0) {
        *to++ = digits[--count];
    }
    *to = '\0';
    return to;
}

void stream_describe(int second, int label, const activity_output_t y[ACTIVITY_OUTPUTS],
                     char line[STREAM_LINE_BYTES])
{
    line = append(append_number(line, second), " s  ");
    line = append(append(line, activity_labels[label]), " ");
    for (int i = 0; i < ACTIVITY_OUTPUTS; i++) {
        line = append_number(append(line, " "), y[i]);
    }
    append(line, "\n");
}

void stream_play(void (*put)(const char *line))
{
    activity_state state;
    activity_output_t y[ACTIVITY_OUTPUTS];
    char line[STREAM_LINE_BYTES];
    for (int frame = 0; frame < RECORDINGS * FRAMES; frame++) {
        if (frame % FRAMES == 0) {
            activity_reset(&state);
            put("recording\n");
        }
        const int label = stream_decide(&state, &recording[frame * ACTIVITY_INPUTS], y);
        if ((frame + 1) % FRAMES_PER_SECOND == 0) {
            stream_describe((frame % FRAMES + 1) / FRAMES_PER_SECOND, label, y, line);
            put(line);
        }
    }
}
