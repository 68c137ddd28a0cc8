/* SPDX-License-Identifier: Apache-2.0 */
#include "ernn_top_s16.h"

size_t ernn_top_s16(const int16_t *outputs, size_t classes, const uint8_t *taken, int16_t *top, size_t count)
{
    size_t found = 0;
    for (size_t i = 1; i < classes; i++) {
        if (taken && (taken[i / 8] >> (i % 8) & 1)) {
            continue;
        }
        if (found == count && outputs[i] <= outputs[top[count - 1]]) {
            continue;
        }
        size_t place = found < count ? found++ : count - 1;
        while (place > 0 && outputs[top[place - 1]] < outputs[i]) {
            top[place] = top[place - 1];
            place--;
        }
        top[place] = (int16_t)i;
    }
    for (size_t i = found; i < count; i++) {
        top[i] = -1;
    }
    return found;
}
