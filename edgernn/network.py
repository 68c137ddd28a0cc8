"""Network (float) and QuantizedNetwork: everything about a trained model, and no framework inside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Literal

import numpy as np

from edgernn import archive
from edgernn.cells import CELLS
from edgernn.errors import InputError
from edgernn.layers import LAYERS
from edgernn.program import Builder, Program

Form = Literal["sequence", "step"]
Precision = Literal["float32", "dynamic", "int8"]
StateType = Literal["int8", "int16"]
Granularity = Literal["tensor", "row"]

KINDS: Mapping[str, ModuleType] = {**CELLS, **LAYERS}


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer; `weights` are float32 in Keras's order and layout."""

    name: str
    kind: str
    inputs: int
    units: int
    weights: tuple[np.ndarray, ...]

    @property
    def recurrent(self) -> bool:
        return self.kind in CELLS

    def constants(self) -> dict[str, np.ndarray]:
        """The constants of the layer's step program by their full names; matrices are [rows, inputs]."""
        own = KINDS[self.kind].constants(self.weights)
        return {f"{self.name}/{name}": np.ascontiguousarray(value) for name, value in own.items()}

    @property
    def parameters(self) -> int:
        return sum(weight.size for weight in self.weights)

    @property
    def sparsity(self) -> float:
        """The share of zeros in the layer's matrices."""
        matrices = [value for value in self.constants().values() if value.ndim == 2]
        return 1 - sum(np.count_nonzero(m) for m in matrices) / sum(m.size for m in matrices)


@dataclass(frozen=True, eq=False)
class Network:
    """A trained float network.

    Its input is a normalised frame, (raw - mean) / std by channel; `mean` and `std` are float32 [inputs].
    `steps` is the window that a sequence model takes; `rate_hz` the frames a second, 0 where there is no clock.
    """

    name: str
    steps: int
    rate_hz: float
    channels: tuple[str, ...]
    labels: tuple[str, ...]
    mean: np.ndarray
    std: np.ndarray
    layers: tuple[Layer, ...]

    @property
    def inputs(self) -> int:
        return self.layers[0].inputs

    @property
    def outputs(self) -> int:
        return self.layers[-1].units

    @property
    def parameters(self) -> int:
        return sum(layer.parameters for layer in self.layers)

    @property
    def macs_per_step(self) -> int:
        """Multiply-accumulates of the matrix products of one step."""
        return sum(m.size for m in self.constants().values() if m.ndim == 2)

    @property
    def sparsity(self) -> float:
        """The share of zeros in the matrices of all layers."""
        matrices = [m for m in self.constants().values() if m.ndim == 2]
        return 1 - sum(np.count_nonzero(m) for m in matrices) / sum(m.size for m in matrices)

    def constants(self) -> dict[str, np.ndarray]:
        return {name: value for layer in self.layers for name, value in layer.constants().items()}

    def program(self) -> Program:
        """The step program of the whole network: its layers' programs, one after the other."""
        builder = Builder()
        value = builder.input(self.inputs)
        for layer in self.layers:
            value = KINDS[layer.kind].step(builder.within(layer.name), value, layer.units)
        return builder.finish(value)


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
    `ranges` are the smallest and largest real value of every value of the program, from calibration.
    `state` is the integer type of the recurrent states in TFLite and ONNX; C always keeps int16.
    """

    network: Network
    precision: Precision
    state: StateType
    weights: Mapping[str, np.ndarray]
    scales: Mapping[str, np.ndarray]
    ranges: Mapping[str, tuple[float, float]]
    calibration: Calibration


def save(network: Network, path: Path) -> None:
    archive.save(path, _header(network), _arrays(network))


def load(path: Path) -> Network:
    """Raises InputError when the file is missing, damaged or not a network."""
    header, arrays = archive.load(path)
    with _reading(path, "a network"):
        return _network(header, arrays)


def save_quantized(quantized: QuantizedNetwork, path: Path) -> None:
    header = _header(quantized.network) | {
        "precision": quantized.precision,
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
            precision=header["precision"],
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
        fault = f"it has no {error}" if isinstance(error, KeyError) else error
        raise InputError(f"{path} is not {what} of this version ({fault}); delete it and build again") from None


def _header(network: Network) -> dict[str, object]:
    return {
        "name": network.name,
        "steps": network.steps,
        "rate_hz": network.rate_hz,
        "channels": list(network.channels),
        "labels": list(network.labels),
        "layers": [
            {"name": layer.name, "kind": layer.kind, "inputs": layer.inputs, "units": layer.units}
            for layer in network.layers
        ],
    }


def _arrays(network: Network) -> dict[str, np.ndarray]:
    arrays = {"mean": network.mean, "std": network.std}
    for layer in network.layers:
        arrays |= {f"weight:{layer.name}:{i}": weight for i, weight in enumerate(layer.weights)}
    return arrays


def _network(header: Mapping[str, object], arrays: Mapping[str, np.ndarray]) -> Network:
    layers = []
    for spec in header["layers"]:  # type: ignore[attr-defined]
        shapes = KINDS[spec["kind"]].shapes(spec["inputs"], spec["units"])
        weights = tuple(arrays[f"weight:{spec['name']}:{i}"] for i in range(len(shapes)))
        if [weight.shape for weight in weights] != [tuple(shape) for shape in shapes]:
            raise ValueError(f"the weights of {spec['name']} have other shapes than its units")
        layers.append(Layer(**spec, weights=weights))
    if arrays["mean"].shape != arrays["std"].shape or arrays["mean"].shape != (layers[0].inputs,):
        raise ValueError("mean and std have other shapes than its input")
    return Network(
        name=str(header["name"]),
        steps=int(header["steps"]),  # type: ignore[call-overload]
        rate_hz=float(header["rate_hz"]),  # type: ignore[arg-type]
        channels=tuple(header["channels"]),  # type: ignore[arg-type]
        labels=tuple(header["labels"]),  # type: ignore[arg-type]
        mean=arrays["mean"],
        std=arrays["std"],
        layers=tuple(layers),
    )
