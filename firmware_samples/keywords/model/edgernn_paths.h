/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which vector instructions the kernels use: what the compiler's own macros say that the target has. Define
 * ERNN_PORTABLE for none. All paths give the same bits. Generated models read ERNN_INPUT_OFFSET.
 */
#ifndef EDGERNN_PATHS_H
#define EDGERNN_PATHS_H

#if defined(ERNN_PORTABLE)
#elif defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#define ERNN_AVX512
#elif defined(__AVX2__)
#define ERNN_AVX2
#elif defined(__SSE2__) || defined(_M_X64)
#define ERNN_SSE2
#elif defined(__ARM_FEATURE_MVE)
#define ERNN_MVE
#elif defined(__ARM_NEON) && !defined(__ARM_BIG_ENDIAN)
#define ERNN_NEON
#elif defined(__ARM_FEATURE_DSP) && defined(__ARM_FEATURE_SIMD32) && defined(__thumb2__) && defined(__GNUC__) && \
    defined(__OPTIMIZE__) && !defined(__ARM_BIG_ENDIAN)
#define ERNN_DSP
#elif defined(__wasm_simd128__)
#define ERNN_WASM
#endif

/* What a path adds to an int8_t input before the product, for instructions that read it as uint8_t. */
#ifdef ERNN_AVX512
#define ERNN_INPUT_OFFSET 128
#else
#define ERNN_INPUT_OFFSET 0
#endif

/* The bias of a row that reads int8_t: less what the offset adds. `weights` is the sum of the row's weights. */
#define ERNN_BIAS(bias, weights) ((bias)-ERNN_INPUT_OFFSET * (weights))

/* Kernels of another offset have other names, so that objects compiled for different paths do not link. */
#if ERNN_INPUT_OFFSET != 0
#define ernn_matvec_s8_s16 ernn_offset_matvec_s8_s16
#define ernn_matvec_s8_s8 ernn_offset_matvec_s8_s8
#define ernn_matmul_s8_s16 ernn_offset_matmul_s8_s16
#define ernn_matvec_turning_s8_s16 ernn_offset_matvec_turning_s8_s16
#define ernn_matvec_sparse_s8_s16 ernn_offset_matvec_sparse_s8_s16
#define ernn_matvec_sparse_s8_s8 ernn_offset_matvec_sparse_s8_s8
#endif

/* For how many steps of a window the products of the frames are computed at once: more need more stack. */
#ifndef ERNN_STEPS_AT_ONCE
#if defined(ERNN_AVX512) || defined(ERNN_AVX2) || defined(ERNN_SSE2) || defined(ERNN_NEON) || defined(ERNN_WASM)
#define ERNN_STEPS_AT_ONCE 8
#else
#define ERNN_STEPS_AT_ONCE 1
#endif
#endif

/* Weights begin where no load of a vector crosses a cache line. */
#if defined(__GNUC__)
#if defined(ERNN_AVX512) || defined(ERNN_AVX2)
#define ERNN_ALIGNED __attribute__((aligned(64)))
#else
#define ERNN_ALIGNED __attribute__((aligned(16)))
#endif
#else
#define ERNN_ALIGNED
#endif

#endif
