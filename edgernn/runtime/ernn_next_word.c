/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_text.h"

static int alone(unsigned char byte)
{
    return byte == '!' || byte == '?';
}

static int in_word(unsigned char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           byte == '\'' || byte >= 0x80;
}

const char *ernn_next_word(const char *text, const char *end, size_t *length)
{
    *length = 0;
    for (; text != end; text++) {
        const unsigned char first = (unsigned char)*text;
        if (alone(first)) {
            *length = 1;
            return text;
        }
        if (in_word(first)) {
            const char *after = text + 1;
            while (after != end && in_word((unsigned char)*after)) {
                after++;
            }
            *length = (size_t)(after - text);
            return text;
        }
    }
    return NULL;
}
