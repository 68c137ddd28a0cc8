/* SPDX-License-Identifier: Apache-2.0 */
/* From reset to harness_main: the stack, RAM as C expects it, and the floating point unit. */
#include <stdint.h>

extern uint32_t harness_stack_top[], harness_data_from[], harness_data[], harness_data_end[], harness_bss[],
    harness_bss_end[]; /* of the linker script */

_Noreturn void harness_main(void);
_Noreturn void harness_fault(void);
_Noreturn void harness_prepare(void);
void harness_reset(void);

void harness_prepare(void)
{
    for (volatile uint32_t *to = harness_data, *from = harness_data_from; to < harness_data_end;) {
        *to++ = *from++;
    }
    for (volatile uint32_t *to = harness_bss; to < harness_bss_end;) {
        *to++ = 0;
    }
    harness_main();
}

#if defined __arm__
void harness_reset(void)
{
#if __ARM_FP || __ARM_FEATURE_MVE
    *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20; /* CPACR: coprocessors 10 and 11 */
    __asm__ volatile("dsb\n isb" ::: "memory");
#endif
    harness_prepare();
}

/* Where the stack begins, then the handlers: reset, NMI, hard fault, and the faults that end there unless they are
 * enabled. */
__attribute__((section(".harness.vectors"), used)) static const struct {
    uint32_t *stack;
    void (*handlers[15])(void);
} vectors = {
    harness_stack_top,
    {harness_reset, harness_fault, harness_fault, harness_fault, harness_fault, harness_fault, harness_fault},
};
#else
__attribute__((section(".harness.vectors"), naked, used)) void harness_reset(void)
{
    __asm__(".option push\n"
            ".option norelax\n"
            ".option arch, +zicsr\n"
            "la gp, __global_pointer$\n"
            "la sp, harness_stack_top\n"
            "la t0, harness_trap\n"
            "csrw mtvec, t0\n"
            ".option pop\n"
            "j harness_prepare\n"
            ".balign 4\n" /* mtvec's lowest bits are a mode */
            "harness_trap:\n"
            "j harness_fault");
}
#endif
