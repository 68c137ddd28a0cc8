"""FastGRNN: one pair of matrices for gate and candidate, and two scalars.

    z = sigmoid(W x + U h + bz)
    g = tanh(W x + U h + bg)
    h' = (zeta (1 - z) + nu) * g + z * h        zeta and nu are sigmoids of what is trained

Kusupati et al. 2018, arXiv:1901.02358; with W and U of full rank, and zeta and nu starting at the
values of its authors, 0.73 and 0.018.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgernn.kinds import CellOptions, StateSize, Weight
from edgernn.program import Builder, Value

KERAS = ""
GATES = ("",)
NU_OFFSET = 4.0  # what is trained of nu starts at 0 and stands for -4


class Options(CellOptions):
    """Options of a FastGRNN."""


def outputs(inputs: int, options: Options) -> int:
    return options.units


def weights(inputs: int, options: Options) -> tuple[Weight, ...]:
    """Kernel, recurrent kernel, the two scalars before their sigmoids, and the biases of gate and candidate."""
    units = options.units
    biases = (Weight("gate_bias", (units,), "ones"), Weight("candidate_bias", (units,), "ones"))
    return (
        Weight("kernel", (inputs, units), "glorot_uniform"),
        Weight("recurrent_kernel", (units, units), "orthogonal"),
        Weight("zeta", (1,), "ones"),
        Weight("nu", (1,), "zeros"),
        *(biases if options.bias else ()),
    )


def keras_options(options: Options) -> dict[str, Any]:
    return {}


def constants(weights: Any, options: Options, xp: Any = np) -> dict[str, Any]:
    """Matrices are [units, inputs]; products carry the gate's bias, `shift` is what the candidate's has more."""
    zeta, nu = 1 / (1 + xp.exp(-weights[2])), 1 / (1 + xp.exp(NU_OFFSET - weights[3]))
    found = {
        "kernel": xp.transpose(weights[0]),
        "recurrent_kernel": xp.transpose(weights[1]),
        "zeta": zeta,
        "most": (zeta + nu) * xp.ones_like(weights[0][0]),
    }
    return found | ({"bias": weights[4], "shift": weights[5] - weights[4]} if options.bias else {})


def states(inputs: int, options: Options) -> tuple[StateSize, ...]:
    return (StateSize("h", options.units),)


def step(
    builder: Builder, x: Value, states: tuple[Value, ...], options: Options
) -> tuple[Value, tuple[Value, ...]]:
    (h,) = states
    units = options.units
    total = builder.add(
        builder.matvec("kernel", x, units, bias="bias" if options.bias else "", name="from_x"),
        builder.matvec("recurrent_kernel", h, units, name="from_h"),
        name="sum",
    )
    z = builder.sigmoid(total, name="z")
    shifted = builder.add(total, builder.constant("shift", units, name="shift_by")) if options.bias else total
    g = builder.tanh(shifted, name="g")
    less = builder.mul(z, builder.constant("zeta", 1, name="zeta_is"), name="less")
    share = builder.sub(builder.constant("most", units, name="at_most"), less, name="share")  # zeta (1 - z) + nu
    following = builder.add(builder.mul(share, g), builder.mul(z, h), name="h_next")
    return following, (following,)
