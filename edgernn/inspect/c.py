"""Reading a C folder: arrays, states and sections, from the source text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgernn.inspect.anatomy import Anatomy, Constant, Head, Role, Tensor, sizes
from edgernn.targets import Operator, reading
from edgernn.targets.c import content, matrices, model_name

_ARRAY = re.compile(
    r"(?:/\* (?P<origin>\S+/\S+)?(?P<more>(?: \[\d+\])?(?: \+ \S+ \[\d+\])*)"
    r"(?:\[\d+\])? (?:packed |as blocks of \S+ )?\*/\s*)?"
    r"^(?:static )?const (?P<type>u?int\d+|float)(?:_t)? (?P<name>\w+)\[\w*\](?: ERNN_ALIGNED)? = "
    r"\{(?P<values>[^}]*)\};\n",
    re.MULTILINE,
)
_LABELS = re.compile(r"^const char \*const \w+_labels\[\w*\] = \{\n(?P<values>.*?)^\};\n", re.MULTILINE | re.DOTALL)
_TOKENS = re.compile(r"^static const ernn_token \w+\[\] = \{\n(?P<values>.*?)^\};\n", re.MULTILINE | re.DOTALL)
_LAYER = re.compile(r"^ \* +(\w+): (\w+), (\d+) units$", re.MULTILINE)
_STATE = re.compile(r"^    (\w+)_t (\w+)\[(\d+)\]; /\* (.*) \*/$", re.MULTILINE)
_OWNER = re.compile(r"(.+?)_((?:forward_|backward_)?(?:recurrent_)?kernel\w*)")
_BIAS = re.compile(r"ERNN_BIAS\((-?\d+), -?\d+\)")  # of a row, and the sum of the row's weights
_LOWEST = "(-2147483647 - 1)"  # how C writes -2^31
_PLACES = ("_place", "_count")  # end the names of what says where the blocks of a sparse matrix lie
_FACTORS = ("_multiplier", "_shift")  # end the names of what rescales the sums of a product
_BIASES = "_bias"


@dataclass(frozen=True, eq=False)
class _Array:
    """A constant array of the source; `origin` are the names of what is in it where a comment tells."""

    name: str
    origin: tuple[str, ...]
    values: np.ndarray
    text: int  # bytes of source

    @property
    def factor(self) -> bool:
        """Whether it scales values: floats only normalise and quantise frames."""
        return self.name.endswith(_FACTORS) or self.values.dtype.kind == "f"

    @property
    def place(self) -> bool:
        """Whether it says where the blocks of a sparse matrix lie."""
        return self.name.endswith(_PLACES)


def read(path: Path) -> Anatomy:
    """Raises ExportError when the folder holds no model, or one that calls what the runtime does not have."""
    name = model_name(path)
    with reading(path / f"{name}.c"):
        return _anatomy(path, name)


def _anatomy(path: Path, name: str) -> Anatomy:
    operators = content(path).operators
    source, header = ((path / f"{name}{suffix}").read_text("utf-8") for suffix in (".c", ".h"))
    arrays = list(_arrays(source))
    heads = tuple(Head(layer, kind, int(units)) for layer, kind, units in _LAYER.findall(header))
    full = matrices(path)
    held = [array for array in arrays if not array.factor and not array.place]
    constants = [constant for array in held for constant in _constants(array, heads, full)]
    tables = [array for file in sorted(path.glob("ernn_*.c")) for array in _arrays(file.read_text("utf-8"))]
    names = [found for pattern in (_LABELS, _TOKENS) if (found := pattern.search(source))]
    text, flash = _sizes(arrays, tables)
    return Anatomy(
        name=name,
        form="both",
        precision=_precision(operators),
        heads=heads,
        operators=operators,
        tensors=tuple(_tensors(name, header)),
        constants=tuple(constants),
        sizes=text | {"metadata": len(header.encode()) + sum(len(found.group().encode()) for found in names)},
        flash=flash | {"metadata": sum(_string_bytes(found.group("values")) for found in names)},
    )


def _arrays(source: str) -> Iterator[_Array]:
    for found in _ARRAY.finditer(source):
        elements = _BIAS.sub(r"\1", found["values"].replace(_LOWEST, str(-(2**31))))
        values = [value.strip(" f\n") for value in elements.split(",")]
        array = np.array([value for value in values if value], found["type"].replace("float", "float32"))
        origin = (found["origin"], *re.findall(r"\S+/\S+", found["more"])) if found["origin"] else ()
        yield _Array(found["name"], origin, array, len(found.group().encode()))


def _constants(array: _Array, heads: tuple[Head, ...], full: Mapping[str, np.ndarray]) -> Iterator[Constant]:
    """The bias of a product has the name of its matrix: it may hold the sum of several biases of the network.

    `full` are the matrices by their names, in full and in order.
    """
    for origin in array.origin:
        layer, _, name = origin.partition("/")
        yield Constant(layer, name, full.get(origin, array.values))
    if not array.origin:
        bias = _BIASES if array.name.endswith(_BIASES) else ""
        layer, name = _split(array.name.removesuffix("_weight").removesuffix(bias), heads)
        yield Constant(layer, name + bias, array.values)


def _split(identifier: str, heads: tuple[Head, ...]) -> tuple[str, str]:
    """Layer and name of a constant, given `<layer>_<name>`."""
    for head in sorted(heads, key=lambda head: -len(head.name)):
        if identifier.startswith(f"{head.name}_"):
            return head.name, identifier.removeprefix(f"{head.name}_")
    if found := _OWNER.fullmatch(identifier):
        return found[1], found[2]
    layer, _, name = identifier.rpartition("_")
    return layer, name


def _precision(operators: tuple[Operator, ...]) -> str:
    """By what the matrix products read."""
    reads = {name.split("_")[-2] for name in (operator.name for operator in operators) if "_matvec_" in name}
    return " and ".join(sorted({"s8": "int8", "s16": "int16x8"}[read] for read in reads))


def _tensors(name: str, header: str) -> Iterator[Tensor]:
    yield _port(name, "input", header)
    for dtype, state, size, meaning in _STATE.findall(header):
        scale, zero_point = _meaning(meaning)
        yield Tensor(state, "state", (int(size),), dtype, scale, zero_point)
    yield _port(name, "output", header)


def _port(name: str, role: Role, header: str) -> Tensor:
    def macro(suffix: str) -> str:
        found = re.search(rf"^#define {name.upper()}_{suffix} \(?([^\s)]+?)f?\)?(?: |$)", header, re.MULTILINE)
        return found[1] if found else ""

    dtype = re.search(rf"^typedef (\w+?)(?:_t)? {name}_{role}_t;", header, re.MULTILINE)
    scale, zero_point = macro(f"{role.upper()}_SCALE"), macro(f"{role.upper()}_ZERO_POINT")
    return Tensor(
        role,
        role,
        (int(macro(f"{role.upper()}S")),),
        dtype[1] if dtype else "",
        float(scale) if scale else None,
        int(zero_point) if zero_point else None,
    )


def _meaning(text: str) -> tuple[float | None, int | None]:
    """Scale and zero point of a comment: `Q0.15`, or `int8, real = (q - (3)) * 0.01`."""
    if found := re.match(r"Q\d+\.(\d+)", text):
        return 2.0 ** -int(found[1]), 0
    if found := re.match(r"\w+, real = \(q(?: - \((-?\d+)\))?\) \* ([\d.e+-]+)", text):
        return float(found[2]), int(found[1] or 0)
    return None, None


def _sizes(arrays: list[_Array], tables: list[_Array]) -> tuple[dict[str, int], dict[str, int]]:
    """Bytes of source text and bytes of the compiled arrays."""
    text, flash = sizes(tables=sum(a.text for a in tables)), sizes(tables=sum(a.values.nbytes for a in tables))
    for array in arrays:
        section = "scales" if array.factor else "biases" if array.name.endswith(_BIASES) else "weights"
        text[section] += array.text
        flash[section] += array.values.nbytes
    return text, flash


def _string_bytes(literals: str) -> int:
    """The bytes of string literals, one a line, with octal escapes and their zeros at the end."""
    strings = re.findall(r'^\s*\{?"(.*)",', literals, re.MULTILINE)
    return sum(len(re.sub(r"\\[0-7]{3}", "x", string)) + 1 for string in strings)
