"""Attention over time with a learned query: y = sum of a_t x_t, a = softmax over time of the scores e_t.

    e = v tanh(W x + b)          additive (Bahdanau et al. 2014, arXiv:1409.0473)
    e = q x / sqrt(inputs)       dot product (Luong et al. 2015, arXiv:1508.04025; scaled as in arXiv:1706.03762)

It streams without a memory of past frames. With L the logarithm of the sum of exp(e) so far, the weight of the
newest frame is p = exp(e - L') = sigmoid(e - L), so that

    y' = x + (1 - p) (y - x)     and     L' = L + softplus(e - L)

The state is n = -L. It starts at 30, where p is 1; in integers, Q4.11, at 10, which leaves room for a score of 6
above it. In integers L grows by 1/2048 a step at least: after some 2,000 steps the oldest frames are forgotten.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from edgernn.kinds import StateSize, Units, Weight
from edgernn.program import Builder, Value
from edgernn.section import Section

KERAS = ""
GATES = ("",)
NOTHING_YET = 30.0  # the negative logarithm of the weight of no frame: exp(-30) is below float32's resolution
BOUNDS = (-16.0, 10.0)  # of that logarithm in integers


class Options(Section):
    """Options of attention; `units` are those of the hidden layer of additive scores."""

    score: Literal["additive", "dot"] = "additive"
    units: Units = 16


def outputs(inputs: int, options: Options) -> int:
    return inputs


def weights(inputs: int, options: Options) -> tuple[Weight, ...]:
    """Kernel, bias and the vector that sums the hidden layer; or the query alone."""
    if options.score == "dot":
        return (Weight("query", (inputs, 1), "glorot_uniform"),)
    return (
        Weight("kernel", (inputs, options.units), "glorot_uniform"),
        Weight("bias", (options.units,), "zeros"),
        Weight("score", (options.units, 1), "glorot_uniform"),
    )


def keras_options(options: Options) -> dict[str, Any]:
    return {}


def constants(weights: Any, options: Options, xp: Any = np) -> dict[str, Any]:
    """Matrices are [rows, inputs]."""
    if options.score == "dot":
        return {"query": xp.transpose(weights[0]) / np.float32(np.sqrt(weights[0].shape[0]))}
    return {"kernel": xp.transpose(weights[0]), "bias": weights[1], "score": xp.transpose(weights[2])}


def memory(inputs: int) -> tuple[StateSize, ...]:
    """The states of a weighted mean over time: the mean, and the negative logarithm of its weight."""
    return (
        StateSize("mean", inputs),
        StateSize("weight", 1, initial=NOTHING_YET, bounds=BOUNDS),
    )


def states(inputs: int, options: Options) -> tuple[StateSize, ...]:
    return memory(inputs)


def step(
    builder: Builder, x: Value, states: tuple[Value, ...], options: Options
) -> tuple[Value, tuple[Value, ...]]:
    if options.score == "dot":
        score = builder.matvec("query", x, 1, name="e")
    else:
        hidden = builder.tanh(builder.matvec("kernel", x, options.units, bias="bias", name="from_x"), name="hidden")
        score = builder.matvec("score", hidden, 1, name="e")
    return remember(builder, x, states, score)


def remember(
    builder: Builder, x: Value, states: tuple[Value, ...], score: Value | None = None
) -> tuple[Value, tuple[Value, ...]]:
    """The mean of the frames so far with `x` in it, weighted by exp(score), and the next states."""
    mean, weight = states
    ahead = weight if score is None else builder.add(score, weight, name="ahead")  # e - L
    share = builder.sigmoid(ahead, name="share")
    following = builder.blend(share, mean, x, name="mean_next")
    lighter = builder.sub(weight, builder.softplus(ahead, name="growth"), name="weight_next")
    return following, (following, lighter)
