"""Dense layer without activation: y = W x + b."""

from __future__ import annotations

import numpy as np

from edgernn.program import Builder, Value

KERAS = "Dense"


def shapes(inputs: int, units: int) -> tuple[tuple[int, ...], ...]:
    """Kernel and bias."""
    return (inputs, units), (units,)


def constants(weights: tuple[np.ndarray, ...]) -> dict[str, np.ndarray]:
    kernel, bias = weights
    return {"kernel": kernel.T, "bias": bias}  # [units, inputs], [units]


def step(builder: Builder, x: Value, units: int) -> Value:
    return builder.matvec("kernel", x, units, bias="bias", name="output")
