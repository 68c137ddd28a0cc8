"""A graph under construction, free of the onnx package: nodes, constants, ports in the order of the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

# Opset 13 is the lowest with DequantizeLinear by axis, 21 the lowest with int16 in it.
OPSET, OPSET_INT16 = 13, 21
REDUCTION_AXES_AS_INPUT = 18  # the opset from which ReduceMean and ReduceMax read their axes

Attribute: TypeAlias = "int | str | tuple[int, ...] | tuple[str, ...] | Graph"
Layout = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Node:
    """One ONNX operator; an attribute may be the body of a loop."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]


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
    opset: int = OPSET
    inputs: list[Port] = field(default_factory=list)
    outputs: list[Port] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)

    def emit(self, operator: str, inputs: Sequence[str], output: str, **attributes: Attribute) -> str:
        """Add a node with one output; returns the name of that tensor."""
        self.emit_many(operator, inputs, (output,), **attributes)
        return output

    def emit_many(
        self, operator: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Attribute
    ) -> None:
        """Add a node with any number of outputs; one without a name is not wanted."""
        self.nodes.append(Node(operator, tuple(inputs), tuple(outputs), attributes))

    def reduce(self, operator: str, value: str, axis: int, output: str) -> str:
        """Add ReduceMean or ReduceMax over one axis, which becomes 1 long."""
        if self.opset >= REDUCTION_AXES_AS_INPUT:
            return self.emit(operator, (value, self.index(axis)), output)
        return self.emit(operator, (value,), output, axes=(axis,))

    def reshape(self, value: str, shape: Sequence[int], output: str) -> str:
        """Add a Reshape; -1 is the length that is left."""
        name = f"{self.scope}shape.{'x'.join(map(str, shape))}"
        return self.emit("Reshape", (value, self.constant(name, np.array(shape, np.int64))), output)

    def row(self, value: str, index: int, output: str) -> str:
        """Add the choice of one row of the first axis, which becomes 1 long; -1 is the last."""
        return self.emit("Gather", (value, self.index(index)), output, axis=0)

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
    """The constants of a graph by the network's names.

    A constant in `integers` (int8 or int32, [rows, ...]) is stored as it is, behind a DequantizeLinear by its
    `scales` [rows], or by one number where all are equal; any other is stored as the float32 of `real`.
    """

    real: Mapping[str, np.ndarray]
    integers: Mapping[str, np.ndarray]
    scales: Mapping[str, np.ndarray]

    def emit(self, graph: Graph, name: str, layout: Layout = np.asarray, axis: int = 0) -> str:
        """Add the constant as `layout` arranges it, with its rows along `axis`; returns its real values."""
        tensor = tensor_name(name)
        if name not in self.integers:
            return graph.constant(tensor, layout(self.real[name].astype(np.float32)))
        operands = self.store(graph, name, layout)
        by_row = bool(graph.constants[operands[1]].ndim)
        return graph.emit("DequantizeLinear", operands, tensor, **({"axis": axis} if by_row else {}))

    def store(self, graph: Graph, name: str, layout: Layout = np.asarray) -> tuple[str, str, str]:
        """Add an integer constant without unpacking it; returns its integers, scale and zero point."""
        tensor = tensor_name(name)
        scales = self.scales[name].astype(np.float32)
        scale = scales if (scales != scales[0]).any() else scales[0]
        # optional by the standard, but onnxruntime's rewrite of weights by row to uint8 fails without them
        zeros = np.zeros(np.shape(scale), self.integers[name].dtype)
        return (
            graph.constant(f"{tensor}.integers", layout(self.integers[name])),
            graph.constant(f"{tensor}.scale", np.asarray(scale)),
            graph.constant(f"{tensor}.zero_point", zeros),
        )


def tensor_name(value: str) -> str:
    """The tensor of a value or constant of the network."""
    return value.replace("/", ".")
