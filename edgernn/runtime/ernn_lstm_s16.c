/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_lanes.h"

void ernn_lstm_s16(const int16_t *restrict ifo_from_x, const int16_t *restrict ifo_from_h,
                   const int16_t *restrict g_from_x, const int16_t *restrict g_from_h, const int16_t *c,
                   int16_t *c_next, int16_t *restrict h_next, size_t n, int ifo_shift, int g_shift,
                   int kept_bits, int new_bits, int c_shift, int tanh_shift, int h_bits)
{
    size_t k = 0;
#ifdef ERNN_LANES
    for (size_t count; (count = ernn_lanes_count(n - k)) != 0; k += count) {
        const int16_t *x = ifo_from_x + k, *h = ifo_from_h + k;
        const ernn_lanes i_x = ernn_lanes_take(x, count), i_h = ernn_lanes_take(h, count);
        const ernn_lanes f_x = ernn_lanes_take(x + n, count), f_h = ernn_lanes_take(h + n, count);
        const ernn_lanes o_x = ernn_lanes_take(x + 2 * n, count), o_h = ernn_lanes_take(h + 2 * n, count);
        const ernn_lanes g_x = ernn_lanes_take(g_from_x + k, count), g_h = ernn_lanes_take(g_from_h + k, count);
        const ernn_lanes i = ernn_lanes_sigmoid(ernn_lanes_sum(i_x, i_h, ifo_shift));
        const ernn_lanes f = ernn_lanes_sigmoid(ernn_lanes_sum(f_x, f_h, ifo_shift));
        const ernn_lanes o = ernn_lanes_sigmoid(ernn_lanes_sum(o_x, o_h, ifo_shift));
        const ernn_lanes g = ernn_lanes_tanh(ernn_lanes_sum(g_x, g_h, g_shift));
        const ernn_lanes kept = ernn_lanes_product(f, ernn_lanes_take(c + k, count), kept_bits);
        const ernn_lanes next = ernn_lanes_sum(kept, ernn_lanes_product(i, g, new_bits), c_shift);
        const ernn_lanes squashed = ernn_lanes_tanh(ernn_lanes_shift(next, tanh_shift));
        ernn_lanes_put(c_next + k, next, count);
        ernn_lanes_put(h_next + k, ernn_lanes_product(o, squashed, h_bits), count);
    }
#endif
    for (; k < n; k++) {
        const int32_t i = ernn_sigmoid(ernn_sum(ifo_from_x[k], ifo_from_h[k], ifo_shift));
        const int32_t f = ernn_sigmoid(ernn_sum(ifo_from_x[n + k], ifo_from_h[n + k], ifo_shift));
        const int32_t o = ernn_sigmoid(ernn_sum(ifo_from_x[2 * n + k], ifo_from_h[2 * n + k], ifo_shift));
        const int32_t g = ernn_tanh(ernn_sum(g_from_x[k], g_from_h[k], g_shift));
        const int32_t next = ernn_sum(ernn_product(f, c[k], kept_bits), ernn_product(i, g, new_bits), c_shift);
        c_next[k] = (int16_t)next;
        h_next[k] = (int16_t)ernn_product(o, ernn_tanh(ernn_shift(next, tanh_shift)), h_bits);
    }
}
