"""Reading network.npz and quantized.npz: layers, constants and sections."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from edgernn import archive
from edgernn.inspect.anatomy import Anatomy, Constant, Head, Tensor, sizes
from edgernn.network import KINDS, Network, QuantizedNetwork, load, load_quantized

_NORMALISATION = ("mean", "std")


def read(path: Path) -> Anatomy:
    """Raises InputError when it is damaged or holds no network."""
    header, arrays = archive.load(path)
    quantized = load_quantized(path) if "calibration" in header else None
    network = quantized.network if quantized else load(path)
    with zipfile.ZipFile(path) as members:
        header_bytes = sum(member.file_size for member in members.infolist() if member.filename.endswith(".json"))
    return Anatomy(
        name=network.name,
        form=None,
        precision=" and ".join(sorted(set(quantized.precisions.values()))) if quantized else "float32",
        heads=tuple(Head(layer.name, layer.kind, layer.outputs) for layer in network.layers),
        operators=(),
        tensors=tuple(_tensors(network, quantized.ranges if quantized else {})),
        constants=tuple(_constants(network, quantized)),
        sizes=_sizes(network, arrays, header_bytes),
    )


def _tensors(network: Network, ranges: Mapping[str, tuple[float, float]]) -> Iterator[Tensor]:
    """The values of the step programs that stay: they are real numbers here, an export types them."""
    programs = network.programs()
    first, last = programs[0], programs[-1]
    yield Tensor("input", "input", (first.sizes[first.input],), "float32", range=ranges.get(first.input))
    for program in programs:
        for state in program.states:
            yield Tensor(state.name, "state", (program.sizes[state.name],), "float32", range=ranges.get(state.name))
    yield Tensor("output", "output", (network.outputs,), "float32", range=ranges.get(last.output))


def _constants(network: Network, quantized: QuantizedNetwork | None) -> Iterator[Constant]:
    """Those of the step programs, the integers where there are any."""
    for layer in network.layers:
        for name, real in layer.constants().items():
            own = name.removeprefix(f"{layer.name}/")
            if quantized and name in quantized.weights:
                yield Constant(layer.name, own, quantized.weights[name], quantized.scales[name])
            else:
                yield Constant(layer.name, own, real)


def _sizes(network: Network, arrays: Mapping[str, np.ndarray], header_bytes: int) -> dict[str, int]:
    """A quantised network is there twice, in integers and, for the biases and as its origin, in float."""
    biases = {f"weight:{layer}:{index}" for layer, index, name in _names(network) if "bias" in name}

    def total(*starts: str) -> int:
        return sum(a.nbytes for name, a in arrays.items() if name.startswith(starts) and name not in biases)

    return sizes(
        weights=total("weight:", "int8:"),
        biases=sum(arrays[name].nbytes for name in biases),
        scales=total("scale:"),
        metadata=header_bytes + sum(arrays[name].nbytes for name in _NORMALISATION),
    )


def _names(network: Network) -> Iterator[tuple[str, int, str]]:
    """Layer, index and name of every weight in Keras's layout."""
    for layer in network.layers:
        own = KINDS[layer.kind].weights(layer.inputs, layer.options) * len(layer.directions)
        for index, weight in enumerate(own):
            yield layer.name, index, weight.name
