"""What every reader finds in its kind of file."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from edgernn.targets import Operator

Role = Literal["input", "output", "state", "carried"]


@dataclass(frozen=True)
class Tensor:
    """A value that goes in or out, or is kept from step to step: real = (integer - zero_point) * scale.

    `range` is the smallest and the largest real value that calibration saw, where a file holds that.
    """

    name: str
    role: Role
    shape: tuple[int | str, ...]
    dtype: str
    scale: float | None = None
    zero_point: int | None = None
    range: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Constant:
    """An array of a layer as it is stored; `scales` are those of its rows, one for all, or None.

    `gate_axis` is the axis on which the rows of one gate after the other lie. `gates` names them where an
    operator of the file tells.
    """

    layer: str
    name: str
    values: np.ndarray
    scales: np.ndarray | None = None
    gates: tuple[str, ...] = ()
    gate_axis: int = 0

    @property
    def role(self) -> Literal["weight", "bias"]:
        return "bias" if "bias" in self.name.rpartition("/")[2] else "weight"

    @property
    def matrix(self) -> bool:
        return self.role == "weight" and self.values.ndim >= 2

    @property
    def zeros(self) -> int:
        return self.values.size - int(np.count_nonzero(self.values))


@dataclass(frozen=True)
class Head:
    """What a file says of a layer."""

    name: str
    kind: str | None
    units: int | None


@dataclass(frozen=True, eq=False)
class Anatomy:
    """A whole file. `heads` is empty where it does not list its layers.

    `sizes` are the bytes of its sections but for `program`, which is the rest; `flash` those of a C folder's
    arrays, compiled.
    """

    name: str
    form: str | None
    precision: str
    heads: tuple[Head, ...]
    operators: tuple[Operator, ...]
    tensors: tuple[Tensor, ...]
    constants: tuple[Constant, ...]
    sizes: Mapping[str, int]
    flash: Mapping[str, int] | None = None

    def sections(self, total: int) -> dict[str, int]:
        """The bytes of every section; their sum is `total`."""
        return {**self.sizes, "program": total - sum(self.sizes.values())}


class Reader(Protocol):
    """What the module of one kind of file offers.

    Raises InputError or ExportError for a file that edgernn did not write, anything for a damaged one.
    """

    def read(self, path: Path) -> Anatomy: ...


def port_role(name: str, inputs: Container[str], outputs: Container[str]) -> Role | None:
    """What a port of a model is; None for the next value of a state, which has the state's type."""
    if name in inputs:
        return "state" if f"{name}.next" in outputs else "input"
    return None if name.removesuffix(".next") in inputs else "output"


def sizes(weights: int = 0, biases: int = 0, scales: int = 0, tables: int = 0, metadata: int = 0) -> dict[str, int]:
    """The sections of a file but for `program`, in bytes."""
    return {"weights": weights, "biases": biases, "scales": scales, "tables": tables, "metadata": metadata}


def sparsity(constants: Iterable[Constant]) -> float | None:
    """The share of zeros; None of nothing."""
    arrays = list(constants)
    total = sum(constant.values.size for constant in arrays)
    return sum(constant.zeros for constant in arrays) / total if total else None


def density(constant: Constant, gates: tuple[str, ...]) -> dict[str, float]:
    """The share of numbers other than zero by gate; `gates` lie in this order along the gate axis."""
    parts = np.split(constant.values, len(gates), axis=constant.gate_axis)
    return {gate: float(np.count_nonzero(part) / part.size) for gate, part in zip(gates, parts, strict=True)}


def heads(about: Mapping[str, object]) -> tuple[Head, ...]:
    """The layers that the metadata of an artifact lists, from input to output."""
    listed = about.get("layers") or ()
    return tuple(Head(layer["name"], layer.get("kind"), layer.get("units")) for layer in listed)  # type: ignore[attr-defined]
