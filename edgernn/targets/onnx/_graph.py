"""A graph under construction, free of the onnx package: nodes, constants, ports in the order of the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Node:
    """One ONNX operator; an attribute is a number or the body of a loop."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, int | Graph]


@dataclass(frozen=True)
class Port:
    """An input or output of a graph; a dimension given by name takes any length."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]
    about: str = ""


@dataclass
class Graph:
    """Collects nodes and constants; `scope` starts the names of the shared constants of a loop's body."""

    name: str
    scope: str = ""
    inputs: list[Port] = field(default_factory=list)
    outputs: list[Port] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)

    def emit(self, operator: str, inputs: Sequence[str], output: str, **attributes: int | Graph) -> str:
        """Add a node with one output; returns the name of that tensor."""
        self.emit_many(operator, inputs, (output,), **attributes)
        return output

    def emit_many(
        self, operator: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: int | Graph
    ) -> None:
        """Add a node with any number of outputs."""
        self.nodes.append(Node(operator, tuple(inputs), tuple(outputs), attributes))

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants[name] = value
        return name

    def index(self, value: int) -> str:
        """The int64 constant [value], one for all its uses: axes, starts, ends."""
        return self.constant(f"{self.scope}index.{value}", np.array([value], np.int64))

    def defines(self, name: str) -> bool:
        """Whether a node's output has this name."""
        return any(name in node.outputs for node in self.nodes)


@dataclass(frozen=True, eq=False)
class Constants:
    """The weights of a graph by the network's names.

    A constant in `integers` (int8 or int32, [rows, ...]) is stored as it is, behind a DequantizeLinear by its
    `scales` [rows], or by one number where all are equal; any other is stored as the float32 of `real`.
    """

    real: Mapping[str, np.ndarray]
    integers: Mapping[str, np.ndarray]
    scales: Mapping[str, np.ndarray]

    def emit(self, graph: Graph, name: str, leading: int = 0) -> str:
        """Add the constant, `leading` axes of length 1 in front; returns the tensor of its real values."""
        tensor = tensor_name(name)
        if name not in self.integers:
            return graph.constant(tensor, _lead(self.real[name].astype(np.float32), leading))
        integers = graph.constant(f"{tensor}.integers", _lead(self.integers[name], leading))
        scales = self.scales[name].astype(np.float32)
        by_row = bool((scales != scales[0]).any())
        scale = graph.constant(f"{tensor}.scale", scales if by_row else scales[0])
        # optional by the standard, but onnxruntime's rewrite of weights by row to uint8 fails without them
        zeros = np.zeros(scales.shape if by_row else (), self.integers[name].dtype)
        operands = (integers, scale, graph.constant(f"{tensor}.zero_point", zeros))
        return graph.emit("DequantizeLinear", operands, tensor, **({"axis": leading} if by_row else {}))


def tensor_name(value: str) -> str:
    """The tensor of a value or constant of the network."""
    return value.replace("/", ".")


def _lead(array: np.ndarray, axes: int) -> np.ndarray:
    return array.reshape((1,) * axes + array.shape)
