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
from edgernn.targets.c.join import AND
from edgernn.targets.c.literals import identifier, integer
from edgernn.targets.c.packing import packed
from edgernn.targets.c.sparse import Sparse, sparse

_INT32_MAX = 2**31 - 1
_HIGH_WORD = 32  # the bits below the high word of a product
_LONGEST_SHIFT = 31
_LARGEST_WEIGHT = 127
_BEYOND = 2**16  # no int16 output, with any zero point, is as large


@dataclass(frozen=True, eq=False)
class Matrix:
    """The weights of products: int8 [rows, columns], `sparse` where that is smaller."""

    name: str
    origin: Mapping[str, int]  # the network's matrices that it is made of, one below the other, and their rows
    weight: np.ndarray
    sparse: Sparse | None

    @property
    def stored(self) -> np.ndarray:
        """The weights in the order of the C array, flat."""
        return self.sparse.weight.ravel() if self.sparse else packed(self.weight)


@dataclass(frozen=True, eq=False)
class Linear:
    """A matrix and what rescales its products: the fields of the runtime's `ernn_linear`."""

    name: str
    matrix: Matrix
    reads: str  # the type of its input
    bias: np.ndarray  # int32 [rows]
    multiplier: np.ndarray  # int32 [rows]
    shift: np.ndarray  # uint8 [rows]
    left: int
    clip: bool

    @property
    def biases(self) -> list[str]:
        """The biases as C: a matrix that reads int8 says the sums of its weights, too."""
        if self.reads != "int8":
            return [integer(int(bias)) for bias in self.bias]
        sums = self.matrix.weight.sum(axis=1, dtype=np.int64)
        return [f"ERNN_BIAS({integer(int(bias))}, {total})" for bias, total in zip(self.bias, sums, strict=True)]

    def kernel(self, dense: str) -> str:
        """The kernel that reads this storage, given the one that reads a dense matrix."""
        return dense.replace("ernn_matvec_", "ernn_matvec_sparse_") if self.matrix.sparse else dense

    def same(self, other: Linear) -> bool:
        arrays = (self.bias, other.bias), (self.multiplier, other.multiplier), (self.shift, other.shift)
        kind = (self.matrix, self.reads, self.left, self.clip) == (
            other.matrix,
            other.reads,
            other.left,
            other.clip,
        )
        return kind and all(np.array_equal(*pair) for pair in arrays)


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
        own = Matrix(identifier(op.weight), _origin(op, typed), weight, sparse(weight))
        matrix = matrices.setdefault(op.weight, own)
        others = [linear for linear in dict.fromkeys(found.values()) if linear.matrix is matrix]
        linear = _linear(op, typed, matrix, len(others) + 1)
        found[op.output] = next((other for other in others if linear.same(other)), linear)
    return found


def _origin(op: Op, typed: TypedProgram) -> dict[str, int]:
    """The matrices that `join` put together, and their rows."""
    if AND not in op.weight:
        return {op.weight: len(typed.weights[op.weight])}
    first, *others = op.weight.split(AND)
    names = [first, *(f"{first.rpartition('/')[0]}/{name}" for name in others)]
    rows = [typed.program.sizes[part.output] for part in typed.program.readers(op.output)]
    return dict(zip(names, rows, strict=True))


def _linear(op: Op, typed: TypedProgram, matrix: Matrix, number: int) -> Linear:
    reads = typed.types[op.inputs[0]].dtype
    bias, weight = folded_bias(op, typed), matrix.weight.astype(np.int64)
    if weight.min() < -_LARGEST_WEIGHT:
        raise ExportError(f"{op.weight}: a weight is {weight.min()}, and C takes -127 to 127; please report this")
    largest = np.abs(bias) - np.iinfo(reads).min * np.abs(weight).sum(axis=1)
    if largest.max() > _INT32_MAX:
        raise ExportError(f"{op.output}: its sums may not fit an int32; please report this")
    name = f"{matrix.name}_{number}" if number > 1 else matrix.name
    return Linear(name, matrix, reads, bias, *_rescaling(op, rescale_factors(op, typed), largest))


def _rescaling(op: Op, factors: np.ndarray, largest: np.ndarray) -> tuple[np.ndarray, np.ndarray, int, bool]:
    """Multipliers, shifts, `left` and `clip` of an `ernn_linear`, with the bits of `fixed_point.rescale`.

    A kernel takes the high word of a product, and shifts by 1 to 31 bits more: `left` lifts the sums so far that
    this is enough for the largest factor. `largest` are the rows' largest sums, int64 [rows]; where they do not
    fit an int32 then, what the kernel cuts off must be beyond every output.
    """
    multipliers, shifts = np.array([fixed_point.multiplier(factor) for factor in factors], np.int64).T
    used = shifts[multipliers > 0]
    left = max(0, _HIGH_WORD + 1 - int(used.min(initial=_HIGH_WORD + 1)))
    down = shifts + left - _HIGH_WORD
    fits = largest << min(left, _HIGH_WORD) <= _INT32_MAX
    cut = (_INT32_MAX >> left) * multipliers >> shifts  # what the largest sum that is left gives
    if left >= _LONGEST_SHIFT or not (fits | (multipliers == 0) | (cut > _BEYOND)).all():
        raise ExportError(f"{op.output}: its rows' scales are too far apart for C; please report this")
    vanishing = (multipliers == 0) | (down > _LONGEST_SHIFT)  # then every sum becomes less than a half
    return np.where(vanishing, 0, multipliers), np.where(vanishing, 1, down).astype(np.uint8), left, not fits.all()
