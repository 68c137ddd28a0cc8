/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What turns sound into the frames that a network reads, in integers. Only models that begin with samples have this
 * file and its kernels.
 *
 *   static const ernn_log_mel mel = {...};   // tables in flash: edgernn.targets.c.log_mel writes them
 *   static int16_t samples[400];             // of each stream: mel.frame
 *   static uint16_t filled;                  // of each stream: 0 begins it
 *   int32_t work[512];                       // scratch: mel.fft; nothing is kept in it
 *   int16_t y[40];                           // mel.mels
 *   int ready;
 *
 *   for (size_t at = 0; at < n;) {           // n new samples, as many as there are
 *       at += ernn_log_mel_push_s16(&mel, samples, &filled, pcm + at, n - at, y, &ready, work);
 *       if (ready) {
 *           // y is the next frame
 *       }
 *   }
 */
#ifndef EDGERNN_FEATURES_H
#define EDGERNN_FEATURES_H

#include "edgernn_runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Frames of samples as the energies of mel bands. The bands are triangles; where one falls the next one rises, and a
 * bin's two weights add up to 1, so that one of them is stored.
 */
typedef struct {
    const int16_t *window;  /* [frame], Q0.15 */
    const int16_t *twiddle; /* [3 * fft / 4][2], Q0.15: that of ernn_rfft_s32 */
    const uint16_t *weight; /* [bins], Q1.15, 0 .. 32768: the rising triangle's, from bin `first` on */
    const uint16_t *count;  /* [mels + 1]: the bins between the edges of triangles, which add up to `bins` */
    size_t frame;           /* samples, at most fft */
    size_t hop;             /* samples, 1 .. frame */
    size_t fft;             /* 64, 128, 256, 512 or 1024 */
    size_t mels;
    size_t first; /* 1 and more; first + bins is at most fft / 2 */
} ernn_log_mel;

/* y[m] = log2(sum over k of triangle[m][k] * |X[k]|^2), X the FFT of window * samples / 2^15; not below -24.0.
 *
 * The samples are shifted up as far as they fit 16 bits, the FFT has 32, and powers and their sums have 64 bits. */
void ernn_log_mel_s16(const ernn_log_mel *mel,
                      const int16_t *samples, /* [frame], Q0.15 */
                      int16_t *y,             /* [mels], Q5.10 */
                      int32_t *work);         /* [fft] */

/* The same of a stream: takes samples from x until a frame is complete or none are left, and gives how many it took.
 * Where a frame is complete, y is written and *ready is 1; otherwise y is left as it is and *ready is 0. Frames begin
 * `hop` samples apart, the first one with the first sample. */
size_t ernn_log_mel_push_s16(const ernn_log_mel *mel,
                             int16_t *samples, /* [frame], of the stream */
                             uint16_t *filled, /* [1], of the stream: how many samples there are; 0 in the beginning */
                             const int16_t *x, /* [n], Q0.15 */
                             size_t n,
                             int16_t *y,     /* [mels], Q5.10 */
                             int *ready,     /* [1] */
                             int32_t *work); /* [fft] */

/*
 * The FFT of n real samples, divided by n, in place. With j = i's log2(n / 2) bits in reversed order, x[2i] and
 * x[2i + 1] are the samples 2j and 2j + 1, |sample| < 2^30. They become the real and the imaginary part of
 *
 *   X[i] / n,  i = 1 .. n / 2 - 1;  x[0] and x[1] become X[0] / n and X[n / 2] / n, which are real.
 *
 * The products with twiddles and the halves of sums are rounded down.
 */
void ernn_rfft_s32(int32_t *x,             /* [n] */
                   const int16_t *twiddle, /* [3 * n / 4][2], Q0.15: exp(-2 * pi * i * k / n), first real part */
                   size_t n);              /* 64, 128, 256, 512 or 1024 */

#ifdef __cplusplus
}
#endif

#endif
