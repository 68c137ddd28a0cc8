#include "mel.h"

#include "edgernn_features.h"
#include "tables.h"

/* A stream begins after silence, so that every step completes a frame. */
void mel_reset(mel_state *s)
{
    s->filled = (uint16_t)(log_mel.frame - log_mel.hop);
    for (size_t i = 0; i < s->filled; i++) {
        s->samples[i] = 0;
    }
}

void mel_step(mel_state *s, const mel_input_t x[MEL_INPUTS], mel_output_t y[MEL_OUTPUTS])
{
    int32_t work[512];
    int ready;
    (void)ernn_log_mel_push_s16(&log_mel, s->samples, &s->filled, x, MEL_INPUTS, y, &ready, work);
}
