#include "tiny.h"

static const int8_t weights[100] = {7, 1, 2, 3}; /* 100 bytes of constants */
static const int8_t unused[1000] = {1};          /* no function that is called reads it */
static volatile int32_t data[2] = {1, 2};        /* 8 bytes of data */
static volatile int32_t bss[10];                 /* 40 bytes of bss */

void tiny_reset(tiny_state *s)
{
    s->h[0] = weights[(uint32_t)data[0] % 4];
    s->h[1] = (int16_t)bss[data[1]];
}

int tiny_not_called(int i)
{
    return unused[i];
}

void tiny_sequence(tiny_state *s, const tiny_input_t *x, size_t steps, tiny_output_t *y)
{
    tiny_reset(s);
    for (size_t t = 0; t < steps; t++) {
        tiny_step(s, x + t, y + t);
    }
}

/* y[0] = h[0] + x[0], with 400 bytes of stack and 10 rounds of 2 instructions. */
#if defined __arm__ /* 3 + 10 * 2 + 7 = 30 instructions */
__asm__(".syntax unified\n"
        ".section .text.tiny_step,\"ax\",%progbits\n"
        ".thumb\n"
        ".global tiny_step\n"
        ".thumb_func\n"
        ".type tiny_step, %function\n"
        "tiny_step:\n"
        "sub sp, #400\n"
        "movs r3, #10\n"
        "str r3, [sp]\n"
        "1:\n"
        "subs r3, #1\n"
        "bne 1b\n"
        "movs r3, #0\n"
        "ldrsh r0, [r0, r3]\n"
        "ldrsb r1, [r1, r3]\n"
        "adds r0, r0, r1\n"
        "strh r0, [r2]\n"
        "add sp, #400\n"
        "bx lr\n"
        ".size tiny_step, . - tiny_step\n"
        ".text\n");
#elif defined __riscv /* 3 + 10 * 2 + 6 = 29 instructions */
__asm__(".section .text.tiny_step,\"ax\",@progbits\n"
        ".global tiny_step\n"
        ".type tiny_step, @function\n"
        "tiny_step:\n"
        "addi sp, sp, -400\n"
        "li a3, 10\n"
        "sw a3, 0(sp)\n"
        "1:\n"
        "addi a3, a3, -1\n"
        "bnez a3, 1b\n"
        "lh a0, 0(a0)\n"
        "lb a1, 0(a1)\n"
        "add a0, a0, a1\n"
        "sh a0, 0(a2)\n"
        "addi sp, sp, 400\n"
        "ret\n"
        ".size tiny_step, . - tiny_step\n"
        ".text\n");
#elif defined __aarch64__ /* 3 + 10 * 2 + 6 = 29 instructions */
__asm__(".section .text.tiny_step,\"ax\",@progbits\n"
        ".global tiny_step\n"
        ".type tiny_step, @function\n"
        "tiny_step:\n"
        "sub sp, sp, #400\n"
        "mov w3, #10\n"
        "str w3, [sp]\n"
        "1:\n"
        "subs w3, w3, #1\n"
        "b.ne 1b\n"
        "ldrsh w0, [x0]\n"
        "ldrsb w1, [x1]\n"
        "add w0, w0, w1\n"
        "strh w0, [x2]\n"
        "add sp, sp, #400\n"
        "ret\n"
        ".size tiny_step, . - tiny_step\n"
        ".text\n");
#else
void tiny_step(tiny_state *s, const tiny_input_t x[TINY_INPUTS], tiny_output_t y[TINY_OUTPUTS])
{
    volatile int8_t stack[400];
    for (int i = 0; i < 400; i++) {
        stack[i] = x[0];
    }
    y[0] = (int16_t)(s->h[0] + stack[0]);
}
#endif
