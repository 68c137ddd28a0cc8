/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_lanes.h"

void ernn_requantize_s16_s8(const int16_t *restrict x, int8_t *restrict y, size_t n, int bits)
{
    size_t i = 0;
#ifdef ERNN_HAS_LANES_NARROW
    for (size_t count; (count = ernn_lanes_count(n - i)) != 0; i += count) {
        ernn_lanes_narrow(y + i, ernn_lanes_take(x + i, count), bits, count);
    }
#endif
    for (; i < n; i++) {
        y[i] = ernn_saturate_s8(ernn_shift_right(x[i], bits));
    }
}
