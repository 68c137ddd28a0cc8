/* SPDX-License-Identifier: Apache-2.0 */
#include "emx.h"

#include "generated.h" /* void generated(const float input[100][1][32], float output[1][32]) */

void emx_sequence(emx_state *s,
    const emx_input_t x[EMX_STEPS * EMX_INPUTS],
    emx_output_t y[EMX_RESULTS * EMX_OUTPUTS])
{
    (void)s;
    generated((const void *)x, (void *)y);
}
