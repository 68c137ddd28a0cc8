/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What emx-onnx-cgen makes of an ONNX model float [100][1][32] to [1][32], with the interface of a model of edgernn,
 * so that the same harness runs it. Floats go in and out as their bytes: nothing is converted, and nothing copied.
 */
#ifndef EMX_H
#define EMX_H

#include <stddef.h>
#include <stdint.h>

#define EMX_INPUTS 64 /* int16_t: 32 floats */
#define EMX_OUTPUTS 64
#define EMX_STEPS 100
#define EMX_FRAMES_PER_STEP 1
#define EMX_STREAMS 0 /* it takes whole windows only */
#define EMX_EVERY_STEP 0
#define EMX_RESULTS 1
#define EMX_STATE_BYTES 1
#define EMX_SCRATCH_BYTES 0 /* what it takes is on the stack */

typedef int16_t emx_input_t;
typedef int16_t emx_output_t;
typedef struct {
    uint8_t nothing;
} emx_state;

void emx_sequence(emx_state *s,
    const emx_input_t x[EMX_STEPS * EMX_INPUTS],
    emx_output_t y[EMX_RESULTS * EMX_OUTPUTS]);

#endif
