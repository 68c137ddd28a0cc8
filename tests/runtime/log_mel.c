/* Reads pieces of samples from standard input, each a uint16_t and as many int16_t, and writes the frames of features:
 * all memory is exactly as large as the header says, so that a sanitizer sees every access beyond it. */
#include <stdio.h>
#include <stdlib.h>

#include "edgernn_features.h"
#include "tables.h"

static void *of(size_t bytes)
{
    void *memory = malloc(bytes != 0 ? bytes : 1);
    if (memory == NULL) {
        exit(1);
    }
    return memory;
}

static void push(const int16_t *x, size_t n, int16_t *samples, uint16_t *filled)
{
    int16_t *y = of(log_mel.mels * sizeof *y);
    int32_t *work = of(log_mel.fft * sizeof *work);
    for (size_t at = 0; at < n;) {
        int ready;
        at += ernn_log_mel_push_s16(&log_mel, samples, filled, x + at, n - at, y, &ready, work);
        if (ready) {
            fwrite(y, sizeof *y, log_mel.mels, stdout);
        }
    }
    free(y);
    free(work);
}

int main(void)
{
    int16_t *samples = of(log_mel.frame * sizeof *samples);
    uint16_t filled = 0, n;
    while (fread(&n, sizeof n, 1, stdin) == 1) {
        int16_t *x = of(n * sizeof *x);
        if (fread(x, sizeof *x, n, stdin) != n) {
            return 1;
        }
        push(x, n, samples, &filled);
        free(x);
    }
    free(samples);
    return 0;
}
