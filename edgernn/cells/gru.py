"""Gated recurrent unit.

    z = sigmoid(Wz x + Uz h + bz)                update gate
    r = sigmoid(Wr x + Ur h + br)                reset gate
    g = tanh(Wg x + bg + r * (Ug h + cg))        with reset_after, Keras's default (ONNX linear_before_reset=1)
    g = tanh(Wg x + bg + Ug (r * h))             without
    h' = g + z * (h - g)

Cho et al. 2014, arXiv:1406.1078; the variant with the reset after the product is that of cuDNN.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgernn.kinds import CellOptions, StateSize, Weight
from edgernn.program import Builder, Value
from edgernn.section import Flag

KERAS = "GRU"
GATES = ("z", "r", "g")


class Options(CellOptions):
    """Options of a GRU."""

    reset_after: Flag = True  # the reset gate acts after the recurrent product, as in cuDNN and Keras


def outputs(inputs: int, options: Options) -> int:
    return options.units


def weights(inputs: int, options: Options) -> tuple[Weight, ...]:
    """Kernel, recurrent kernel and, with bias, its one or two rows; gates in the order z, r, g."""
    gates = 3 * options.units
    bias = Weight("bias", (2, gates) if options.reset_after else (gates,), "zeros")
    kernels = (
        Weight("kernel", (inputs, gates), "glorot_uniform"),
        Weight("recurrent_kernel", (options.units, gates), "orthogonal"),
    )
    return (*kernels, bias) if options.bias else kernels


def keras_options(options: Options) -> dict[str, Any]:
    return {"units": options.units, "use_bias": options.bias, "reset_after": options.reset_after}


def constants(weights: Any, options: Options, xp: Any = np) -> dict[str, Any]:
    """Matrices are [rows, inputs]; z and r are one product, whose two biases are one sum."""
    kernel, recurrent_kernel = xp.transpose(weights[0]), xp.transpose(weights[1])
    own = 2 * options.units
    found = {
        "kernel_zr": kernel[:own],
        "kernel_g": kernel[own:],
        "recurrent_kernel_zr": recurrent_kernel[:own],
        "recurrent_kernel_g": recurrent_kernel[own:],
    }
    if not options.bias:
        return found
    if not options.reset_after:
        return found | {"bias_zr": weights[2][:own], "bias_g": weights[2][own:]}
    bias, recurrent_bias = weights[2][0], weights[2][1]
    return found | {
        "bias_zr": bias[:own] + recurrent_bias[:own],
        "bias_g": bias[own:],
        "recurrent_bias_g": recurrent_bias[own:],
    }


def states(inputs: int, options: Options) -> tuple[StateSize, ...]:
    return (StateSize("h", options.units, bounds=(-1.0, 1.0)),)


def step(
    builder: Builder, x: Value, states: tuple[Value, ...], options: Options
) -> tuple[Value, tuple[Value, ...]]:
    (h,) = states
    units, bias = options.units, options.bias
    gates = builder.add(
        builder.matvec("kernel_zr", x, 2 * units, bias="bias_zr" if bias else "", name="zr_from_x"),
        builder.matvec("recurrent_kernel_zr", h, 2 * units, name="zr_from_h"),
    )
    z, r = builder.split(builder.sigmoid(gates, name="zr"), 2)
    from_x = builder.matvec("kernel_g", x, units, bias="bias_g" if bias else "", name="g_from_x")
    if options.reset_after:
        from_h = builder.matvec(
            "recurrent_kernel_g", h, units, bias="recurrent_bias_g" if bias else "", name="g_from_h"
        )
        reset = builder.mul(r, from_h)
    else:
        reset = builder.matvec("recurrent_kernel_g", builder.mul(r, h, name="rh"), units, name="g_from_h")
    g = builder.tanh(builder.add(from_x, reset), name="g")
    following = builder.blend(z, g, h, name="h_next")
    return following, (following,)
