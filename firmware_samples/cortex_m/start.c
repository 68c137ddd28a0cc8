/* SPDX-License-Identifier: Apache-2.0 */
/* From reset to main: the vectors, RAM as C expects it, and the floating point unit. */
#include <stdint.h>

extern uint32_t data_from[], data_start[], data_end[], bss_start[], bss_end[], stack_top[]; /* mps2_an386.ld */

int main(void);
void reset(void);

static void stop(void)
{
    for (;;) {
    }
}

void reset(void)
{
    *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20; /* CPACR: coprocessors 10 and 11, the FPU, before any float */
    __asm__ volatile("dsb\n isb" ::: "memory");
    for (volatile uint32_t *to = data_start, *from = data_from; to < data_end;) {
        *to++ = *from++;
    }
    for (volatile uint32_t *to = bss_start; to < bss_end;) {
        *to++ = 0;
    }
    main();
    stop();
}

struct vectors {
    const void *stack;
    void (*handlers[15])(void);
};

__attribute__((section(".vectors"), used)) static const struct vectors vectors = {
    stack_top, {reset, stop, stop, stop, stop, stop, 0, 0, 0, 0, stop, stop, 0, stop, stop},
};
