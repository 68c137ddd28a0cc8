"""The constant arrays of a generated model: every one once, however many ops use it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgernn import fixed_point
from edgernn.errors import ExportError
from edgernn.lowering import TypedPass, TypedProgram
from edgernn.program import Op
from edgernn.reference import folded_bias, rescale_factors
from edgernn.targets.c.literals import identifier
from edgernn.targets.c.sparse import Sparse, sparse

_INT32_MAX = 2**31 - 1


@dataclass(frozen=True, eq=False)
class Matrix:
    """The weights of products: int8 [rows, columns], `sparse` where that is smaller."""

    name: str
    origin: str  # the network's name of it
    weight: np.ndarray
    sparse: Sparse | None


@dataclass(frozen=True, eq=False)
class Linear:
    """A matrix and what rescales its products: the fields of the runtime's `ernn_linear`."""

    name: str
    matrix: Matrix
    bias: np.ndarray  # int32 [rows]
    multiplier: np.ndarray  # int32 [rows]
    shift: np.ndarray  # uint8 [rows]

    def kernel(self, dense: str) -> str:
        """The kernel that reads this storage, given the one that reads a dense matrix."""
        return dense.replace("ernn_matvec_", "ernn_matvec_sparse_") if self.matrix.sparse else dense

    def same(self, other: Linear) -> bool:
        arrays = (self.bias, other.bias), (self.multiplier, other.multiplier), (self.shift, other.shift)
        return self.matrix is other.matrix and all(np.array_equal(*pair) for pair in arrays)


@dataclass(frozen=True, eq=False)
class Vector:
    """A vector int16 [units], or a table int8 [entries, units]."""

    name: str
    origin: str
    values: np.ndarray


@dataclass(frozen=True, eq=False)
class Constants:
    """`linears` by the names of the values that they make; several values may have one."""

    linears: Mapping[str, Linear]
    vectors: tuple[Vector, ...]

    @property
    def matrices(self) -> tuple[Matrix, ...]:
        return tuple(dict.fromkeys(linear.matrix for linear in self.linears.values()))

    @property
    def distinct(self) -> tuple[Linear, ...]:
        return tuple(dict.fromkeys(self.linears.values()))


def constants(passes: Sequence[TypedPass]) -> Constants:
    """Raises ExportError when a sum of products may not fit an int32."""
    pairs = [(op, typed) for one in passes for typed in one.programs for op in typed.program.ops]
    products = [(op, typed) for op, typed in pairs if op.primitive == "matvec"]
    vectors = {op.weight: typed.vectors[op.weight] for op, typed in pairs if op.primitive == "constant"}
    vectors |= {op.weight: typed.weights[op.weight] for op, typed in pairs if op.primitive == "lookup"}
    return Constants(
        _linears(products), tuple(Vector(identifier(name), name, values) for name, values in vectors.items())
    )


def _linears(products: Iterable[tuple[Op, TypedProgram]]) -> dict[str, Linear]:
    """One for ops whose constants are all the same: those of the frames of a step."""
    found: dict[str, Linear] = {}
    matrices: dict[str, Matrix] = {}
    for op, typed in products:
        weight = typed.weights[op.weight]
        own = Matrix(identifier(op.weight), op.weight, weight, sparse(weight))
        matrix = matrices.setdefault(op.weight, own)
        others = [linear for linear in dict.fromkeys(found.values()) if linear.matrix is matrix]
        linear = _linear(op, typed, matrix, len(others) + 1)
        found[op.output] = next((other for other in others if linear.same(other)), linear)
    return found


def _linear(op: Op, typed: TypedProgram, matrix: Matrix, number: int) -> Linear:
    bias = folded_bias(op, typed)
    largest = -np.iinfo(typed.types[op.inputs[0]].dtype).min
    if (np.abs(bias) + largest * np.abs(matrix.weight.astype(np.int64)).sum(axis=1)).max() > _INT32_MAX:
        raise ExportError(f"{op.output}: its sums may not fit an int32; please report this")
    integers, shifts = np.array([fixed_point.multiplier(f) for f in rescale_factors(op, typed)], np.int64).T
    return Linear(f"{matrix.name}_{number}" if number > 1 else matrix.name, matrix, bias, integers, shifts)
