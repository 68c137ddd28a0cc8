"""Embedding: the row of a table that a token names."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field

from edgernn.kinds import StateSize, Units, Weight
from edgernn.program import Builder, Value
from edgernn.section import Section, Whole

KERAS = "Embedding"
GATES = ("",)


class Options(Section):
    """Options of an embedding; it comes first, and frames hold one token, 0 ... entries - 1.

    `entries` may be left out where the data has a vocabulary, whose size it then is.
    """

    entries: Annotated[Whole, Field(gt=1, le=32_767)] | None = None
    units: Units


def outputs(inputs: int, options: Options) -> int:
    return options.units


def weights(inputs: int, options: Options) -> tuple[Weight, ...]:
    return (Weight("embeddings", (_entries(options), options.units), "uniform"),)


def keras_options(options: Options) -> dict[str, Any]:
    return {"input_dim": _entries(options), "output_dim": options.units}


def constants(weights: Any, options: Options, xp: Any = np) -> dict[str, Any]:
    """The table, [entries, units]."""
    return {"table": weights[0]}


def states(inputs: int, options: Options) -> tuple[StateSize, ...]:
    return ()


def step(
    builder: Builder, x: Value, states: tuple[Value, ...], options: Options
) -> tuple[Value, tuple[Value, ...]]:
    return builder.lookup("table", x, options.units, name="output"), ()


def _entries(options: Options) -> int:
    if options.entries is None:
        raise ValueError("an embedding of a network has entries")
    return options.entries
