"""The one list of TFLite operators that edgernn writes: what work each does, and its version by type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

OperatorName = Literal[
    "FULLY_CONNECTED",
    "ADD",
    "SUB",
    "MUL",
    "MAXIMUM",
    "LOGISTIC",
    "TANH",
    "RELU",
    "SOFTMAX",
    "MEAN",
    "RSQRT",
    "NEG",
    "LOG",
    "QUANTIZE",
    "DEQUANTIZE",
    "CAST",
    "LESS",
    "SPLIT",
    "SLICE",
    "CONCATENATION",
    "GATHER",
    "RESHAPE",
    "FILL",
    "DYNAMIC_UPDATE_SLICE",
    "WHILE",
]
Work = Literal["product", "arithmetic", "movement", "control"]


class OperatorSpec(NamedTuple):
    """`versions` by operand type, as TensorFlow's op_version.cc assigns them; `hybrid`: float over int8 weights."""

    work: Work
    versions: Mapping[str, int]


_PRODUCT = {"float32": 1, "int8": 4, "int16": 11, "hybrid": 9, "hybrid by row": 12}  # 11: with an int32 bias
OPERATORS: Mapping[OperatorName, OperatorSpec] = {
    "FULLY_CONNECTED": OperatorSpec("product", _PRODUCT),
    "ADD": OperatorSpec("arithmetic", {"float32": 1, "int8": 2, "int16": 3, "int32": 1}),
    "SUB": OperatorSpec("arithmetic", {"float32": 1, "int8": 2, "int16": 5, "int32": 1}),
    "MUL": OperatorSpec("arithmetic", {"float32": 1, "int8": 2, "int16": 4, "int32": 1}),
    "MAXIMUM": OperatorSpec("arithmetic", {"float32": 1, "int8": 2, "int16": 4}),
    "LOGISTIC": OperatorSpec("arithmetic", {"float32": 1, "int8": 2, "int16": 3}),
    "TANH": OperatorSpec("arithmetic", {"float32": 1, "int8": 2, "int16": 3}),
    "RELU": OperatorSpec("arithmetic", {"float32": 1, "int8": 2, "int16": 3}),
    "SOFTMAX": OperatorSpec("arithmetic", {"float32": 1, "int8": 2, "int16": 3}),
    "MEAN": OperatorSpec("arithmetic", {"float32": 1, "int8": 2, "int16": 3}),
    "RSQRT": OperatorSpec("arithmetic", {"float32": 1, "int8": 2, "int16": 3}),
    "NEG": OperatorSpec("arithmetic", {"float32": 1}),
    "LOG": OperatorSpec("arithmetic", {"float32": 1}),
    "QUANTIZE": OperatorSpec("arithmetic", {"int8": 1, "int16": 2}),  # by the type it makes
    "DEQUANTIZE": OperatorSpec("arithmetic", {"int8": 2}),  # by the type it reads
    "CAST": OperatorSpec("movement", {"int8": 3}),
    "LESS": OperatorSpec("control", {"int32": 1}),
    "SPLIT": OperatorSpec("movement", {"float32": 1, "int8": 2, "int16": 4, "int32": 3}),
    "SLICE": OperatorSpec("movement", {"float32": 1, "int8": 2, "int16": 4, "int32": 1}),
    "CONCATENATION": OperatorSpec("movement", {"float32": 1, "int8": 2, "int16": 3}),
    "GATHER": OperatorSpec("movement", {"float32": 1, "int8": 2, "int16": 4}),
    "FILL": OperatorSpec("movement", {"float32": 1, "int8": 3}),
    "RESHAPE": OperatorSpec("movement", {"": 1}),
    "DYNAMIC_UPDATE_SLICE": OperatorSpec("movement", {"": 1}),
    "WHILE": OperatorSpec("control", {"": 1}),
}
BOUNDARY = frozenset({"QUANTIZE", "DEQUANTIZE"})  # from float and back to it
MATRIX_PRODUCTS: frozenset[str] = frozenset(name for name, spec in OPERATORS.items() if spec.work == "product")

if set(OPERATORS) != set(get_args(OperatorName)):
    raise AssertionError("OPERATORS and OperatorName disagree")
