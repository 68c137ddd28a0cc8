"""TensorFlow and tf_keras, imported without their banner and set up so that equal inputs give equal bytes.

One thread an operator and one operator at a time, on the CPU: the networks are so small that more threads
make a step slower (GRU 48, 100 steps, 64 windows: 15.5 ms with one thread, 19.3 ms with two), and a fixed
number makes the order of every sum the same on machines with any number of cores. XLA stays off: it makes the
same step a hundred times slower.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

THREADS = 1


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


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only: what can be mended is raised in Python

with _silent_stderr():
    import tensorflow as tf
    import tf_keras as keras

    tf.config.experimental.enable_op_determinism()
    with suppress(RuntimeError):  # a program that used TensorFlow before edgernn has settled these already
        tf.config.set_visible_devices([], "GPU")
        tf.config.threading.set_intra_op_parallelism_threads(THREADS)
        tf.config.threading.set_inter_op_parallelism_threads(THREADS)
    tf.get_logger().setLevel("ERROR")  # it warns of a tracing for each length of a batch, of which there are few
    tf.constant(0)  # starts the runtime, which has a banner of its own

__all__ = ["THREADS", "keras", "tf"]
