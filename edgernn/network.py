"""Network (float) and QuantizedNetwork: everything about a trained model, and no framework inside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from math import prod
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from edgernn import archive
from edgernn.cells import CELLS
from edgernn.errors import InputError
from edgernn.kinds import Kind
from edgernn.layers import LAYERS
from edgernn.program import PRODUCTS, Builder, Program, Value
from edgernn.section import Section

Form = Literal["sequence", "step"]
Precision = Literal["float32", "dynamic", "int8", "int16x8"]
IntegerPrecision = Literal["int8", "int16x8"]
StateType = Literal["int8", "int16"]
Granularity = Literal["tensor", "row"]

KINDS: Mapping[str, Kind] = cast(Mapping[str, Kind], {**CELLS, **LAYERS})
POOLS = ("pool", "attention")  # what makes one frame of all, at every step of those so far


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer; `weights` are float32 in Keras's order and layout.

    Those of a bidirectional layer are the forward ones and then the backward ones.
    """

    name: str
    kind: str
    inputs: int
    options: Section
    weights: tuple[np.ndarray, ...]

    @property
    def recurrent(self) -> bool:
        return self.kind in CELLS

    @property
    def bidirectional(self) -> bool:
        return bool(getattr(self.options, "bidirectional", False))

    @property
    def stride(self) -> int:
        """How many frames it takes for one that it gives."""
        return int(getattr(self.options, "stride", 1))

    @property
    def outputs(self) -> int:
        """The elements of its result."""
        return KINDS[self.kind].outputs(self.inputs, self.options) * len(self.directions)

    @property
    def directions(self) -> tuple[str, ...]:
        """The scopes of its step programs below its name; one without a name for a layer that only looks back."""
        return ("forward", "backward") if self.bidirectional else ("",)

    def constants(self) -> dict[str, np.ndarray]:
        """The constants of the layer's step programs by their full names; matrices are [rows, inputs]."""
        found: dict[str, np.ndarray] = {}
        size = len(self.weights) // len(self.directions)
        for index, direction in enumerate(self.directions):
            own = KINDS[self.kind].constants(self.weights[index * size : (index + 1) * size], self.options)
            scope = f"{self.name}/{direction}" if direction else self.name
            found |= {f"{scope}/{name}": np.ascontiguousarray(value, np.float32) for name, value in own.items()}
        return found

    @property
    def parameters(self) -> int:
        return sum(weight.size for weight in self.weights)

    @property
    def sparsity(self) -> float:
        """The share of zeros in the layer's matrices; 0 for a layer without one."""
        return _sparsity(self.constants())


@dataclass(frozen=True)
class Pass:
    """One way of the data through time: a step program that runs over all frames.

    `backward` is the second program of a bidirectional layer, which reads them from the last to the first; the
    results of both stand side by side. `frames` is how many frames one step takes, side by side in its input.
    After a pass that `ends` there is one frame: what each program gives after its last step.
    """

    forward: Program
    backward: Program | None
    frames: int
    ends: bool

    @property
    def programs(self) -> tuple[Program, ...]:
        return (self.forward,) if self.backward is None else (self.forward, self.backward)


@dataclass(frozen=True, eq=False)
class Network:
    """A trained float network.

    Its input is a normalised frame, (raw - mean) / std by channel; `mean` and `std` are float32 [inputs].
    `steps` is the number of frames in the window that a sequence model takes; `rate_hz` the frames a second, 0
    where there is no clock. The result of a window is that after its last frame, or with `every_step` those
    after each step.
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
        ops = [op for one in self.passes() for program in one.programs for op in program.ops]
        return sum(constants[op.weight].size for op in ops if op.primitive in PRODUCTS)

    @property
    def sparsity(self) -> float:
        """The share of zeros in the matrices of all layers."""
        return _sparsity(self.constants())

    def constants(self) -> dict[str, np.ndarray]:
        return {name: value for layer in self.layers for name, value in layer.constants().items()}

    def program(self) -> Program:
        """The step program of a network that streams: its layers' programs, one after the other."""
        if not self.streams:
            raise ValueError(f"{self.name} has a bidirectional layer: it needs the whole window, and has no step")
        return self.passes()[0].forward

    def passes(self) -> tuple[Pass, ...]:
        """What runs over the frames, one after the other; a single pass for a network that streams."""
        last = max((i for i, layer in enumerate(self.layers) if layer.recurrent), default=-1)
        ended = any(layer.kind in (*POOLS, "conv") for layer in self.layers[last + 1 :]) or self.every_step
        found: list[Pass] = []
        for group in _grouped(self.layers):
            number = len(found)
            if group[0].bidirectional:
                forward, backward = (_program(group, number, way) for way in group[0].directions)
                found.append(Pass(forward, backward, 1, group[0] is self.layers[last] and not ended))
            else:
                frames = prod(layer.stride for layer in group)
                found.append(Pass(_program(group, number), None, frames, False))
        return tuple(found)


def _grouped(layers: Sequence[Layer]) -> list[list[Layer]]:
    """Bidirectional layers by themselves, the others between them together."""
    groups: list[list[Layer]] = []
    for layer in layers:
        if not groups or layer.bidirectional or groups[-1][0].bidirectional:
            groups.append([])
        groups[-1].append(layer)
    return groups


def _program(layers: Sequence[Layer], number: int, direction: str = "") -> Program:
    """The step program of layers that run together; the input of the first pass is `input`, then `input_2`, ..."""
    builder = Builder()
    count = prod(layer.stride for layer in layers)
    width = layers[0].inputs
    name = f"input_{number + 1}" if number else "input"
    whole = builder.input(count * width, name)
    frames = builder.split(whole, count)
    for layer in layers:
        frames = _through(builder, layer, frames, f"{layer.name}/{direction}" if direction else layer.name)
    return replace(builder.finish(frames[0]), input=name)


def _through(builder: Builder, layer: Layer, frames: Sequence[Value], scope: str) -> list[Value]:
    """The frames that a layer gives for those of one step; its states go from one frame to the next."""
    kind, results = KINDS[layer.kind], []
    sizes = kind.states(layer.inputs, layer.options)
    states = tuple(builder.within(scope).state(size.name, size.size) for size in sizes)
    kept = states
    for index in range(len(frames) // layer.stride):
        taken = frames[index * layer.stride : (index + 1) * layer.stride]
        own = builder.within(scope, index)
        result, kept = kind.step(own, own.concat(taken, name="frame"), kept, layer.options)
        results.append(result)
    for size, state, value in zip(sizes, states, kept, strict=True):
        builder.next(state, value, size.initial, size.bounds)
    return results


def _sparsity(constants: Mapping[str, np.ndarray]) -> float:
    matrices = [value for value in constants.values() if value.ndim == 2]
    return 1 - sum(np.count_nonzero(m) for m in matrices) / max(1, sum(m.size for m in matrices))


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


def save(network: Network, path: Path) -> None:
    archive.save(path, _header(network), _arrays(network))


def load(path: Path) -> Network:
    """Raises InputError when the file is missing, damaged or not a network."""
    header, arrays = archive.load(path)
    with _reading(path, "a network"):
        return _network(header, arrays)


def save_quantized(quantized: QuantizedNetwork, path: Path) -> None:
    header = _header(quantized.network) | {
        "precisions": dict(quantized.precisions),
        "state": quantized.state,
        "ranges": {name: list(pair) for name, pair in quantized.ranges.items()},
        "calibration": asdict(quantized.calibration),
    }
    arrays = _arrays(quantized.network)
    arrays |= {f"int8:{name}": value for name, value in quantized.weights.items()}
    arrays |= {f"scale:{name}": value for name, value in quantized.scales.items()}
    archive.save(path, header, arrays)


def load_quantized(path: Path) -> QuantizedNetwork:
    """Raises InputError when the file is missing, damaged or not a quantised network."""
    header, arrays = archive.load(path)
    with _reading(path, "a quantised network"):
        return QuantizedNetwork(
            network=_network(header, arrays),
            precisions=header["precisions"],
            state=header["state"],
            weights={k.removeprefix("int8:"): v for k, v in arrays.items() if k.startswith("int8:")},
            scales={k.removeprefix("scale:"): v for k, v in arrays.items() if k.startswith("scale:")},
            ranges={name: (low, high) for name, (low, high) in header["ranges"].items()},
            calibration=Calibration(**header["calibration"]),
        )


@contextmanager
def _reading(path: Path, what: str) -> Iterator[None]:
    """Tells what a file lacks, or has in another form, as InputError."""
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        fault = f"it has no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
        raise InputError(f"{path} is not {what} of this version ({fault}); delete it and build again") from None


def _header(network: Network) -> dict[str, object]:
    return {
        "name": network.name,
        "steps": network.steps,
        "rate_hz": network.rate_hz,
        "channels": list(network.channels),
        "labels": list(network.labels),
        "every_step": network.every_step,
        "layers": [
            {
                "name": layer.name,
                "kind": layer.kind,
                "inputs": layer.inputs,
                "options": layer.options.model_dump(mode="json"),
            }
            for layer in network.layers
        ],
    }


def _arrays(network: Network) -> dict[str, np.ndarray]:
    arrays = {"mean": network.mean, "std": network.std}
    for layer in network.layers:
        arrays |= {f"weight:{layer.name}:{i}": weight for i, weight in enumerate(layer.weights)}
    return arrays


def _network(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Network:
    layers = tuple(_layer(spec, arrays) for spec in header["layers"])
    if arrays["mean"].shape != arrays["std"].shape or arrays["mean"].shape != (layers[0].inputs,):
        raise ValueError("mean and std have other shapes than its input")
    return Network(
        name=str(header["name"]),
        steps=int(header["steps"]),
        rate_hz=float(header["rate_hz"]),
        channels=tuple(header["channels"]),
        labels=tuple(header["labels"]),
        mean=arrays["mean"],
        std=arrays["std"],
        layers=layers,
        every_step=bool(header["every_step"]),
    )


def _layer(spec: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Layer:
    kind = KINDS[spec["kind"]]
    options = kind.Options.model_validate(spec["options"])
    layer = Layer(spec["name"], spec["kind"], spec["inputs"], options, ())
    shapes = [w.shape for w in kind.weights(layer.inputs, options)] * len(layer.directions)
    weights = tuple(arrays[f"weight:{layer.name}:{i}"] for i in range(len(shapes)))
    if [weight.shape for weight in weights] != shapes:
        raise ValueError(f"the weights of {layer.name} have other shapes than its options")
    return replace(layer, weights=weights)
