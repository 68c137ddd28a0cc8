/* A model written by hand, of known size, instructions and stack: what it must measure is in its comments. */
#ifndef TINY_H
#define TINY_H

#include <stddef.h>
#include <stdint.h>

#define TINY_INPUTS 1
#define TINY_OUTPUTS 1
#define TINY_STEPS 4
#define TINY_STREAMS 1
#define TINY_EVERY_STEP 1
#define TINY_STATE_BYTES 4

typedef int8_t tiny_input_t;
typedef int16_t tiny_output_t;

typedef struct {
    int16_t h[2];
} tiny_state;

void tiny_reset(tiny_state *s);
void tiny_step(tiny_state *s, const tiny_input_t x[TINY_INPUTS], tiny_output_t y[TINY_OUTPUTS]);
void tiny_sequence(tiny_state *s, const tiny_input_t *x, size_t steps, tiny_output_t *y);

#endif
