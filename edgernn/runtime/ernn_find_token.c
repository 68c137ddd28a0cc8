/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_text.h"

static int lower(char byte)
{
    const unsigned char value = (unsigned char)byte;
    return value >= 'A' && value <= 'Z' ? value - 'A' + 'a' : value;
}

/* Below 0 where the bytes come before the text, above where behind it, 0 where they are the same. */
static int order(const char *token, size_t length, const char *text)
{
    for (size_t i = 0; i < length; i++) {
        const int difference = lower(token[i]) - (int)(unsigned char)text[i];
        if (difference != 0 || text[i] == 0) {
            return difference != 0 ? difference : 1;
        }
    }
    return text[length] == 0 ? 0 : -1;
}

int16_t ernn_find_token(const ernn_token *tokens, size_t count, const char *token, size_t length)
{
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int found = order(token, length, tokens[middle].text);
        if (found == 0) {
            return tokens[middle].number;
        }
        if (found < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return 0;
}
