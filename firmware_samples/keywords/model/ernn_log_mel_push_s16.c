/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_arithmetic.h"
#include "edgernn_features.h"

size_t ernn_log_mel_push_s16(const ernn_log_mel *mel, int16_t *restrict samples, uint16_t *restrict filled,
                             const int16_t *restrict x, size_t n, int16_t *restrict y, int *restrict ready,
                             int32_t *restrict work)
{
    const size_t missing = mel->frame - *filled, taken = n < missing ? n : missing;
    for (size_t i = 0; i < taken; i++) {
        samples[*filled + i] = x[i];
    }
    *ready = taken == missing;
    if (!*ready) {
        *filled = (uint16_t)(*filled + taken);
        return taken;
    }
    ernn_log_mel_s16(mel, samples, y, work);
    const size_t kept = mel->frame - mel->hop;
    for (size_t i = 0; i < kept; i++) {
        samples[i] = samples[i + mel->hop];
    }
    *filled = (uint16_t)kept;
    return taken;
}
