"""The one list of TFLite operators that edgernn writes: what work each does, and its version by type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

OperatorName = Literal[
    "FULLY_CONNECTED",
    "ADD",
    "SUB",
    "MUL",
    "LOGISTIC",
    "TANH",
    "QUANTIZE",
    "LESS",
    "SPLIT",
    "SLICE",
    "GATHER",
    "WHILE",
]
Work = Literal["product", "arithmetic", "movement", "control"]


class OperatorSpec(NamedTuple):
    """`versions` by operand type, as TensorFlow's op_version.cc assigns them; `hybrid`: float over int8 weights."""

    work: Work
    versions: Mapping[str, int]


OPERATORS: Mapping[OperatorName, OperatorSpec] = {
    "FULLY_CONNECTED": OperatorSpec("product", {"float32": 1, "int8": 4, "hybrid": 9, "hybrid by row": 12}),
    "ADD": OperatorSpec("arithmetic", {"float32": 1, "int8": 2, "int16": 3, "int32": 1}),
    "SUB": OperatorSpec("arithmetic", {"float32": 1, "int8": 2, "int16": 5}),
    "MUL": OperatorSpec("arithmetic", {"float32": 1, "int8": 2, "int16": 4}),
    "LOGISTIC": OperatorSpec("arithmetic", {"float32": 1, "int8": 2}),
    "TANH": OperatorSpec("arithmetic", {"float32": 1, "int8": 2}),
    "QUANTIZE": OperatorSpec("arithmetic", {"int8": 1, "int16": 2}),  # by the type it makes
    "LESS": OperatorSpec("control", {"int32": 1}),
    "SPLIT": OperatorSpec("movement", {"float32": 1, "int8": 2, "int16": 4}),
    "SLICE": OperatorSpec("movement", {"float32": 1, "int8": 2, "int16": 4}),
    "GATHER": OperatorSpec("movement", {"float32": 1, "int8": 2, "int16": 4}),
    "WHILE": OperatorSpec("control", {"": 1}),
}
BOUNDARY = frozenset({"QUANTIZE", "DEQUANTIZE"})  # from float and back to it
MATRIX_PRODUCTS: frozenset[str] = frozenset(name for name, spec in OPERATORS.items() if spec.work == "product")

if set(OPERATORS) != set(get_args(OperatorName)):
    raise AssertionError("OPERATORS and OperatorName disagree")
