/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listens for words on standard input: int16 samples at 16 kHz, one channel, without a header.
 *
 *   arecord -q -f S16_LE -r 16000 -c 1 -t raw | ./keywords
 */
#include <stdio.h>

#include "words.h"

enum { PIECE = 320 }; /* 20 ms */

static void put(const char *line)
{
    fputs(line, stdout);
    fflush(stdout);
}

int main(void)
{
    static words_stream stream;
    int16_t pcm[PIECE];
    size_t count;
    words_begin(&stream);
    while ((count = fread(pcm, sizeof pcm[0], PIECE, stdin)) > 0) {
        words_listen(&stream, pcm, count, put);
    }
    return 0;
}
