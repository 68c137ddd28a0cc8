"""The layers of a file, recovered from its constants where it does not list them."""

from __future__ import annotations

from dataclasses import dataclass

from edgernn.cells import CELLS
from edgernn.inspect.anatomy import Anatomy, Constant, Head, sparsity


@dataclass(frozen=True)
class Layer:
    """A row of the table of layers."""

    name: str
    kind: str | None
    units: int | None
    parameters: int
    sparsity: float | None


def layers(found: Anatomy) -> list[Layer]:
    """From input to output: those that the file lists, otherwise in the order of its constants."""
    names = dict.fromkeys(constant.layer for constant in found.constants)
    heads = found.heads or [_recovered(name, _own(name, found)) for name in names]
    return [_layer(head, _own(head.name, found)) for head in heads]


def gates_of(constant: Constant) -> tuple[str, ...]:
    """The gates whose rows follow each other in a matrix; () where they belong to none, or it is not known.

    An operator of the file may tell, or the end of the constant's name: `kernel_zr` holds the rows of z, then
    those of r.
    """
    named = tuple(constant.name.rpartition("_")[2])
    if constant.gates or not constant.matrix or "_" not in constant.name:
        return constant.gates
    return named if any(set(named) <= set(gates) for gates in _gates().values()) else ()


def _gates() -> dict[str, tuple[str, ...]]:
    """The gates of the cells that have more than one, in Keras's order."""
    return {kind: module.GATES for kind, module in CELLS.items() if len(module.GATES) > 1}


def _own(name: str, found: Anatomy) -> list[Constant]:
    return [constant for constant in found.constants if constant.layer == name]


def _recovered(name: str, constants: list[Constant]) -> Head:
    """A kind can be told by the gates of its matrices, the units by what a recurrent matrix reads."""
    recurrent = [constant for constant in constants if constant.matrix and "recurrent" in constant.name]
    own = {gate for constant in recurrent for gate in gates_of(constant)}
    kinds = [kind for kind, gates in _gates().items() if own == set(gates)]
    units = {int(constant.values.shape[-1]) for constant in recurrent}
    return Head(name, kinds[0] if len(kinds) == 1 else None, units.pop() if len(units) == 1 else None)


def _layer(head: Head, constants: list[Constant]) -> Layer:
    return Layer(
        name=head.name,
        kind=head.kind,
        units=head.units,
        parameters=sum(constant.values.size for constant in constants),
        sparsity=sparsity(constant for constant in constants if constant.matrix),
    )
