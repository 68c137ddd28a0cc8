/* A model that is nothing but its features, as a board's harness takes one: a step is `hop` samples. */
#ifndef MEL_H
#define MEL_H

#include <stddef.h>
#include <stdint.h>

#define MEL_INPUTS 160
#define MEL_OUTPUTS 40
#define MEL_STEPS 4
#define MEL_STREAMS 1
#define MEL_EVERY_STEP 1
#define MEL_STATE_BYTES 802

typedef int16_t mel_input_t;
typedef int16_t mel_output_t;

typedef struct {
    uint16_t filled;
    int16_t samples[400];
} mel_state;

void mel_reset(mel_state *s);
void mel_step(mel_state *s, const mel_input_t x[MEL_INPUTS], mel_output_t y[MEL_OUTPUTS]);

#endif
