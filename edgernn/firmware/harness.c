/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a generated model over the windows of a file. Compiled with -DHEADER="<name>.h" -DMODEL(suffix)=<name>##suffix
 * -DSIZE(suffix)=<NAME>##suffix -DSTEP_FORM=0 or 1.
 *
 * Input file:  uint32 windows, uint32 steps, then the frames [windows][steps][INPUTS], quantised.
 * Output file: the outputs [windows][results][OUTPUTS], int16, then uint32 stack, the model's deepest use in bytes.
 */
#include "harness.h"
#include HEADER

#if defined __arm__ || defined __aarch64__
#define READ_STACK_POINTER "mov %0, sp"
#elif defined __riscv
#define READ_STACK_POINTER "mv %0, sp"
#elif defined __x86_64__
#define READ_STACK_POINTER "movq %%rsp, %0"
#else
#error "the harness does not know this processor's stack pointer"
#endif

#define NOINLINE __attribute__((noinline))
#define INLINE static inline __attribute__((always_inline))

enum { PAINT = 0x5AA5C33C, INPUTS = SIZE(_INPUTS), OUTPUTS = SIZE(_OUTPUTS) };

typedef MODEL(_input_t) input_t;
typedef MODEL(_output_t) output_t;

static MODEL(_state) state;
static volatile int mark;

/* An emulator counts what runs between these two outside of harness_infer. */
NOINLINE void harness_before(void)
{
    mark = 1;
}

NOINLINE void harness_after(void)
{
    mark = 2;
}

INLINE uintptr_t stack_pointer(void)
{
    uintptr_t top;
    __asm__ volatile(READ_STACK_POINTER : "=r"(top));
    return top & ~(uintptr_t)3;
}

/* Both in the frame of their caller, so that the painted words begin where the model's frames do. */
INLINE void paint(uintptr_t limit, uintptr_t top)
{
    for (uintptr_t at = top; at > limit;) {
        at -= 4;
        *(volatile uint32_t *)at = PAINT;
    }
}

INLINE size_t used(uintptr_t limit, uintptr_t top)
{
    uintptr_t at = limit;
    while (at < top && *(volatile uint32_t *)at == PAINT) {
        at += 4;
    }
    return at == limit ? SIZE_MAX : (size_t)(top - at);
}

/* Starts a stream; gives the stack that this took, 0 without `watch`. */
NOINLINE size_t harness_begin(int watch)
{
#if STEP_FORM
    const uintptr_t top = stack_pointer(), limit = harness_stack_limit(top);
    if (watch) {
        paint(limit, top);
    }
    MODEL(_reset)(&state);
    return watch ? used(limit, top) : 0;
#else
    return 0 & (size_t)watch;
#endif
}

/* One inference; gives the stack that it took, 0 without `watch`. */
NOINLINE size_t harness_infer(const input_t *x, size_t steps, output_t *y, int watch)
{
    const uintptr_t top = stack_pointer(), limit = harness_stack_limit(top);
    if (watch) {
        paint(limit, top);
    }
    harness_before();
#if STEP_FORM
    (void)steps;
    MODEL(_step)(&state, x, y);
#elif SIZE(_STREAMS)
    MODEL(_sequence)(&state, x, steps, y);
#else
    (void)steps;
    MODEL(_sequence)(&state, x, y);
#endif
    harness_after();
    return watch ? used(limit, top) : 0;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

int harness_run(void)
{
    uint32_t size[2]; /* windows, steps */
    if (!harness_read(size, sizeof size)) {
        return HARNESS_BAD_INPUT;
    }
#if STEP_FORM
    const size_t calls = size[1], frames = 1, results = 1;
#elif SIZE(_STREAMS)
    const size_t calls = 1, frames = size[1], results = SIZE(_EVERY_STEP) ? size[1] : 1;
#else
    const size_t calls = 1, frames = size[1], results = SIZE(_RESULTS);
#endif
    input_t *const x = harness_memory(frames * INPUTS * sizeof *x);
    output_t *const y = harness_memory(results * OUTPUTS * sizeof *y);
    if (x == NULL || y == NULL) {
        return HARNESS_NO_MEMORY;
    }
    size_t stack = 0;
    for (size_t window = 0; window < size[0]; window++) {
        const int watch = window == 0; /* no kernel recurses, and their frames do not depend on data */
        stack = larger(stack, harness_begin(watch));
        for (size_t call = 0; call < calls; call++) {
            if (!harness_read(x, frames * INPUTS * sizeof *x)) {
                return HARNESS_BAD_INPUT;
            }
            stack = larger(stack, harness_infer(x, frames, y, watch));
            if (!harness_write(y, results * OUTPUTS * sizeof *y)) {
                return HARNESS_BAD_OUTPUT;
            }
        }
    }
    const uint32_t deepest = (uint32_t)stack;
    if (stack == SIZE_MAX) {
        return HARNESS_DEEP_STACK;
    }
    return harness_write(&deepest, sizeof deepest) ? HARNESS_DONE : HARNESS_BAD_OUTPUT;
}
