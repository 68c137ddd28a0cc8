"""Long short-term memory.

    i, f, o = sigmoid(W x + U h + b)    input, forget and output gate
    g = tanh(Wg x + Ug h + bg)
    c' = f * c + i * g
    h' = o * tanh(c')

Hochreiter and Schmidhuber 1997; the forget gate is that of Gers et al. 2000.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgernn.kinds import CellOptions, StateSize, Weight
from edgernn.program import Builder, Value

KERAS = "LSTM"
GATES = ("i", "f", "g", "o")


class Options(CellOptions):
    """Options of an LSTM."""


def outputs(inputs: int, options: Options) -> int:
    return options.units


def weights(inputs: int, options: Options) -> tuple[Weight, ...]:
    """Kernel, recurrent kernel and bias; gates in the order i, f, g, o."""
    gates = 4 * options.units
    kernels = (
        Weight("kernel", (inputs, gates), "glorot_uniform"),
        Weight("recurrent_kernel", (options.units, gates), "orthogonal"),
    )
    return (*kernels, Weight("bias", (gates,), "forget_one")) if options.bias else kernels


def keras_options(options: Options) -> dict[str, Any]:
    return {"units": options.units, "use_bias": options.bias}


def constants(weights: Any, options: Options, xp: Any = np) -> dict[str, Any]:
    """Matrices are [rows, inputs]; the three gates that are sigmoids are one product."""
    found: dict[str, Any] = {}
    names = ("kernel", "recurrent_kernel", "bias")
    for name, weight in zip(names, weights, strict=False):
        i, f, g, o = xp.split(xp.transpose(weight), 4)
        found |= {f"{name}_ifo": xp.concatenate([i, f, o]), f"{name}_g": g}
    return found


def states(inputs: int, options: Options) -> tuple[StateSize, ...]:
    return StateSize("h", options.units, bounds=(-1.0, 1.0)), StateSize("c", options.units)


def step(
    builder: Builder, x: Value, states: tuple[Value, ...], options: Options
) -> tuple[Value, tuple[Value, ...]]:
    h, c = states
    units, bias = options.units, options.bias
    gates = builder.add(
        builder.matvec("kernel_ifo", x, 3 * units, bias="bias_ifo" if bias else "", name="ifo_from_x"),
        builder.matvec("recurrent_kernel_ifo", h, 3 * units, name="ifo_from_h"),
    )
    i, f, o = builder.split(builder.sigmoid(gates, name="ifo"), 3)
    candidate = builder.add(
        builder.matvec("kernel_g", x, units, bias="bias_g" if bias else "", name="g_from_x"),
        builder.matvec("recurrent_kernel_g", h, units, name="g_from_h"),
    )
    g = builder.tanh(candidate, name="g")
    memory = builder.add(builder.mul(f, c, name="kept"), builder.mul(i, g, name="new"), name="c_next")
    result = builder.mul(o, builder.tanh(memory, name="c_tanh"), name="h_next")
    return result, (result, memory)
