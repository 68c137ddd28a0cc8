/* Two models in one C++ program; they are exported from the same network and so must agree. */
#include "edgernn_runtime.h"
#include "one.h"
#include "two.h"

int main()
{
    static_assert(sizeof(one_state) == ONE_STATE_BYTES, "the caller's state is what the header says");
    const float frame[ONE_INPUTS] = {};
    one_state s;
    two_state t;
    one_input_t x[ONE_INPUTS];
    one_output_t y[ONE_OUTPUTS], z[TWO_OUTPUTS];
    one_quantize_input(frame, x);
    one_reset(&s);
    two_reset(&t);
    for (int i = 0; i < 5; i++) {
        one_step(&s, x, y);
        two_step(&t, x, z);
    }
    for (int i = 0; i < ONE_OUTPUTS; i++) {
        if (y[i] != z[i]) {
            return 1;
        }
    }
    return 0;
}
