/* SPDX-License-Identifier: Apache-2.0 */
/* From reset to main: the stack and RAM as C expects it. */
#include <stdint.h>

extern uint32_t data_from[], data_start[], data_end[], bss_start[], bss_end[]; /* of virt.ld */

int main(void);
void reset(void);
void prepare(void);

__attribute__((section(".reset"), naked, used)) void reset(void)
{
    __asm__(".option push\n"
            ".option norelax\n" /* gp is not there yet */
            "la gp, __global_pointer$\n"
            ".option pop\n"
            "la sp, stack_top\n"
            "j prepare");
}

void prepare(void)
{
    for (volatile uint32_t *to = data_start, *from = data_from; to < data_end;) {
        *to++ = *from++;
    }
    for (volatile uint32_t *to = bss_start; to < bss_end;) {
        *to++ = 0;
    }
    main();
    for (;;) {
    }
}
