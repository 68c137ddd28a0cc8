"""Reading a C folder back: which kernels it calls, and which constants it carries."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from edgernn.errors import ExportError
from edgernn.targets import Content, Operator
from edgernn.targets.c.kernels import ARITHMETIC
from edgernn.targets.c.packing import unpacked
from edgernn.targets.c.sparse import Sparse, dense

_CALL = re.compile(r"^\s+(ernn_\w+)\(", re.MULTILINE)
_ARRAY = re.compile(r"\b(int8_t|float|double) (\w+)\[\w*\](?: ERNN_ALIGNED)? = \{([^}]*)\};")
_INTEGERS = re.compile(r"\b(?:int8|uint8|uint16)_t (\w+)\[\w*\](?: ERNN_ALIGNED)? = \{([^}]*)\};")
_MATRIX = re.compile(
    r"^/\* (?P<origin>\S+ \[\d+\](?: \+ \S+ \[\d+\])*)\[(?P<columns>\d+)\]"
    r"(?P<packed> packed)?(?: as blocks of \[(?P<block>\d+)\]\[(?P<width>\d+)\])? \*/\n"
    r"static const int8_t (?P<name>\w+)\[\]",
    re.MULTILINE,
)
_ORIGIN = re.compile(r"(\S+) \[(\d+)\]")
_PREPROCESSING = {"input_mean", "input_factor"}  # normalising and quantising a frame; no weights
_BYTES = {"int8_t": 1, "float": 4, "double": 8}


def model_name(path: Path) -> str:
    """The name of the model in a C folder: its one source file that is no kernel.

    Raises ExportError when there is not exactly one.
    """
    names = [file.stem for file in path.glob("*.c") if not file.name.startswith("ernn_")]
    if len(names) != 1:
        raise ExportError(f"{path} holds {len(names)} models; export it again")
    return names[0]


def content(path: Path) -> Content:
    """Every kernel call in `<name>.c` is an operator.

    Raises ExportError when it calls a kernel that the runtime does not have.
    """
    source = (path / f"{model_name(path)}.c").read_text("utf-8")
    calls = Counter(_CALL.findall(source))
    if unknown := sorted(set(calls) - set(ARITHMETIC)):
        raise ExportError(f"{path}: the runtime has no kernel {', '.join(unknown)}; export it again")
    sizes = {name: (kind, _BYTES[kind] * len(_elements(values))) for kind, name, values in _ARRAY.findall(source)}
    weights = {name: pair for name, pair in sizes.items() if name not in _PREPROCESSING}
    return Content(
        operators=tuple(Operator(name, count, ARITHMETIC[name]) for name, count in sorted(calls.items())),
        float_weight_bytes=sum(size for kind, size in weights.values() if kind != "int8_t"),
        integer_weight_bytes=sum(size for kind, size in weights.values() if kind == "int8_t"),
    )


def matrices(path: Path) -> dict[str, np.ndarray]:
    """The matrices and tables of a C folder, int8 [rows, columns], by the network's names; sparse ones in full.

    Raises ExportError when the folder does not hold exactly one model.
    """
    source = (path / f"{model_name(path)}.c").read_text("utf-8")
    arrays = {name: np.array(_elements(values), np.int64) for name, values in _INTEGERS.findall(source)}
    return {name: matrix for found in _MATRIX.finditer(source) for name, matrix in _parts(found, arrays)}


def _parts(found: re.Match[str], arrays: Mapping[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
    """The network's matrices in one of the source, which has them one below the other."""
    sizes = [(name, int(rows)) for name, rows in _ORIGIN.findall(found["origin"])]
    matrix, top = _matrix(found, sum(rows for _, rows in sizes), arrays), 0
    for name, rows in sizes:
        yield name, matrix[top : top + rows]
        top += rows


def _matrix(found: re.Match[str], rows: int, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    name, columns = found["name"], int(found["columns"])
    values = arrays[name].astype(np.int8)
    if found["packed"]:
        return unpacked(values, rows, columns)
    if not found["block"]:  # a table
        return values.reshape(rows, columns)
    place, count = (arrays[name.removesuffix("_weight") + suffix] for suffix in ("_place", "_count"))
    blocks = values.reshape(-1, int(found["block"]), int(found["width"]))
    return dense(Sparse(blocks, place.astype(np.uint8), count.astype(np.uint16)), columns)


def _elements(values: str) -> list[str]:
    return [value for value in values.split(",") if value.strip()]
