/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gates on vectors of ERNN_LANES int16_t, where the compiler's target has them; models do not include this file.
 *
 * A path defines ERNN_LANES, the type ernn_lanes and these functions, with the bits of their scalar counterparts:
 *
 *   ernn_lanes_load(p), ernn_lanes_store(p, y)    ERNN_LANES elements at p, of any alignment
 *   ernn_lanes_sum(a, b, shift)                   ernn_sum
 *   ernn_lanes_product(a, b, bits)                ernn_product
 *   ernn_lanes_shift(x, up)                       ernn_shift
 *   ernn_lanes_sigmoid(x), ernn_lanes_tanh(x)     ernn_sigmoid, ernn_tanh
 *   ernn_lanes_blend(z, g, h)                     ernn_blend, z 1 .. 32767: what a sigmoid gives
 *
 * and may define ERNN_HAS_LANES_REST and
 *
 *   ernn_lanes_load_rest(p, n), ernn_lanes_store_rest(p, y, n)    n elements, fewer than ERNN_LANES, and no more
 *
 * and ERNN_HAS_LANES_NARROW and ernn_lanes_narrow(p, x, bits, n): n elements of x as ernn_requantize_s16_s8 has them
 */
#ifndef EDGERNN_LANES_H
#define EDGERNN_LANES_H

#include "edgernn_arithmetic.h"
#include "edgernn_paths.h"

#ifdef ERNN_SSE2
#include "edgernn_lanes_sse2.h"
#endif
#ifdef ERNN_AVX2
#include "edgernn_lanes_avx2.h"
#endif
#ifdef ERNN_AVX512
#include "edgernn_lanes_avx512.h"
#endif
#ifdef ERNN_NEON
#include "edgernn_lanes_neon.h"
#endif
#ifdef ERNN_WASM
#include "edgernn_lanes_wasm.h"
#endif
#ifdef ERNN_DSP
#include "edgernn_lanes_dsp.h"
#endif
#ifdef ERNN_MVE
#include "edgernn_lanes_mve.h"
#endif

#ifdef ERNN_LANES

#ifndef ERNN_HAS_LANES_REST
static inline ernn_lanes ernn_lanes_load_rest(const int16_t *p, size_t count)
{
    (void)count;
    return ernn_lanes_load(p);
}

static inline void ernn_lanes_store_rest(int16_t *p, ernn_lanes y, size_t count)
{
    (void)count;
    ernn_lanes_store(p, y);
}
#endif

/* The number of elements, of n - i that are left, that the lanes take next: 0 is the end of what they can take. */
static inline size_t ernn_lanes_count(size_t left)
{
#ifdef ERNN_HAS_LANES_REST
    return left < ERNN_LANES ? left : ERNN_LANES;
#else
    return left < ERNN_LANES ? 0 : ERNN_LANES;
#endif
}

/* `count` elements, at most ERNN_LANES. */
static inline ernn_lanes ernn_lanes_take(const int16_t *p, size_t count)
{
    return count == ERNN_LANES ? ernn_lanes_load(p) : ernn_lanes_load_rest(p, count);
}

static inline void ernn_lanes_put(int16_t *p, ernn_lanes y, size_t count)
{
    if (count == ERNN_LANES) {
        ernn_lanes_store(p, y);
    } else {
        ernn_lanes_store_rest(p, y, count);
    }
}

#endif

#endif
