"""Layer normalisation: y = gamma (x - mean) / sqrt(variance + epsilon) + beta. Ba et al. 2016, arXiv:1607.06450."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgernn.kinds import StateSize, Weight
from edgernn.program import EPSILON, Builder, Value
from edgernn.section import Section

KERAS = "LayerNormalization"
GATES = ("",)


class Options(Section):
    """Layer normalisation has no options."""


def outputs(inputs: int, options: Options) -> int:
    return inputs


def weights(inputs: int, options: Options) -> tuple[Weight, ...]:
    return Weight("gamma", (inputs,), "ones"), Weight("beta", (inputs,), "zeros")


def keras_options(options: Options) -> dict[str, Any]:
    return {"epsilon": EPSILON}


def constants(weights: Any, options: Options, xp: Any = np) -> dict[str, Any]:
    return {"gamma": weights[0], "beta": weights[1]}


def states(inputs: int, options: Options) -> tuple[StateSize, ...]:
    return ()


def step(
    builder: Builder, x: Value, states: tuple[Value, ...], options: Options
) -> tuple[Value, tuple[Value, ...]]:
    scaled = builder.mul(builder.normalize(x, name="normal"), builder.constant("gamma", x.size, name="scale"))
    return builder.add(scaled, builder.constant("beta", x.size, name="shift"), name="output"), ()
