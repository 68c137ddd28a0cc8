/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the kernels that have vector paths on random cases, the same ones everywhere, and tells of each case a hash of
 * what the kernel wrote. Two builds of this program agree where their kernels do.
 *
 * It needs no C library but on the host. Where memory can be protected, every operand ends where the process may
 * neither read nor write.
 */
#include "edgernn_runtime.h"

#define LINEAR_CASES 150
#define GATE_CASES 60

const char *run_paths(void);

static uint32_t state = 1;

/* Numerical Recipes' generator; its high bits are the good ones. */
static uint32_t any(void)
{
    state = state * 1664525u + 1013904223u;
    return state >> 8;
}

static int32_t between(int32_t low, int32_t high)
{
    const uint32_t first = any();
    return low + (int32_t)(((first << 12) ^ any()) % (uint32_t)(high - low + 1));
}

/* ---- memory ---- */

#define ROOM ((size_t)1 << 17) /* of whole pages, whatever their size */
#define OPERANDS 12

static struct {
    uint8_t usable[ROOM], beyond[ROOM];
} rooms[OPERANDS] __attribute__((aligned(65536)));
static size_t used;

/* `size` bytes at the end of the next room. */
static void *operand(size_t size)
{
    uint8_t *bytes = rooms[used++].usable + ROOM - size;
    for (size_t i = 0; i < size; i++) {
        bytes[i] = 0xA5;
    }
    return bytes;
}

static uint32_t hash(const void *data, size_t size, uint32_t h)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++) {
        h = (h ^ bytes[i]) * 16777619u; /* FNV-1a */
    }
    return h;
}

/* ---- what is told ---- */

static char text[1 << 17];
static size_t length;

static void tell(const char *words)
{
    while (*words != '\0') {
        text[length++] = *words++;
    }
}

static void tell_hexadecimal(uint32_t number)
{
    for (int bit = 28; bit >= 0; bit -= 4) {
        text[length++] = "0123456789abcdef"[number >> bit & 15];
    }
}

static void report(const char *kernel, int number, const void *data, size_t size)
{
    tell(kernel);
    tell(", case ");
    tell_hexadecimal((uint32_t)number);
    tell(": ");
    tell_hexadecimal(hash(data, size, 2166136261u));
    tell("\n");
}

/* ---- matrix products ---- */

/* The most extreme products and sums of every second case end at the int32_t's ends. */
typedef struct {
    size_t rows, columns;
    int extreme;
    int wide; /* x is int16_t */
    void *x;
    int8_t *sign; /* [rows], of an extreme case */
} task;

static void fill_x(task *t)
{
    const size_t size = t->wide ? 2 : 1;
    t->x = operand(t->columns * size);
    for (size_t c = 0; c < t->columns; c++) {
        if (t->wide) {
            ((int16_t *)t->x)[c] = (int16_t)(t->extreme ? between(0, 1) * 65535 - 32768 : between(-32768, 32767));
        } else {
            ((int8_t *)t->x)[c] = (int8_t)(t->extreme ? between(0, 1) * 255 - 128 : between(-128, 127));
        }
    }
}

static int32_t x_at(const task *t, size_t column)
{
    return t->wide ? ((int16_t *)t->x)[column] : ((int8_t *)t->x)[column];
}

/* Of an extreme case: what makes all products of a row as large as can be and of one sign. */
static int8_t draw_weight(const task *t, size_t row, size_t column)
{
    if (!t->extreme) {
        return (int8_t)between(-127, 127);
    }
    return (int8_t)(x_at(t, column) < 0 ? -127 * t->sign[row] : 127 * t->sign[row]);
}

/* `sum` is the row's sum of products without the bias, which takes an extreme one to the end of int32_t. */
static int32_t draw_bias(const task *t, size_t row, int64_t sum)
{
    if (!t->extreme) {
        return between(-1000000, 1000000);
    }
    return (int32_t)((t->sign[row] > 0 ? INT32_MAX : INT32_MIN) - sum);
}

static void fill_rows(const task *t, const int64_t *sum, const int64_t *weights, const int32_t **bias,
                      const int32_t **multiplier, const uint8_t **shift, int *left)
{
    int32_t *b = operand(t->rows * sizeof *b), *m = operand(t->rows * sizeof *m);
    uint8_t *s = operand(t->rows);
    const int common = between(1, 31);
    for (size_t r = 0; r < t->rows; r++) {
        const int32_t own = draw_bias(t, r, sum[r]);
        b[r] = t->wide ? own : (int32_t)ERNN_BIAS(own, (int32_t)weights[r]);
        m[r] = between(0, 7) == 0 ? INT32_MAX : between(0, INT32_MAX - 1);
        s[r] = (uint8_t)(between(0, 1) ? common : between(1, 31));
    }
    *bias = b, *multiplier = m, *shift = s;
    *left = between(0, 1) ? 0 : between(1, 30);
}

static int8_t signs[512];
static int64_t sums[512], row_weights[512];

static void begin_task(task *t, int number, int wide)
{
    used = 0;
    t->extreme = number % 3 == 0;
    t->wide = wide;
    t->sign = signs;
    for (size_t r = 0; r < 512; r++) {
        signs[r] = (int8_t)(between(0, 1) * 2 - 1);
        sums[r] = row_weights[r] = 0;
    }
}

static ernn_linear draw_linear(task *t, int number, int wide)
{
    begin_task(t, number, wide);
    t->rows = (size_t)(number % 10 == 0 ? between(1, 200) : between(1, 50));
    t->columns = (size_t)(number % 10 == 5 ? between(1, 300) : between(1, 50));
    fill_x(t);
    ernn_linear layer = {.rows = t->rows, .columns = t->columns};
    const size_t groups = (t->columns + 3) / 4, height = (t->rows + 3) / 4 * 4;
    int8_t *weight = operand(height * groups * 4);
    layer.weight = weight;
    for (size_t strip = 0; strip < height; strip += ERNN_STRIP) {
        const size_t of_strip = height - strip < ERNN_STRIP ? height - strip : ERNN_STRIP;
        for (size_t i = 0; i < groups * of_strip * 4; i++, weight++) {
            const size_t row = strip + i / 4 % of_strip, column = i / (of_strip * 4) * 4 + i % 4;
            const int there = row < t->rows && column < t->columns;
            *weight = there ? draw_weight(t, row, column) : 0;
            sums[row] += there ? *weight * (int64_t)x_at(t, column) : 0;
            row_weights[row] += *weight;
        }
    }
    fill_rows(t, sums, row_weights, &layer.bias, &layer.multiplier, &layer.shift, &layer.left);
    return layer;
}

static void draw_blocks(const task *t, ernn_sparse_linear *layer, int8_t *weight, uint8_t *place, uint16_t *count)
{
    const size_t per_row = t->columns / layer->block_columns, size = layer->block_rows * layer->block_columns;
    const int one_in = between(1, 5);
    for (size_t b = 0; b < t->rows / layer->block_rows; b++) {
        count[b] = 0;
        for (size_t p = 0; p < per_row; p++) {
            if (between(1, one_in) > 1) {
                continue;
            }
            count[b]++;
            *place++ = (uint8_t)p;
            for (size_t i = 0; i < size; i++, weight++) {
                const size_t row = b * layer->block_rows + i / layer->block_columns;
                const size_t column = p * layer->block_columns + i % layer->block_columns;
                *weight = draw_weight(t, row, column);
                sums[row] += *weight * (int64_t)x_at(t, column);
                row_weights[row] += *weight;
            }
        }
    }
}

/* The blocks lie at the end of their rooms, too: they are drawn twice, the first time to count them. */
static ernn_sparse_linear draw_sparse(task *t, int number, int wide)
{
    static const size_t heights[] = {16, 4, 16, 4, 1, 8, 2, 16}, widths[] = {4, 4, 4, 4, 1, 4, 3, 2};
    ernn_sparse_linear layer = {.block_rows = heights[number % 8], .block_columns = widths[number % 8]};
    begin_task(t, number, wide);
    layer.rows = t->rows = layer.block_rows * (size_t)between(1, (int32_t)(200 / layer.block_rows));
    layer.columns = t->columns = layer.block_columns * (size_t)between(1, 40);
    fill_x(t);
    const size_t rows = t->rows / layer.block_rows, blocks = rows * (t->columns / layer.block_columns);
    uint16_t *count = operand(rows * sizeof *count);
    const uint32_t again = state;
    const size_t before = used;
    int8_t *weight = operand(blocks * layer.block_rows * layer.block_columns);
    uint8_t *place = operand(blocks);
    draw_blocks(t, &layer, weight, place, count);
    size_t held = 0;
    for (size_t b = 0; b < rows; b++) {
        held += count[b];
    }
    for (size_t r = 0; r < t->rows; r++) {
        sums[r] = row_weights[r] = 0;
    }
    state = again;
    used = before;
    weight = operand(held * layer.block_rows * layer.block_columns);
    place = operand(held);
    draw_blocks(t, &layer, weight, place, count);
    layer.weight = weight, layer.place = place, layer.count = count;
    fill_rows(t, sums, row_weights, &layer.bias, &layer.multiplier, &layer.shift, &layer.left);
    return layer;
}

static int16_t *draw_work(const task *t)
{
    return operand((t->columns + 3) / 4 * 4 * sizeof(int16_t));
}

static void run_dense(int number)
{
    task t;
    ernn_linear layer = draw_linear(&t, number, 0);
    int16_t *y = operand(t.rows * 2);
    int8_t *narrow = operand(t.rows);
    int16_t *work = draw_work(&t);
    ernn_matvec_s8_s16(&layer, t.x, y, work);
    report("matvec_s8_s16", number, y, t.rows * 2);
    ernn_matvec_s8_s8(&layer, t.x, narrow, between(-128, 127), work);
    report("matvec_s8_s8", number, narrow, t.rows);

    layer = draw_linear(&t, number, 1);
    y = operand(t.rows * 2);
    narrow = operand(t.rows);
    work = draw_work(&t);
    ernn_matvec_s16_s16(&layer, t.x, y, work);
    report("matvec_s16_s16", number, y, t.rows * 2);
    ernn_matvec_s16_s8(&layer, t.x, narrow, between(-128, 127), work);
    report("matvec_s16_s8", number, narrow, t.rows);
}

static void run_sparse(int number)
{
    task t;
    ernn_sparse_linear layer = draw_sparse(&t, number, 0);
    int16_t *y = operand(t.rows * 2);
    int8_t *narrow = operand(t.rows);
    int16_t *work = draw_work(&t);
    ernn_matvec_sparse_s8_s16(&layer, t.x, y, work);
    report("matvec_sparse_s8_s16", number, y, t.rows * 2);
    ernn_matvec_sparse_s8_s8(&layer, t.x, narrow, between(-128, 127), work);
    report("matvec_sparse_s8_s8", number, narrow, t.rows);

    layer = draw_sparse(&t, number, 1);
    y = operand(t.rows * 2);
    narrow = operand(t.rows);
    work = draw_work(&t);
    ernn_matvec_sparse_s16_s16(&layer, t.x, y, work);
    report("matvec_sparse_s16_s16", number, y, t.rows * 2);
    ernn_matvec_sparse_s16_s8(&layer, t.x, narrow, between(-128, 127), work);
    report("matvec_sparse_s16_s8", number, narrow, t.rows);
}

/* ---- gates ---- */

static int16_t *draw_s16(size_t n)
{
    static const int16_t edges[] = {-32768, -32767, -1, 0, 1, 127, 128, 16384, 32639, 32640, 32767};
    const int spread = between(0, 15);
    int16_t *values = operand(n * sizeof *values);
    for (size_t i = 0; i < n; i++) {
        const int edge = between(0, 4) == 0;
        values[i] = (int16_t)(edge ? edges[between(0, 10)] : between(-32768, 32767) / (1 << spread));
    }
    return values;
}

static int draw_shift(void)
{
    return between(0, 1) ? 0 : between(1, 15);
}

static void run_gates(int number)
{
    const size_t n = (size_t)between(1, 40);
    used = 0;
    const int16_t *from_x = draw_s16(3 * n), *from_h = draw_s16(3 * n), *g_from_x = draw_s16(n);
    const int16_t *g_from_h = draw_s16(n), *old = draw_s16(n);
    int16_t *next = operand(2 * n), *h_next = operand(2 * n);
    const int shift = draw_shift(), g_shift = draw_shift(), bits = between(1, 30);
    ernn_gru_s16(from_x + n, from_h + n, g_from_x, g_from_h, old, next, n, shift, bits, g_shift);
    report("gru_s16", number, next, 2 * n);
    const int new_bits = between(1, 30), c_shift = draw_shift(), tanh_shift = between(-15, 15);
    const int h_bits = between(1, 30);
    ernn_lstm_s16(from_x, from_h, g_from_x, g_from_h, old, next, h_next, n, shift, g_shift, bits, new_bits, c_shift,
                  tanh_shift, h_bits);
    report("lstm_s16 c", number, next, 2 * n);
    report("lstm_s16 h", number, h_next, 2 * n);
    int8_t *narrow = operand(n);
    ernn_requantize_s16_s8(old, narrow, n, between(1, 15));
    report("requantize_s16_s8", number, narrow, n);
}

static void run_activations(void)
{
    used = 0;
    int16_t *x = operand(65536 * sizeof *x), *y = operand(65536 * sizeof *y);
    for (int32_t i = 0; i < 65536; i++) {
        x[i] = (int16_t)(i - 32768);
    }
    for (int part = 0; part < 16; part++) {
        const size_t n = (size_t)(4096 - part % 8);
        ernn_sigmoid_s16(x + part * 4096, y, 4096);
        report("sigmoid_s16", part, y, 4096 * sizeof *y);
        ernn_tanh_s16(x + part * 4096, y, 4096);
        report("tanh_s16", part, y, 4096 * sizeof *y);
        ernn_tanh_s16(x + 65536 - n, y + 65536 - n, n);
        report("tanh_s16 at the end", part, y + 65536 - n, n * sizeof *y);
    }
}

/* ---- machines ---- */

#if defined(__wasm__)

static void protect(void *memory)
{
    (void)memory;
}

#elif __STDC_HOSTED__

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static void protect(void *memory)
{
    if (mprotect(memory, ROOM, PROT_NONE) != 0) {
        exit(2);
    }
}

int main(void)
{
    return fputs(run_paths(), stdout) < 0;
}

#else /* Linux on Arm, by system calls */

#ifdef __aarch64__
enum { WRITE = 64, EXIT = 93, MPROTECT = 226 };
#else
enum { WRITE = 4, EXIT = 1, MPROTECT = 125 };
#endif

static intptr_t call(intptr_t number, intptr_t a, intptr_t b, intptr_t c)
{
#ifdef __aarch64__
    register intptr_t n __asm__("x8") = number, first __asm__("x0") = a;
    register intptr_t second __asm__("x1") = b, third __asm__("x2") = c;
#else
    register intptr_t n __asm__("r7") = number, first __asm__("r0") = a;
    register intptr_t second __asm__("r1") = b, third __asm__("r2") = c;
#endif
    __asm__ volatile("svc #0" : "+r"(first) : "r"(n), "r"(second), "r"(third) : "memory");
    return first;
}

static void protect(void *memory)
{
    if (call(MPROTECT, (intptr_t)memory, ROOM, 0) != 0) {
        call(EXIT, 2, 0, 0);
    }
}

void _start(void);

void _start(void)
{
    const char *told = run_paths();
    call(EXIT, call(WRITE, 1, (intptr_t)told, (intptr_t)length) != (intptr_t)length, 0, 0);
}

#endif

const char *run_paths(void)
{
    for (size_t i = 0; i < OPERANDS; i++) {
        protect(rooms[i].beyond);
    }
    for (int number = 0; number < LINEAR_CASES; number++) {
        run_dense(number);
        run_sparse(number);
    }
    for (int number = 0; number < GATE_CASES; number++) {
        run_gates(number);
    }
    run_activations();
    return text;
}
