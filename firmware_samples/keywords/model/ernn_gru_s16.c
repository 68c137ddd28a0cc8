/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_lanes.h"

void ernn_gru_s16(const int16_t *restrict zr_from_x, const int16_t *restrict zr_from_h,
                  const int16_t *restrict g_from_x, const int16_t *restrict g_from_h, const int16_t *h,
                  int16_t *h_next, size_t n, int zr_shift, int reset_bits, int g_shift)
{
    size_t i = 0;
#ifdef ERNN_LANES
    for (size_t count; (count = ernn_lanes_count(n - i)) != 0; i += count) {
        const ernn_lanes z_x = ernn_lanes_take(zr_from_x + i, count), r_x = ernn_lanes_take(zr_from_x + n + i, count);
        const ernn_lanes z_h = ernn_lanes_take(zr_from_h + i, count), r_h = ernn_lanes_take(zr_from_h + n + i, count);
        const ernn_lanes g_x = ernn_lanes_take(g_from_x + i, count), g_h = ernn_lanes_take(g_from_h + i, count);
        const ernn_lanes z = ernn_lanes_sigmoid(ernn_lanes_sum(z_x, z_h, zr_shift));
        const ernn_lanes r = ernn_lanes_sigmoid(ernn_lanes_sum(r_x, r_h, zr_shift));
        const ernn_lanes g =
            ernn_lanes_tanh(ernn_lanes_sum(g_x, ernn_lanes_product(r, g_h, reset_bits), g_shift));
        ernn_lanes_put(h_next + i, ernn_lanes_blend(z, g, ernn_lanes_take(h + i, count)), count);
    }
#endif
    for (; i < n; i++) {
        const int32_t z = ernn_sigmoid(ernn_sum(zr_from_x[i], zr_from_h[i], zr_shift));
        const int32_t r = ernn_sigmoid(ernn_sum(zr_from_x[n + i], zr_from_h[n + i], zr_shift));
        const int32_t g = ernn_tanh(ernn_sum(g_from_x[i], ernn_product(r, g_from_h[i], reset_bits), g_shift));
        h_next[i] = ernn_blend(z, g, h[i]);
    }
}
