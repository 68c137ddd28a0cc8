/* SPDX-License-Identifier: Apache-2.0 */
#include "words.h"

void words_begin(words_stream *s)
{
    keyword_spotting_sound_reset(&s->sound);
    keyword_spotting_reset(&s->network);
    keyword_spotting_detector_reset(&s->detector);
    s->samples = 0;
}

static char *append(char *to, const char *text)
{
    while (*text != '\0') {
        *to++ = *text++;
    }
    *to = '\0';
    return to;
}

/* `digits` of them at least. */
static char *append_number(char *to, uint32_t value, int digits)
{
    char reversed[10]; /* of a uint32 */
    int count = 0;
    do {
        reversed[count++] = (char)('0' + value % 10u);
        value /= 10u;
    } while (value > 0u || count < digits);
    while (count > 0) {
        *to++ = reversed[--count];
    }
    *to = '\0';
    return to;
}

static void describe(uint32_t samples, const char *word, char line[WORDS_LINE_BYTES])
{
    const uint32_t centiseconds = samples / (KEYWORD_SPOTTING_SOUND_RATE_HZ / 100);
    char *end = append_number(line, centiseconds / 100u, 1);
    end = append(end, ".");
    end = append_number(end, centiseconds % 100u, 2);
    end = append(end, " s  ");
    end = append(end, word);
    append(end, "\n");
}

void words_listen(words_stream *s, const int16_t *pcm, size_t n, void (*put)(const char *line))
{
    while (n > 0) {
        int ready = 0;
        const size_t taken = keyword_spotting_sound_push(&s->sound, pcm, n, &ready);
        pcm += taken;
        n -= taken;
        s->samples += (uint32_t)taken;
        if (ready) {
            keyword_spotting_output_t y[KEYWORD_SPOTTING_OUTPUTS];
            keyword_spotting_step(&s->network, s->sound.x, y);
            const int word = keyword_spotting_detect(&s->detector, y);
            if (word >= 0) {
                char line[WORDS_LINE_BYTES];
                describe(s->samples, keyword_spotting_labels[word], line);
                put(line);
            }
        }
    }
}
