/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the sound of a microphone to words: what the keyword samples have in common. Freestanding C99.
 *
 * Sound is int16 at 16 kHz, in pieces of any size: what a DMA buffer or a PDM filter hands over.
 */
#ifndef WORDS_H
#define WORDS_H

#include <stddef.h>
#include <stdint.h>

#include "keyword_spotting.h"

enum { WORDS_LINE_BYTES = 48 };

typedef struct {
    keyword_spotting_sound sound;
    keyword_spotting_state network;
    keyword_spotting_detector detector;
    uint32_t samples; /* so far */
} words_stream;

/* Begin a stream. */
void words_begin(words_stream *s);

/* Takes n samples; hands over a line for each word that is decided for on the way: the time, then the word. */
void words_listen(words_stream *s, const int16_t *pcm, size_t n, void (*put)(const char *line));

#endif
