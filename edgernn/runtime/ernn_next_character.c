/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_text.h"

static int continues(unsigned char byte)
{
    return byte >= 0x80 && byte <= 0xBF;
}

const char *ernn_next_character(const char *text, const char *end, size_t *length)
{
    *length = 0;
    for (; text != end; text++) {
        if (*text != 0) {
            const char *after = text + 1;
            while (after != end && continues((unsigned char)*after)) {
                after++;
            }
            *length = (size_t)(after - text);
            return text;
        }
    }
    return NULL;
}
