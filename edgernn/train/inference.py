"""The float network as Keras runs it: the outside evidence for the reference, and the line for latency."""

from __future__ import annotations

import time

import numpy as np

from edgernn.features import normalize
from edgernn.metric import final
from edgernn.network import Network
from edgernn.train import models
from edgernn.train.backend import OPERATORS, tf

BATCH = 256  # windows a call; bounds the memory
WARM_UP = 10  # calls before the first timed one; the very first one traces the graph


def outputs(network: Network, x: np.ndarray, ends: np.ndarray | None = None) -> np.ndarray:
    """Outputs after the last step, float32 [windows, outputs], for raw windows [windows, steps, inputs].

    With `ends` [windows], after that step of each, of a network that gives the result of every step. Of what comes
    next after every step, all outputs, [windows, steps, outputs].
    """
    model = models.sequence_model(network)
    frames = normalize.apply(x, network.mean, network.std)
    parts = [model(frames[start : start + BATCH], training=False) for start in range(0, len(frames), BATCH)]
    whole = np.concatenate([np.zeros((0, *parts[0].shape[1:]) if parts else (0, network.outputs)), *parts])
    found = whole.astype(np.float32)
    return found if network.task == "next" else final(found, ends)


def latency(network: Network, x: np.ndarray, runs: int) -> tuple[list[float], int]:
    """Microseconds of each of `runs` calls with one raw window of `x` [windows, steps, inputs], and the threads."""
    model = models.sequence_model(network)
    call = tf.function(lambda frames: model(frames, training=False))
    windows = [tf.constant(frame[None]) for frame in normalize.apply(x, network.mean, network.std)]
    for index in range(WARM_UP):
        call(windows[index % len(windows)])
    return [_microseconds(call, windows[index % len(windows)]) for index in range(runs)], OPERATORS


def _microseconds(call: tf.types.experimental.PolymorphicFunction, window: tf.Tensor) -> float:
    start = time.perf_counter_ns()
    call(window).numpy()  # to NumPy: waits for the result
    return (time.perf_counter_ns() - start) / 1000
