"""TensorFlow and tf_keras, imported without their banner and set up so that equal inputs give equal bytes.

One thread an operator, on the CPU: a fixed number makes the order of every sum the same on machines with any
number of cores, and the networks are so small that more threads make a step slower (GRU 48, 100 steps, 64 windows:
15.5 ms with one thread, 19.3 ms with two). Operators that do not wait for each other run beside each other, which
changes no sum: the two products of a cell, and in the way back those of its inputs and of its weights. oneDNN,
which TensorFlow leaves off on processors without AVX512_VNNI or AMX, multiplies twice as fast there. On two cores
of an AMD EPYC, ms a batch of the LSTM of 256 units of `text_generation`, the GRU of 72 of `keyword_spotting` and
the GRU of 24 of `fraud`:

    one operator at a time    2,097    32.5    4.8
    two                       1,479    26.3    3.4
    two, with oneDNN          1,040    26.4    3.4
    two threads each, oneDNN    983    25.9      -

XLA stays off: it makes the same step a hundred times slower.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

OPERATORS = 2  # at the same time, each on one thread


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Hold back what C++ code writes to the standard error; shown only if the body fails."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(saved, held.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only: what can be mended is raised in Python

with _silent_stderr():
    import tensorflow as tf
    import tf_keras as keras

    tf.config.experimental.enable_op_determinism()
    with suppress(RuntimeError):  # a program that used TensorFlow before edgernn has settled these already
        tf.config.set_visible_devices([], "GPU")
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(OPERATORS)
    tf.get_logger().setLevel("ERROR")  # a batch of another length is another trace, which needs no warning
    tf.constant(0)  # starts the runtime, which has a banner of its own

__all__ = ["OPERATORS", "keras", "tf"]
