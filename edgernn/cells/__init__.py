"""Recurrent layers. A cell is one module with the following names, and one line in `CELLS`.

`Options` are what a recipe says of it, `outputs(inputs, options)` the size of its result, `GATES` the gates whose
rows follow each other in its Keras kernels. `weights(inputs, options)` are its weights in Keras's order and layout;
`constants(weights, options, xp)` turns them into the constants of its step program, with NumPy's functions or
those of `tf.experimental.numpy`. `states(inputs, options)` are what it keeps from step to step, and
`step(builder, x, states, options)` emits the program: its result and the next states.

`KERAS` is the name of the Keras layer that trains it and `keras_options(options)` that layer's arguments; without a
layer of its own in Keras (`KERAS` is empty) training runs the step program itself.
"""

from edgernn.cells import fast_grnn, gru, lstm, simple_rnn

CELLS = {"simple_rnn": simple_rnn, "gru": gru, "lstm": lstm, "fast_grnn": fast_grnn}
