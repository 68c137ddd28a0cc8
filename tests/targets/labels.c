/* Prints the labels, each ended by a zero byte. */
#include <stdio.h>

#include "model.h"

int main(void)
{
    for (int i = 0; i < MODEL_LABELS; i++) {
        fputs(model_labels[i], stdout);
        fputc(0, stdout);
    }
    return 0;
}
