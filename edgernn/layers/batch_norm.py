"""Batch normalisation behind a product, folded into its kernel and bias. Ioffe and Szegedy 2015."""

from __future__ import annotations

from typing import Any

from edgernn.kinds import Weight

EPSILON = 1e-3  # the default of Keras's BatchNormalization


def weights(units: int) -> tuple[Weight, ...]:
    """Gamma, beta, moving mean and moving variance."""
    return (
        Weight("gamma", (units,), "ones"),
        Weight("beta", (units,), "zeros"),
        Weight("moving_mean", (units,), "zeros"),
        Weight("moving_variance", (units,), "ones"),
    )


def folded(kernel: Any, bias: Any, normalisation: Any, xp: Any) -> tuple[Any, Any]:
    """Kernel [..., units] and bias [units] of the product with its normalisation in them."""
    gamma, beta, mean, variance = normalisation
    factor = gamma / xp.sqrt(variance + EPSILON)
    return kernel * factor, (bias - mean) * factor + beta
