"""Recurrent layers. A cell is one module with four things, and one line in `CELLS`.

`KERAS` is the name of the Keras layer that trains it; `shapes(inputs, units)` gives the shapes of its weights, in
Keras's order and layout; `constants(weights)` turns those weights into the constants of its step program;
`step(builder, x, units)` emits the program.
"""

from edgernn.cells import gru

CELLS = {"gru": gru}
