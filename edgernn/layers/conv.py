"""Causal convolution over time, with a stride: y = activation(W [last `kernel` frames] + b).

With a stride of s the layer gives one frame for every s that it takes: that of step t reads the frames up to
(t + 1) s - 1, which are all there when it is made. With s = 1 this is Keras's Conv1D with causal padding; with
more it is that layer without padding behind ZeroPadding1D((kernel - s, 0)).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from edgernn.kinds import StateSize, Units, Weight, activate
from edgernn.layers import batch_norm
from edgernn.program import Builder, Value
from edgernn.section import Flag, Section, Whole

KERAS = "Conv1D"
GATES = ("",)


class Options(Section):
    """Options of a causal convolution."""

    units: Units
    kernel: Annotated[Whole, Field(gt=0, le=256)]  # frames
    stride: Annotated[Whole, Field(gt=0, le=64)] = 1  # frames
    activation: Literal["linear", "relu", "sigmoid", "tanh"] = "linear"
    bias: Flag = True
    batch_norm: Flag = False


def outputs(inputs: int, options: Options) -> int:
    return options.units


def weights(inputs: int, options: Options) -> tuple[Weight, ...]:
    """Kernel, bias, and what belongs to batch normalisation."""
    return (
        Weight("kernel", (options.kernel, inputs, options.units), "glorot_uniform"),
        *((Weight("bias", (options.units,), "zeros"),) if options.bias else ()),
        *(batch_norm.weights(options.units) if options.batch_norm else ()),
    )


def keras_options(options: Options) -> dict[str, Any]:
    return {
        "filters": options.units,
        "kernel_size": options.kernel,
        "strides": options.stride,
        "use_bias": options.bias,
        "activation": options.activation,
    }


def constants(weights: Any, options: Options, xp: Any = np) -> dict[str, Any]:
    """The kernel is [units, frames x inputs], the oldest frame first."""
    kernel = xp.reshape(weights[0], (-1, options.units))
    bias = weights[1] if options.bias else None
    if options.batch_norm:
        none = xp.zeros_like(weights[-1])
        kernel, bias = batch_norm.folded(kernel, none if bias is None else bias, weights[-4:], xp)
    return {"kernel": xp.transpose(kernel)} | ({} if bias is None else {"bias": bias})


def states(inputs: int, options: Options) -> tuple[StateSize, ...]:
    """The frames that the next steps read again."""
    kept = options.kernel - options.stride
    return (StateSize("frames", kept * inputs),) if kept > 0 else ()


def step(
    builder: Builder, x: Value, states: tuple[Value, ...], options: Options
) -> tuple[Value, tuple[Value, ...]]:
    """`x` are the `stride` frames of a step, the oldest first."""
    inputs = x.size // options.stride
    read = options.kernel * inputs
    window = builder.concat((*states, x), name="window")
    if window.size > read:
        window = builder.slice(window, window.size - read, read)
    bias = "bias" if options.bias or options.batch_norm else ""
    linear = options.activation == "linear"
    product = builder.matvec("kernel", window, options.units, bias=bias, name="output" if linear else "sum")
    kept = tuple(builder.slice(window, read - s.size, s.size, name="frames_next") for s in states)
    return activate(builder, product, options.activation, name="output"), kept
