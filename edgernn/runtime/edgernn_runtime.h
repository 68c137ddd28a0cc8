/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edgernn runtime: the integer kernels that a generated model calls. C99, no allocation, no global mutable
 * state, no libm. A model's folder holds only the kernels that the model needs.
 *
 * s8 is int8_t, s16 is int16_t, f32 is float. Qm.n is an integer whose real value is integer / 2^n:
 *
 *   Q0.7  int8_t   [-1, 1)   what a matrix product reads of a state
 *   Q0.15 int16_t  [-1, 1)   states, sigmoid and tanh
 *   Q3.12 int16_t  [-8, 8)   sums that go into sigmoid and tanh
 *
 * The terms of those sums have one format a layer, Q3.12 or one with a larger range, so that none saturates
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

#ifdef __cplusplus
extern "C" {
#endif

/* Changes when a kernel's arguments or results change: models that share kernels must agree on it. */
#define ERNN_RUNTIME_VERSION 2

/* A compile-time check for C99: a false condition is an array of negative size. */
#define ERNN_ASSERT(name, condition) typedef char ernn_assert_##name[(condition) ? 1 : -1]

/* A matrix and what takes its products to the output's type, row by row. */
typedef struct {
    const int8_t *weight;      /* [rows][columns] */
    const int32_t *bias;       /* [rows], in units of the product; the input's zero point is folded in */
    const int32_t *multiplier; /* [rows], 0 .. 2^31 - 1 */
    const uint8_t *shift;      /* [rows], 1 .. 62; the row's factor is multiplier / 2^shift */
    size_t rows;
    size_t columns;
} ernn_linear;

/* y[r] = (bias[r] + sum over c of weight[r][c] * x[c]) * multiplier[r] / 2^shift[r], one rounding.
 * The sum must fit an int32_t for every x; the exporter proves that before it writes a model. */
void ernn_matvec_s8_s16(const ernn_linear *layer,
                        const int8_t *x, /* [columns] */
                        int16_t *y);     /* [rows] */

/* The same, plus the zero point of y: what another matrix product reads. */
void ernn_matvec_s8_s8(const ernn_linear *layer,
                       const int8_t *x, /* [columns] */
                       int8_t *y,       /* [rows] */
                       int zero_point); /* -128 .. 127 */

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

/* y = 1 / (1 + exp(-x)), by a table of 257 values over |x| and linear interpolation. */
void ernn_sigmoid_s16(const int16_t *x, /* [n], Q3.12 */
                      int16_t *y,       /* [n], Q0.15, 11 .. 32757 */
                      size_t n);

/* y = tanh(x), by a table of 257 values over |x| and linear interpolation. */
void ernn_tanh_s16(const int16_t *x, /* [n], Q3.12 */
                   int16_t *y,       /* [n], Q0.15, -32767 .. 32767 */
                   size_t n);

/* y = g + z * (h - g): a GRU's next state. It lies between g and h. */
void ernn_blend_s16(const int16_t *z, /* [n], Q0.15, 0 and more */
                    const int16_t *g, /* [n], Q0.15 */
                    const int16_t *h, /* [n], Q0.15 */
                    int16_t *y,       /* [n], Q0.15 */
                    size_t n);

/* y = x / 2^bits, bits 1 .. 15: Q0.15 to Q0.7 by 8 bits. */
void ernn_requantize_s16_s8(const int16_t *x, /* [n] */
                            int8_t *y,        /* [n] */
                            size_t n, int bits);

/* y = x. */
void ernn_copy_s16(const int16_t *x, /* [n] */
                   int16_t *y,       /* [n] */
                   size_t n);

/* q = (x - mean) * factor + zero_point in float, in this order: a raw frame, normalised and quantised. Values
 * beyond int8_t and both infinities take its nearest value, not-a-number takes -128. Do not compile with
 * -ffast-math. */
void ernn_quantize_f32_s8(const float *x,      /* [n] */
                          const float *mean,   /* [n] */
                          const float *factor, /* [n] */
                          int8_t *q,           /* [n] */
                          size_t n, int zero_point);

/* y = q * scale. */
void ernn_dequantize_s16_f32(const int16_t *q, /* [n] */
                             float *y,         /* [n] */
                             size_t n, float scale);

#ifdef __cplusplus
}
#endif

#endif
