/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn_arithmetic.h"
#include "edgernn_features.h"

enum { LOG_MEL_FLOOR = -24 * 1024, LOG_MEL_POWER_BITS = 12 };

/* log2(1 + i / 32), Q1.15 */
static const uint16_t log_mel_table[33] = {
    0, 1455, 2866, 4236, 5568, 6863, 8124, 9352, 10549, 11716, 12855, 13968, 15055, 16117, 17156, 18173,
    19168, 20143, 21098, 22034, 22952, 23852, 24736, 25604, 26455, 27292, 28114, 28922, 29717, 30498, 31267, 32024,
    32768,
};

static int log_mel_bits(uint32_t x)
{
#if defined(__ARM_FEATURE_CLZ) && defined(__GNUC__) && !defined(ERNN_PORTABLE)
    return x == 0 ? 0 : 32 - __builtin_clz(x);
#else
    int bits = 0;
    for (int half = 16; half != 0; half >>= 1) {
        if (x >> half != 0) {
            x >>= half;
            bits += half;
        }
    }
    return bits + (int)x;
#endif
}

/* By how many bits all samples may be shifted to the left. */
static int log_mel_headroom(const int16_t *samples, size_t n)
{
    int32_t all = 0; /* the bits of |x|, or of |x| - 1 where x is negative */
    for (size_t i = 0; i < n; i++) {
        all |= samples[i] ^ (samples[i] >> 15);
    }
    return 15 - log_mel_bits((uint32_t)all);
}

/* The next number after i with its bits in reversed order; `top` is its highest bit. */
static inline size_t log_mel_next_reversed(size_t i, size_t top)
{
    for (; (i & top) != 0; top >>= 1) {
        i ^= top;
    }
    return i | top;
}

/* Sample i of the frame as the FFT reads it; 0 from `end` on. */
static inline int32_t log_mel_windowed(const int16_t *window, const int16_t *samples, int up, size_t i, size_t end)
{
    return i < end ? samples[i] * window[i] * ((int32_t)1 << up) : 0;
}

/* window * samples * 2^up in the order in which ernn_rfft_s32 reads it, with zeros for what the frame lacks. */
static void log_mel_window(const ernn_log_mel *mel, const int16_t *restrict samples, int up, int32_t *restrict work)
{
    const int16_t *const window = mel->window;
    const size_t frame = mel->frame, n = mel->fft;
    int32_t *to = work;
    size_t reversed = 0;
    for (size_t i = 0; i < n; i += 4) { /* two pairs at once, n / 4 pairs apart where their bits are reversed */
        to[0] = log_mel_windowed(window, samples, up, i, frame);
        to[1] = log_mel_windowed(window, samples, up, i + 1, frame);
        to[n / 2] = log_mel_windowed(window, samples, up, i + 2, frame);
        to[n / 2 + 1] = log_mel_windowed(window, samples, up, i + 3, frame);
        reversed = log_mel_next_reversed(reversed, n / 8);
        to = work + 2 * reversed;
    }
}

/* |z|^2 / 2^12: all of a frame add up to less than 2^48 */
static inline uint64_t log_mel_power(const int32_t *z)
{
    return (uint64_t)((int64_t)z[0] * z[0] + (int64_t)z[1] * z[1]) >> LOG_MEL_POWER_BITS;
}

/* log2(x) with 15 fraction bits, by the table and linear interpolation; x is not 0. */
static int32_t log_mel_log2(uint64_t x)
{
    const uint32_t high = (uint32_t)(x >> 32);
    const int bits = high != 0 ? 32 + log_mel_bits(high) : log_mel_bits((uint32_t)x);
    const int32_t fraction = (int32_t)((x << (64 - bits)) >> 47) & 0xFFFF; /* what follows the first 1 */
    const uint16_t *entry = log_mel_table + (fraction >> 11);
    const int32_t slope = entry[1] - entry[0];
    return (bits - 1) * 32768 + entry[0] + ernn_shift_right(slope * (fraction & 0x7FF), 11);
}

/* Q5.10 of a sum of powers; `scale` is the log2 of what it is too large by. */
static int16_t log_mel_feature(uint64_t sum, int scale)
{
    const int32_t y = sum == 0 ? LOG_MEL_FLOOR : ernn_shift_right(log_mel_log2(sum) - scale * 32768, 5);
    return (int16_t)(y > LOG_MEL_FLOOR ? y : LOG_MEL_FLOOR);
}

/* The bins from edge to edge: where triangle m rises, the one before it falls. */
static void log_mel_bands(const ernn_log_mel *mel, const int32_t *z, int scale, int16_t *y)
{
    const uint16_t *weight = mel->weight;
    uint64_t before = 0; /* of the triangle that falls: what it had where it rose */
    for (size_t m = 0; m <= mel->mels; m++) {
        uint64_t rising = 0, all = 0;
        for (size_t left = mel->count[m]; left != 0; left--, z += 2) {
            const uint64_t power = log_mel_power(z);
            rising += power * *weight++;
            all += power;
        }
        if (m != 0) {
            y[m - 1] = log_mel_feature(before + (all << 15) - rising, scale);
        }
        before = rising;
    }
}

void ernn_log_mel_s16(const ernn_log_mel *mel, const int16_t *restrict samples, int16_t *restrict y,
                      int32_t *restrict work)
{
    const int up = log_mel_headroom(samples, mel->frame);
    log_mel_window(mel, samples, up, work);
    ernn_rfft_s32(work, mel->twiddle, mel->fft);
    /* twice the 30 bits of a windowed sample and its headroom, less log2(fft); less 12 bits, and 15 of a weight */
    const int scale = 2 * (30 + up) - 2 * (log_mel_bits((uint32_t)mel->fft) - 1) - LOG_MEL_POWER_BITS + 15;
    log_mel_bands(mel, work + 2 * mel->first, scale, y);
}
