/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts as the numbers of their words, for networks that read them. Kernels know no locale and keep nothing; a text
 * is any bytes, meant as UTF-8, and is read where it lies.
 *
 *   size_t length;
 *   for (const char *word = ernn_next_word(text, end, &length); word; word = ernn_next_word(word + length, end, &length)) {
 *       const model_input_t x[1] = {model_token(word, length)};
 *       model_step(&state, x, y);
 *   }
 *
 * ASCII letters count as lower case, but where a model keeps their case. A word is a run of ASCII letters, digits,
 * apostrophes and bytes beyond ASCII; `!` and `?` are words of their own; everything else separates. A character is a
 * byte and the UTF-8 continuation bytes after it; a zero byte is none.
 */
#ifndef EDGERNN_TEXT_H
#define EDGERNN_TEXT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A token that a network knows, and the row of its embedding. */
typedef struct {
    const char *text; /* UTF-8, in lower case, ends with a zero */
    int16_t number;
} ernn_token;

/* The first word in text .. end - 1 and its bytes; a null pointer, and 0 bytes, where there is none. */
const char *ernn_next_word(const char *text, const char *end, size_t *length);

/* The first character in text .. end - 1 and its bytes, as ernn_next_word. */
const char *ernn_next_character(const char *text, const char *end, size_t *length);

/* The number of the token of these bytes, in any case; 0 where it is not known. */
int16_t ernn_find_token(const ernn_token *tokens, /* [count], in order of their bytes */
                        size_t count,
                        const char *token, /* [length] */
                        size_t length);

/* The number of the item or the token of these bytes, as they are written; 0 where it is not known. */
int16_t ernn_find_code(const char *const *codes, /* by number; UTF-8, end with a zero */
                       const int16_t *sorted,    /* [count] numbers, in order of the bytes of their codes */
                       size_t count,
                       const char *code, /* [length] */
                       size_t length);

#ifdef __cplusplus
}
#endif

#endif
