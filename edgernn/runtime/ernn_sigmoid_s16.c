/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_lanes.h"

void ernn_sigmoid_s16(const int16_t *restrict x, int16_t *restrict y, size_t n)
{
    size_t i = 0;
#ifdef ERNN_LANES
    for (size_t count; (count = ernn_lanes_count(n - i)) != 0; i += count) {
        ernn_lanes_put(y + i, ernn_lanes_sigmoid(ernn_lanes_take(x + i, count)), count);
    }
#endif
    for (; i < n; i++) {
        y[i] = (int16_t)ernn_sigmoid(x[i]);
    }
}
