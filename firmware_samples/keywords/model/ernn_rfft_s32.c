/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_arithmetic.h"
#include "edgernn_features.h"

#if defined(ERNN_DSP) || (defined(ERNN_MVE) && defined(__GNUC__) && !defined(__ARM_BIG_ENDIAN))
#define FFT_DSP /* products of 32 and 16 bits in one instruction */
#endif

#ifdef __GNUC__
#define FFT_INLINE static inline __attribute__((always_inline)) /* a call passes its values through memory */
#else
#define FFT_INLINE static inline
#endif

typedef struct {
    int32_t re, im;
} fft_value;

static inline fft_value fft_load(const int32_t *x)
{
    const fft_value z = {x[0], x[1]};
    return z;
}

static inline void fft_store(int32_t *x, int32_t re, int32_t im)
{
    x[0] = re;
    x[1] = im;
}

static inline fft_value fft_halved(const int32_t *x)
{
    const fft_value z = {x[0] >> 1, x[1] >> 1};
    return z;
}

/* One address that walks: compilers keep eight of them in memory otherwise, for want of registers. */
static inline int32_t *fft_walk(int32_t *at)
{
#ifdef FFT_DSP
    __asm__("" : "+r"(at));
#endif
    return at;
}

/* A twiddle, exp(-i * angle) in Q0.15, and z * w / 2, each of the four products rounded down; w is not 1. */
#ifdef FFT_DSP /* not every arm_acle.h has these instructions */
typedef int32_t fft_twiddle; /* the real part below the imaginary part */

static inline fft_twiddle fft_load_twiddle(const int16_t *at)
{
    fft_twiddle w;
    __builtin_memcpy(&w, at, sizeof w);
    return w;
}

static inline fft_value fft_half_product(fft_value z, fft_twiddle w)
{
    int32_t re, im_im, im;
    __asm__("smulwb %0, %1, %2" : "=r"(re) : "r"(z.re), "r"(w));
    __asm__("smulwt %0, %1, %2" : "=r"(im) : "r"(z.re), "r"(w));
    __asm__("smlawb %0, %1, %2, %0" : "+r"(im) : "r"(z.im), "r"(w));
    __asm__("smulwt %0, %1, %2" : "=r"(im_im) : "r"(z.im), "r"(w));
    const fft_value y = {re - im_im, im};
    return y;
}
#else
typedef fft_value fft_twiddle;

static inline fft_twiddle fft_load_twiddle(const int16_t *at)
{
    const fft_twiddle w = {at[0], at[1]};
    return w;
}

/* a * w / 2^16, rounded down, by two products of 32 bits; |w| is at most 2^15. */
static inline int32_t fft_high_product(int32_t a, int32_t w)
{
    return (a >> 16) * w + ((a & 0xFFFF) * w >> 16);
}

static inline fft_value fft_half_product(fft_value z, fft_twiddle w)
{
    const fft_value y = {fft_high_product(z.re, w.re) - fft_high_product(z.im, w.im),
                         fft_high_product(z.re, w.im) + fft_high_product(z.im, w.re)};
    return y;
}
#endif

/* FFTs of 2 values, halved: x[0] + x[1] and x[0] - x[1]. */
static void fft_radix_2(int32_t *x, size_t n)
{
    for (size_t i = 0; i < n; i += 4) {
        const fft_value a = fft_halved(x + i), b = fft_halved(x + i + 2);
        fft_store(x + i, a.re + b.re, a.im + b.im);
        fft_store(x + i + 2, a.re - b.re, a.im - b.im);
    }
}

/* a / 4 + b + c + d, a / 4 - ib - c + id, a / 4 - b + c - d and a / 4 + ib - c - id, from twice b, c and d; the last
 * goes to `at`, each other `stride` before the next. Gives the place of the first. As complex numbers they are no
 * larger than the largest of a, 2b, 2c and 2d. */
FFT_INLINE int32_t *fft_butterfly(int32_t *at, size_t stride, fft_value a, fft_value b, fft_value c, fft_value d)
{
    const fft_value even = {(a.re >> 2) + (c.re >> 1), (a.im >> 2) + (c.im >> 1)};
    const fft_value other = {(a.re >> 2) - (c.re >> 1), (a.im >> 2) - (c.im >> 1)};
    const fft_value odd = {b.re + d.re, b.im + d.im};
    const fft_value turned = {b.re - d.re, b.im - d.im};
    fft_store(at, other.re - (turned.im >> 1), other.im + (turned.re >> 1));
    at = fft_walk(at - stride);
    fft_store(at, even.re - (odd.re >> 1), even.im - (odd.im >> 1));
    at = fft_walk(at - stride);
    fft_store(at, other.re + (turned.im >> 1), other.im - (turned.re >> 1));
    at = fft_walk(at - stride);
    fft_store(at, even.re + (odd.re >> 1), even.im + (odd.im >> 1));
    return at;
}

/* FFTs of 2 * stride values from four of stride / 2, divided by 4: what has the twiddle 1. */
static void fft_first(int32_t *x, size_t n, size_t stride)
{
    int32_t *at = x;
    for (size_t left = n / (4 * stride);; at = fft_walk(at + 4 * stride)) {
        const fft_value a = fft_load(at);
        at = fft_walk(at + stride);
        const fft_value c = fft_halved(at);
        at = fft_walk(at + stride);
        const fft_value b = fft_halved(at);
        at = fft_walk(at + stride);
        const fft_value d = fft_halved(at);
        at = fft_butterfly(at, stride, a, b, c, d);
        if (--left == 0) {
            break;
        }
    }
}

/* The rest of them: value k has the twiddles w, w^2 and w^3, w = exp(-2 * pi * i * k / (2 * stride)). The order of bits
 * puts c before b. */
static void fft_others(int32_t *x, const int16_t *twiddle, size_t n, size_t stride)
{
    const size_t step = n / stride; /* of w from k to k + 1: n / (2 * stride) pairs */
    for (size_t k = 1; k < stride / 2; k++) {
        const fft_twiddle w = fft_load_twiddle(twiddle + k * step);
        const fft_twiddle w2 = fft_load_twiddle(twiddle + 2 * k * step);
        const fft_twiddle w3 = fft_load_twiddle(twiddle + 3 * k * step);
        int32_t *at = x + 2 * k;
        for (size_t left = n / (4 * stride);; at = fft_walk(at + 4 * stride)) {
            const fft_value a = fft_load(at);
            at = fft_walk(at + stride);
            const fft_value c = fft_half_product(fft_load(at), w2);
            at = fft_walk(at + stride);
            const fft_value b = fft_half_product(fft_load(at), w);
            at = fft_walk(at + stride);
            const fft_value d = fft_half_product(fft_load(at), w3);
            at = fft_butterfly(at, stride, a, b, c, d);
            if (--left == 0) {
                break;
            }
        }
    }
}

/* Bins k and n / 2 - k of the real samples from those of the complex ones, Z, divided by 2. With Z = even + i * odd,
 *
 *   even = (Z[k] + conj(Z[-k])) / 2,  odd = (Z[k] - conj(Z[-k])) / 2i,  X[k] = even + w^k * odd
 */
static inline void fft_untangle(int32_t *low, int32_t *high, const int16_t *twiddle)
{
    const fft_value a = fft_halved(low), b = fft_halved(high);
    const fft_value even = {(a.re + b.re) >> 1, (a.im - b.im) >> 1};
    const fft_value odd = {a.im + b.im, b.re - a.re};
    const fft_value turned = fft_half_product(odd, fft_load_twiddle(twiddle));
    fft_store(low, even.re + turned.re, even.im + turned.im);
    fft_store(high, even.re - turned.re, turned.im - even.im);
}

void ernn_rfft_s32(int32_t *restrict x, const int16_t *restrict twiddle, size_t n)
{
    size_t stride = 2; /* from a value to that of the next FFT, of those that are joined */
    if ((n & 0x555) != 0) { /* n is a power of 4, so that n / 2 is none */
        fft_radix_2(x, n);
        stride = 4;
    }
    for (; stride < n; stride *= 4) {
        fft_first(x, n, stride);
        fft_others(x, twiddle, n, stride);
    }
    const fft_value zero = fft_halved(x);
    fft_store(x, zero.re + zero.im, zero.re - zero.im);
    for (size_t k = 1; k <= n / 4; k++) {
        fft_untangle(x + 2 * k, x + n - 2 * k, twiddle + 2 * k);
    }
}
