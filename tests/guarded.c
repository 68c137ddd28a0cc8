/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a batch over the windows on stdin, [windows][models][BATCH_INPUTS], and writes [windows][models][BATCH_OUTPUTS].
 *
 * State, input and output lie between pages that the process may neither read nor write. The even windows end where
 * such a page begins; the others begin one element after one, where int8_t has odd addresses.
 */
#define _DEFAULT_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "batch.h"

#define PAGE ((size_t)65536) /* a multiple of every machine's pages */

typedef struct {
    uint8_t *first;
    size_t bytes;
} room;

static int make(room *r, size_t bytes)
{
    r->bytes = (bytes / PAGE + 1) * PAGE;
    uint8_t *const all = mmap(NULL, r->bytes + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    r->first = all + PAGE;
    return all != MAP_FAILED && mprotect(r->first, r->bytes, PROT_READ | PROT_WRITE) == 0;
}

static void *place(const room *r, size_t bytes, size_t element, int at_the_end)
{
    memset(r->first, 0xA5, r->bytes);
    return at_the_end ? r->first + r->bytes - bytes : r->first + element;
}

int main(void)
{
    static int8_t window[BATCH_INPUTS];
    static int16_t outputs[BATCH_OUTPUTS];
    room state, input, output;
    if (!make(&state, sizeof(batch_state)) || !make(&input, sizeof window) || !make(&output, sizeof outputs)) {
        return 2;
    }
    setvbuf(stdout, NULL, _IONBF, 0); /* what it wrote before a fault says which model it was */
    for (size_t turn = 0; fread(window, 1, sizeof window, stdin) == sizeof window; turn++) {
        const batch_model *model = &batch_models[turn % BATCH_STEPS];
        const int at_the_end = turn / BATCH_STEPS % 2 == 0;
        void *s = place(&state, model->state_bytes, sizeof(int16_t), at_the_end);
        void *x = place(&input, model->x_bytes, model->x_alignment, at_the_end);
        int16_t *y = place(&output, model->y_bytes, sizeof(int16_t), at_the_end);
        memcpy(x, window, model->x_bytes);
        model->run(s, x, y);
        memset(outputs, 0, sizeof outputs);
        memcpy(outputs, y, model->y_bytes);
        if (fwrite(outputs, 1, sizeof outputs, stdout) != sizeof outputs) {
            return 3;
        }
    }
    return 0;
}
