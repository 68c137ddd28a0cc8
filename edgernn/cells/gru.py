"""Gated recurrent unit, Keras's default variant (`reset_after=True`, ONNX `linear_before_reset=1`).

    z = sigmoid(Wz x + Uz h + bz)        update gate
    r = sigmoid(Wr x + Ur h + br)        reset gate
    g = tanh(Wg x + bg + r * (Ug h + cg))
    h' = g + z * (h - g)

Cho et al. 2014, arXiv:1406.1078; the variant with the reset after the product is that of cuDNN.
"""

from __future__ import annotations

import numpy as np

from edgernn.program import Builder, Value

KERAS = "GRU"


def shapes(inputs: int, units: int) -> tuple[tuple[int, ...], ...]:
    """Kernel, recurrent kernel and the two biases; gates in the order z, r, g."""
    return (inputs, 3 * units), (units, 3 * units), (2, 3 * units)


def constants(weights: tuple[np.ndarray, ...]) -> dict[str, np.ndarray]:
    kernel, recurrent_kernel, bias = weights
    return {
        "kernel": kernel.T,  # [3 units, inputs]
        "recurrent_kernel": recurrent_kernel.T,  # [3 units, units]
        "bias": bias[0],  # [3 units]
        "recurrent_bias": bias[1],  # [3 units]
    }


def step(builder: Builder, x: Value, units: int) -> Value:
    h = builder.state("h", units)
    from_x = builder.matvec("kernel", x, 3 * units, bias="bias", name="from_x")
    from_h = builder.matvec("recurrent_kernel", h, 3 * units, bias="recurrent_bias", name="from_h")
    xz, xr, xg = builder.split(from_x, 3)
    hz, hr, hg = builder.split(from_h, 3)
    z = builder.sigmoid(builder.add(xz, hz), name="z")
    r = builder.sigmoid(builder.add(xr, hr), name="r")
    g = builder.tanh(builder.add(xg, builder.mul(r, hg)), name="g")
    return builder.next(h, builder.blend(z, g, h, name="h_next"))
