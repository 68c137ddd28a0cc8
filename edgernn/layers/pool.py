"""Pooling over time: the last, the mean or the largest of the frames since the start of the stream.

The mean is attention with equal scores (see `edgernn.layers.attention`). In a long stream of integers its
memory is bounded: after some 2,000 steps it becomes an average that forgets.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from edgernn.kinds import StateSize, Weight
from edgernn.layers import attention
from edgernn.program import Builder, Value
from edgernn.section import Section

KERAS = ""
GATES = ("",)
LOWEST = -1e30  # below anything that is pooled


class Options(Section):
    """Options of pooling."""

    over: Literal["last", "mean", "max"] = "mean"


def outputs(inputs: int, options: Options) -> int:
    return inputs


def weights(inputs: int, options: Options) -> tuple[Weight, ...]:
    return ()


def keras_options(options: Options) -> dict[str, Any]:
    return {}


def constants(weights: Any, options: Options, xp: Any = np) -> dict[str, Any]:
    return {}


def states(inputs: int, options: Options) -> tuple[StateSize, ...]:
    if options.over == "max":
        return (StateSize("largest", inputs, initial=LOWEST),)
    return attention.memory(inputs) if options.over == "mean" else ()


def step(
    builder: Builder, x: Value, states: tuple[Value, ...], options: Options
) -> tuple[Value, tuple[Value, ...]]:
    if options.over == "max":
        largest = builder.max(states[0], x, name="largest_next")
        return largest, (largest,)
    return attention.remember(builder, x, states) if options.over == "mean" else (x, ())
