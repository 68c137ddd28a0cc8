/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_products.h"

void ernn_matvec_turning_s8_s16(const ernn_linear *layer, const int8_t *restrict x, int16_t *restrict y,
                                int16_t *restrict work, int backward)
{
#ifdef ERNN_HAS_BACKWARD_S8_S16
    if (backward != 0) {
        ernn_expand_s8(x, layer->columns, work);
        ernn_rows_s8_s16(layer, ernn_backward_s8_s16(layer, x, work, y), x, y, work);
        return;
    }
#else
    (void)backward;
#endif
    ernn_matvec_s8_s16(layer, x, y, work);
}
