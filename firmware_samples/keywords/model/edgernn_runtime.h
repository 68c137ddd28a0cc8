/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edgernn runtime: the integer kernels that a generated model calls. C99, no allocation, no global mutable
 * state, no libm. A model's folder holds only the kernels that the model needs.
 *
 * s8 is int8_t, s16 is int16_t, f32 is float. Qm.n is an integer whose real value is integer / 2^n:
 *
 *   Q0.7  int8_t   [-1, 1)   what a matrix product reads of a state
 *   Q0.15 int16_t  [-1, 1)   states, sigmoid, tanh and softmax
 *   Q3.12 int16_t  [-8, 8)   sums that go into tanh
 *   Q4.11 int16_t  [-16, 16) sums that go into sigmoid and softplus
 *
 * The terms of those sums have one format, that of the sum or one with a larger range, so that none saturates
 * before it is added.
 *
 * Every rounding is to the nearest integer, ties upwards (floor(real + 1/2)); every result that does not fit
 * its type takes the nearest value that does. The same input gives the same bits on every compiler and machine.
 *
 * `n` is the number of elements. An output never overlaps an input.
 */
#ifndef EDGERNN_RUNTIME_H
#define EDGERNN_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#include "edgernn_paths.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Changes when a kernel's arguments or results change: models that share kernels must agree on it. */
#define ERNN_RUNTIME_VERSION 4

/* A compile-time check for C99: a false condition is an array of negative size. */
#define ERNN_ASSERT(name, condition) typedef char ernn_assert_##name[(condition) ? 1 : -1]

/*
 * A matrix and what takes its products to the output's type, row by row. The factor of row r is
 *
 *   multiplier[r] * 2^left / 2^(32 + shift[r])
 *
 * The weights lie in the order in which the kernels read them: strips of ERNN_STRIP rows, the last one of as many
 * as are left, up to a multiple of 4; in a strip groups of 4 columns, up to a multiple of 4; in a group row by row.
 * What fills up is 0.
 */
typedef struct {
    const int8_t *weight;      /* [strips][groups][rows of the strip][4], -127 .. 127 */
    const int32_t *bias;       /* [rows], in units of the product; the input's zero point is folded in. Of a matrix
                                * that reads int8_t: ERNN_BIAS of it and the sum of the row's weights */
    const int32_t *multiplier; /* [rows], 0 .. 2^31 - 1 */
    const uint8_t *shift;      /* [rows], 1 .. 31 */
    size_t rows;
    size_t columns;
    int left; /* 0 .. 30 */
    int clip; /* 0: every sum * 2^left fits an int32_t; 1: those that do not are clipped, which changes no output */
} ernn_linear;

#define ERNN_STRIP 16

/* The same of a matrix with many zeros: only its blocks that hold something else, by rows of blocks. Blocks of 16 or
 * 4 rows and 4 columns are the fast ones; the vector instructions read them as they read a dense matrix. */
typedef struct {
    const int8_t *weight;      /* [blocks][block_rows][block_columns] */
    const uint8_t *place;      /* [blocks], a block's number in its row: it begins at place * block_columns */
    const uint16_t *count;     /* [rows / block_rows], the blocks of each row of blocks */
    const int32_t *bias;       /* [rows] */
    const int32_t *multiplier; /* [rows] */
    const uint8_t *shift;      /* [rows] */
    size_t rows;
    size_t columns;
    size_t block_rows;    /* 1 .. ERNN_BLOCK_ROWS; divides rows */
    size_t block_columns; /* divides columns */
    int left;
    int clip;
} ernn_sparse_linear;

#define ERNN_BLOCK_ROWS 16

/* y[r] = (bias[r] + sum over c of weight[r][c] * x[c]) * the row's factor, one rounding.
 * The sum must fit an int32_t for every x; the exporter proves that before it writes a model.
 * `work` is scratch, 4-byte aligned: as many int16_t as columns, up to a multiple of 4. */
void ernn_matvec_s8_s16(const ernn_linear *layer,
                        const int8_t *x, /* [columns] */
                        int16_t *y,      /* [rows] */
                        int16_t *work);

/* The same, plus the zero point of y: what another matrix product reads. */
void ernn_matvec_s8_s8(const ernn_linear *layer,
                       const int8_t *x, /* [columns] */
                       int8_t *y,       /* [rows] */
                       int zero_point,  /* -128 .. 127 */
                       int16_t *work);

/* ernn_matvec_s8_s16 and ernn_matvec_s8_s8 of an int16_t input, which has no zero point. */
void ernn_matvec_s16_s16(const ernn_linear *layer,
                         const int16_t *x, /* [columns] */
                         int16_t *y,       /* [rows] */
                         int16_t *work);

void ernn_matvec_s16_s8(const ernn_linear *layer,
                        const int16_t *x, /* [columns] */
                        int8_t *y,        /* [rows] */
                        int zero_point,   /* -128 .. 127 */
                        int16_t *work);

/* The same products of a sparse matrix: same arguments, same bits. */
void ernn_matvec_sparse_s8_s16(const ernn_sparse_linear *layer,
                               const int8_t *x, /* [columns] */
                               int16_t *y,      /* [rows] */
                               int16_t *work);

void ernn_matvec_sparse_s8_s8(const ernn_sparse_linear *layer,
                              const int8_t *x, /* [columns] */
                              int8_t *y,       /* [rows] */
                              int zero_point,  /* -128 .. 127 */
                              int16_t *work);

void ernn_matvec_sparse_s16_s16(const ernn_sparse_linear *layer,
                                const int16_t *x, /* [columns] */
                                int16_t *y,       /* [rows] */
                                int16_t *work);

void ernn_matvec_sparse_s16_s8(const ernn_sparse_linear *layer,
                               const int16_t *x, /* [columns] */
                               int8_t *y,        /* [rows] */
                               int zero_point,   /* -128 .. 127 */
                               int16_t *work);

/* ernn_matvec_s8_s16 of a matrix that is too large for the first cache: called with `backward` 0 and 1 in turn, it
 * begins with the rows that it ended with the last time, which are still there. */
void ernn_matvec_turning_s8_s16(const ernn_linear *layer,
                                const int8_t *x, /* [columns] */
                                int16_t *y,      /* [rows] */
                                int16_t *work, int backward);

/* ernn_matvec_s8_s16 and ernn_matvec_s16_s16 of `count` inputs, which lie one after the other: a matrix is read once
 * for several of them, where the vector instructions make that worth it. `work` is that of one product. */
void ernn_matmul_s8_s16(const ernn_linear *layer,
                        const int8_t *x, /* [count][columns] */
                        size_t count,
                        int16_t *y, /* [count][rows] */
                        int16_t *work);

void ernn_matmul_s16_s16(const ernn_linear *layer,
                         const int16_t *x, /* [count][columns] */
                         size_t count,
                         int16_t *y, /* [count][rows] */
                         int16_t *work);

/*
 * The gates of a GRU with its reset after the product, and its next state, which may take the place of h.
 *
 *   z, r = sigmoid((zr_from_x + zr_from_h) * 2^zr_shift)
 *   g = tanh((g_from_x + r * g_from_h / 2^reset_bits) * 2^g_shift)
 *   h_next = g + z * (h - g)
 *
 * The sums saturate as ernn_add_s16 does, the product as ernn_mul_s16.
 */
void ernn_gru_s16(const int16_t *zr_from_x, /* [2n], z before r */
                  const int16_t *zr_from_h, /* [2n] */
                  const int16_t *g_from_x,  /* [n] */
                  const int16_t *g_from_h,  /* [n] */
                  const int16_t *h,         /* [n], Q0.15 */
                  int16_t *h_next,          /* [n], Q0.15 */
                  size_t n, int zr_shift, int reset_bits, int g_shift);

/*
 * The gates of an LSTM and its next states; c_next may take the place of c.
 *
 *   i, f, o = sigmoid((ifo_from_x + ifo_from_h) * 2^ifo_shift)
 *   g = tanh((g_from_x + g_from_h) * 2^g_shift)
 *   c_next = (f * c / 2^kept_bits + i * g / 2^new_bits) * 2^c_shift
 *   h_next = o * tanh(c_next * 2^tanh_shift) / 2^h_bits, tanh_shift -15 .. 15
 */
void ernn_lstm_s16(const int16_t *ifo_from_x, /* [3n], i before f before o */
                   const int16_t *ifo_from_h, /* [3n] */
                   const int16_t *g_from_x,   /* [n] */
                   const int16_t *g_from_h,   /* [n] */
                   const int16_t *c,          /* [n] */
                   int16_t *c_next,           /* [n], of c's type */
                   int16_t *h_next,           /* [n], Q0.15 */
                   size_t n, int ifo_shift, int g_shift, int kept_bits, int new_bits, int c_shift, int tanh_shift,
                   int h_bits);

/* y = the row *index of the table, or the nearest row where there is none of that number: an embedding. */
void ernn_lookup_s8(const int8_t *table, /* [entries][columns], 1 and more */
                    size_t entries,
                    const int16_t *index, /* [1], a whole number */
                    int8_t *y,            /* [columns] */
                    size_t columns);

/* y = a + b; a and b of one Q format, y of one with `shift` fraction bits more, 0 .. 15. */
void ernn_add_s16(const int16_t *a, /* [n] */
                  const int16_t *b, /* [n] */
                  int16_t *y,       /* [n] */
                  size_t n, int shift);

/* y = a - b; a and b of one Q format, y of one with `shift` fraction bits more, 0 .. 15. */
void ernn_sub_s16(const int16_t *a, /* [n] */
                  const int16_t *b, /* [n] */
                  int16_t *y,       /* [n] */
                  size_t n, int shift);

/* y = a * b / 2^bits, bits 1 .. 30: the fraction bits of a and b together, less those of y. */
void ernn_mul_s16(const int16_t *a, /* [n] */
                  const int16_t *b, /* [n] */
                  int16_t *y,       /* [n] */
                  size_t n, int bits);

/* The same with one b for all of a. */
void ernn_mul_scalar_s16(const int16_t *a, /* [n] */
                         const int16_t *b, /* [1] */
                         int16_t *y,       /* [n] */
                         size_t n, int bits);

/* y = the larger of a and b, which are of one type: scale and zero point. */
void ernn_max_s16(const int16_t *a, /* [n] */
                  const int16_t *b, /* [n] */
                  int16_t *y,       /* [n] */
                  size_t n);

void ernn_max_s8(const int8_t *a, /* [n] */
                 const int8_t *b, /* [n] */
                 int8_t *y,       /* [n] */
                 size_t n);

/* y = x where x is positive, otherwise 0. */
void ernn_relu_s16(const int16_t *x, /* [n] */
                   int16_t *y,       /* [n] */
                   size_t n);

/* y = 1 / (1 + exp(-x)), by a table of 257 values over |x| and linear interpolation. */
void ernn_sigmoid_s16(const int16_t *x, /* [n], Q4.11 */
                      int16_t *y,       /* [n], Q0.15, 1 .. 32767 */
                      size_t n);

/* y = tanh(x), by a table of 257 values over |x| and linear interpolation. */
void ernn_tanh_s16(const int16_t *x, /* [n], Q3.12 */
                   int16_t *y,       /* [n], Q0.15, -32767 .. 32767 */
                   size_t n);

/* y = log(1 + exp(x)), by a table of 257 values over |x| and linear interpolation. */
void ernn_softplus_s16(const int16_t *x, /* [n], Q4.11 */
                       int16_t *y,       /* [n], Q4.11, 1 .. 32767 */
                       size_t n);

/* y = exp(x) / (sum of exp(x)), by a table of 257 values over the distance to the largest x and linear
 * interpolation. An x that is 8.0 and more below the largest gives 0. */
void ernn_softmax_s16(const int16_t *x, /* [n], `bits` fraction bits, 0 .. 15 */
                      int16_t *y,       /* [n], Q0.15, 0 .. 32767 */
                      size_t n,         /* at most 65536 */
                      int bits);

/* y = (x - mean) / sqrt(variance + 0.001) over the elements of x. With d = n * x - sum, which is n * (x - mean),
 *
 *   y = d * factor / 2^k, one rounding;  factor = root / sqrt((sum of d * d) * 2^up + epsilon), both rounded down
 *
 * where k is `shift`, less 1 for every time that what is under the root is first multiplied by 4: as often as it
 * stays below 2^64. The exporter computes `up`, `epsilon`, `root` and `shift` from n and the formats of x and y. */
void ernn_normalize_s16(const int16_t *x, /* [n] */
                        int16_t *y,       /* [n] */
                        size_t n,         /* 1 .. 1024 */
                        int up, uint64_t epsilon, uint64_t root, int shift);

/* y = g + z * (h - g): a GRU's next state. It lies between g and h; the three have one Q format. */
void ernn_blend_s16(const int16_t *z, /* [n], Q0.15, 0 and more */
                    const int16_t *g, /* [n] */
                    const int16_t *h, /* [n] */
                    int16_t *y,       /* [n] */
                    size_t n);

/* The same with one z for all of g and h. */
void ernn_blend_scalar_s16(const int16_t *z, /* [1], Q0.15, 0 and more */
                           const int16_t *g, /* [n] */
                           const int16_t *h, /* [n] */
                           int16_t *y,       /* [n] */
                           size_t n);

/* y = x / 2^bits, bits 1 .. 15: Q0.15 to Q0.7 by 8 bits. */
void ernn_requantize_s16_s8(const int16_t *x, /* [n] */
                            int8_t *y,        /* [n] */
                            size_t n, int bits);

/* y = (x - zero_in) * multiplier / 2^shift + zero_out, one rounding: from one scale and zero point to another's.
 * multiplier 0 .. 2^31 - 1, shift 1 .. 62; zero points within their types. */
void ernn_rescale_s16_s16(const int16_t *x, /* [n] */
                          int16_t *y,       /* [n] */
                          size_t n, int zero_in, int32_t multiplier, int shift, int zero_out);

void ernn_rescale_s16_s8(const int16_t *x, /* [n] */
                         int8_t *y,        /* [n] */
                         size_t n, int zero_in, int32_t multiplier, int shift, int zero_out);

void ernn_rescale_s8_s16(const int8_t *x, /* [n] */
                         int16_t *y,      /* [n] */
                         size_t n, int zero_in, int32_t multiplier, int shift, int zero_out);

void ernn_rescale_s8_s8(const int8_t *x, /* [n] */
                        int8_t *y,       /* [n] */
                        size_t n, int zero_in, int32_t multiplier, int shift, int zero_out);

/* y = x. */
void ernn_copy_s16(const int16_t *x, /* [n] */
                   int16_t *y,       /* [n] */
                   size_t n);

void ernn_copy_s8(const int8_t *x, /* [n] */
                  int8_t *y,       /* [n] */
                  size_t n);

/* q = (x - mean) * factor + zero_point in float, in this order: a raw frame, normalised and quantised. Values
 * beyond q's type and both infinities take its nearest value, not-a-number takes its lowest. Do not compile with
 * -ffast-math. */
void ernn_quantize_f32_s8(const float *x,      /* [n] */
                          const float *mean,   /* [n] */
                          const float *factor, /* [n] */
                          int8_t *q,           /* [n] */
                          size_t n, int zero_point);

/* The same to int16_t; with a mean of 0 and a factor of 1 a whole number stays itself: a token. */
void ernn_quantize_f32_s16(const float *x,      /* [n] */
                           const float *mean,   /* [n] */
                           const float *factor, /* [n] */
                           int16_t *q,          /* [n] */
                           size_t n, int zero_point);

/* y = q * scale. */
void ernn_dequantize_s16_f32(const int16_t *q, /* [n] */
                             float *y,         /* [n] */
                             size_t n, float scale);

#ifdef __cplusplus
}
#endif

#endif
