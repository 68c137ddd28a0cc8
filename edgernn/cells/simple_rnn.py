"""Simple recurrent layer: h' = activation(W x + U h + b). Elman 1990."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from edgernn.kinds import CellOptions, StateSize, Weight, activate
from edgernn.program import Builder, Value

KERAS = "SimpleRNN"
GATES = ("",)


class Options(CellOptions):
    """Options of a simple recurrent layer."""

    activation: Literal["tanh", "relu"] = "tanh"


def outputs(inputs: int, options: Options) -> int:
    return options.units


def weights(inputs: int, options: Options) -> tuple[Weight, ...]:
    """Kernel, recurrent kernel and bias."""
    kernels = (
        Weight("kernel", (inputs, options.units), "glorot_uniform"),
        Weight("recurrent_kernel", (options.units, options.units), "orthogonal"),
    )
    return (*kernels, Weight("bias", (options.units,), "zeros")) if options.bias else kernels


def keras_options(options: Options) -> dict[str, Any]:
    return {"units": options.units, "use_bias": options.bias, "activation": options.activation}


def constants(weights: Any, options: Options, xp: Any = np) -> dict[str, Any]:
    """Matrices are [units, inputs]."""
    names = ("kernel", "recurrent_kernel", "bias")
    return {name: xp.transpose(weight) for name, weight in zip(names, weights, strict=False)}


def states(inputs: int, options: Options) -> tuple[StateSize, ...]:
    return (StateSize("h", options.units, bounds=(-1.0, 1.0) if options.activation == "tanh" else None),)


def step(
    builder: Builder, x: Value, states: tuple[Value, ...], options: Options
) -> tuple[Value, tuple[Value, ...]]:
    (h,) = states
    from_x = builder.matvec("kernel", x, options.units, bias="bias" if options.bias else "", name="from_x")
    from_h = builder.matvec("recurrent_kernel", h, options.units, name="from_h")
    following = activate(builder, builder.add(from_x, from_h), options.activation, name="h_next")
    return following, (following,)
