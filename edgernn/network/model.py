"""Network (float) and QuantizedNetwork: everything about a trained model, and no framework inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Literal

import numpy as np

from edgernn.decide import Rule
from edgernn.network.channel import Channel, Times
from edgernn.network.layer import Layer, share_of_zeros
from edgernn.network.passes import Pass, passes
from edgernn.network.vocabulary import Vocabulary
from edgernn.program import PRODUCTS, Program

Form = Literal["sequence", "step"]
Precision = Literal["float32", "dynamic", "int8", "int16x8"]
IntegerPrecision = Literal["int8", "int16x8"]
StateType = Literal["int8", "int16"]
Granularity = Literal["tensor", "row"]
Task = Literal["classify", "regress", "next"]


@dataclass(frozen=True, eq=False)
class Network:
    """A trained float network.

    Its input is a normalised frame, (raw - mean) / std by channel; `mean` and `std` are float32 [inputs].
    `steps` is the number of frames in the window that a sequence model takes; `rate_hz` the frames a second, 0
    where there is no clock. The result of a window is that after its last frame, or with `every_step` those
    after each step. `task` says what the outputs are: scores of the classes that `labels` names, of which the
    largest decides; the quantities that `labels` names, in their own units; or, after every step, scores of what
    comes next, one of `labels`, of which the first stands for all that has no name. `vocabulary` makes frames of
    texts, in a network that reads them; `features` says what makes a raw frame of sound, `{"log_mel": constants}`,
    `encoding` what each channel is made of where frames are made of events, or of a series with its times and its
    past, `times` which column has these times, and `decide` how outputs along a stream become decisions. Of a
    recording, one row in `every` is a frame: the first, and so on. Of a series, a value or a row that is missing
    takes the value before for `hold` rows.
    """

    name: str
    steps: int
    rate_hz: float
    channels: tuple[str, ...]
    labels: tuple[str, ...]
    mean: np.ndarray
    std: np.ndarray
    layers: tuple[Layer, ...]
    every_step: bool = False
    task: Task = "classify"
    vocabulary: Vocabulary | None = None
    features: Mapping[str, Mapping[str, float]] | None = None
    decide: Rule | None = None
    encoding: tuple[Channel, ...] = ()
    times: Times | None = None
    every: int = 1
    hold: int = 0

    @property
    def inputs(self) -> int:
        """The elements of a frame."""
        return self.layers[0].inputs

    @property
    def outputs(self) -> int:
        return self.layers[-1].outputs

    @property
    def frames_per_step(self) -> int:
        """The frames that one step takes: the product of all strides."""
        return prod(layer.stride for layer in self.layers)

    @property
    def tokens(self) -> bool:
        """Whether a frame is a whole number that names a row of a table."""
        return self.layers[0].kind == "embedding"

    @property
    def streams(self) -> bool:
        """Whether it has a step form: a bidirectional layer needs the whole window."""
        return not any(layer.bidirectional for layer in self.layers)

    @property
    def parameters(self) -> int:
        return sum(layer.parameters for layer in self.layers)

    @property
    def macs_per_step(self) -> int:
        """Multiply-accumulates of the matrix products of one step; of a whole window's, the most of any step."""
        constants = self.constants()
        ops = [op for program in self.programs() for op in program.ops]
        return sum(constants[op.weight].size for op in ops if op.primitive in PRODUCTS)

    @property
    def sparsity(self) -> float:
        """The share of zeros in the matrices of all layers."""
        return share_of_zeros(self.constants())

    def constants(self) -> dict[str, np.ndarray]:
        return {name: value for layer in self.layers for name, value in layer.constants().items()}

    def program(self) -> Program:
        """The step program of a network that streams: its layers' programs, one after the other."""
        if not self.streams:
            raise ValueError(f"{self.name} has a bidirectional layer: it needs the whole window, and has no step")
        return self.passes()[0].forward

    def passes(self) -> tuple[Pass, ...]:
        """What runs over the frames, one after the other; a single pass for a network that streams."""
        return passes(self.layers, self.every_step)

    def programs(self) -> tuple[Program, ...]:
        """The step programs of all passes, in order."""
        return tuple(program for one in self.passes() for program in one.programs)

    def tables(self) -> list[str]:
        """The constants that are looked up by row."""
        return [op.weight for program in self.programs() for op in program.ops if op.primitive == "lookup"]


@dataclass(frozen=True)
class Calibration:
    """Where the ranges come from: `streams` whole float streams of `steps` frames each."""

    method: str
    percentile: float
    streams: int
    steps: int


@dataclass(frozen=True, eq=False)
class QuantizedNetwork:
    """A network with int8 weights, and what it takes to give every value of its program an integer type.

    `weights` int8 [rows, inputs] and `scales` float64 [rows] by constant name: real = weight * scale.
    `ranges` are the smallest and largest real value of every value of the programs, from calibration; values of
    other frames of a step share one (`program.shared_name`). `precisions` is the precision of every layer.
    `state` is the integer type of the recurrent states in TFLite and ONNX where a layer is int8; C always keeps
    int16.
    """

    network: Network
    precisions: Mapping[str, IntegerPrecision]
    state: StateType
    weights: Mapping[str, np.ndarray]
    scales: Mapping[str, np.ndarray]
    ranges: Mapping[str, tuple[float, float]]
    calibration: Calibration

    def at(self, precision: Precision) -> QuantizedNetwork:
        """What an artifact of this precision is made from: with int16x8, every layer is."""
        if precision != "int16x8":
            return self
        return replace(self, precisions=dict.fromkeys(self.precisions, "int16x8"))
