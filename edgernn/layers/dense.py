"""Dense layer: y = activation(W x + b), with batch normalisation before the activation if asked."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgernn.kinds import Activation, StateSize, Units, Weight, activate
from edgernn.layers import batch_norm
from edgernn.program import Builder, Value
from edgernn.section import Flag, Section

KERAS = "Dense"
GATES = ("",)


class Options(Section):
    """Options of a dense layer; `units` may be left out of the last layer, which has one unit a class."""

    units: Units | None = None
    activation: Activation = "linear"
    bias: Flag = True
    batch_norm: Flag = False


def outputs(inputs: int, options: Options) -> int:
    if options.units is None:
        raise ValueError("a dense layer of a network has units")
    return options.units


def weights(inputs: int, options: Options) -> tuple[Weight, ...]:
    """Kernel, bias, and what belongs to batch normalisation."""
    units = outputs(inputs, options)
    return (
        Weight("kernel", (inputs, units), "glorot_uniform"),
        *((Weight("bias", (units,), "zeros"),) if options.bias else ()),
        *(batch_norm.weights(units) if options.batch_norm else ()),
    )


def keras_options(options: Options) -> dict[str, Any]:
    return {"units": options.units, "use_bias": options.bias, "activation": options.activation}


def constants(weights: Any, options: Options, xp: Any = np) -> dict[str, Any]:
    """The kernel is [units, inputs]."""
    kernel, bias = weights[0], weights[1] if options.bias else None
    if options.batch_norm:
        none = xp.zeros_like(weights[-1])
        kernel, bias = batch_norm.folded(kernel, none if bias is None else bias, weights[-4:], xp)
    return {"kernel": xp.transpose(kernel)} | ({} if bias is None else {"bias": bias})


def states(inputs: int, options: Options) -> tuple[StateSize, ...]:
    return ()


def step(
    builder: Builder, x: Value, states: tuple[Value, ...], options: Options
) -> tuple[Value, tuple[Value, ...]]:
    bias = "bias" if options.bias or options.batch_norm else ""
    linear = options.activation == "linear"
    product = builder.matvec("kernel", x, outputs(x.size, options), bias=bias, name="output" if linear else "sum")
    return activate(builder, product, options.activation, name="output"), ()
