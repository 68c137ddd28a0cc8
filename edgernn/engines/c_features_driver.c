/* SPDX-License-Identifier: Apache-2.0 */
/* Many windows in one call, so that threads of Python compute features beside each other: it holds no lock. */
#include "edgernn_features.h"

void driver_log_mel(const ernn_log_mel *mel, const int16_t *pcm, size_t windows, size_t samples, size_t frames,
                    int16_t *y, int32_t *work)
{
    for (size_t window = 0; window < windows; window++, pcm += samples) {
        for (size_t frame = 0; frame < frames; frame++, y += mel->mels) {
            ernn_log_mel_s16(mel, pcm + frame * mel->hop, y, work);
        }
    }
}
