/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_products.h"

void ernn_matvec_s8_s16(const ernn_linear *layer, const int8_t *restrict x, int16_t *restrict y,
                        int16_t *restrict work)
{
    ernn_expand_s8(x, layer->columns, work);
    ernn_rows_s8_s16(layer, ernn_strips_s8_s16(layer, x, work, y), x, y, work);
}
