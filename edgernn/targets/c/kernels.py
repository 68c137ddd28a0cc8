"""The runtime's kernels: which one computes which primitive, and which source files a set of them needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import log2
from pathlib import Path

from edgernn.errors import ExportError
from edgernn.lowering import TypedProgram
from edgernn.program import PRIMITIVES, Op, Primitive
from edgernn.reference import product_shift
from edgernn.targets import Arithmetic

RUNTIME = Path(__file__).parents[2] / "runtime"
HEADERS = ("edgernn_runtime.h", "edgernn_arithmetic.h")
COPY = "ernn_copy_s16"
QUANTIZE_FRAME = "ernn_quantize_f32_s8"
DEQUANTIZE_OUTPUT = "ernn_dequantize_s16_f32"


@dataclass(frozen=True)
class Kernel:
    """What computes a primitive on these types; `shift` gives its last argument, bits to shift right by."""

    name: str
    inputs: tuple[str, ...]
    output: str
    shift: Callable[[Op, TypedProgram], int] | None = None
    largest_shift: int = 0


def requantize_shift(op: Op, typed: TypedProgram) -> int:
    """The right shift that takes the input's power-of-two type to the output's."""
    return round(log2(typed.types[op.output].scale / typed.types[op.inputs[0]].scale))


KERNELS: Mapping[Primitive, Kernel] = {
    "matvec": Kernel("ernn_matvec_s8_s16", ("int8",), "int16"),
    "add": Kernel("ernn_add_s16", ("int16", "int16"), "int16"),
    "sub": Kernel("ernn_sub_s16", ("int16", "int16"), "int16"),
    "mul": Kernel("ernn_mul_s16", ("int16", "int16"), "int16", product_shift, 30),
    "sigmoid": Kernel("ernn_sigmoid_s16", ("int16",), "int16"),
    "tanh": Kernel("ernn_tanh_s16", ("int16",), "int16"),
    "blend": Kernel("ernn_blend_s16", ("int16", "int16", "int16"), "int16"),
    "requantize": Kernel("ernn_requantize_s16_s8", ("int16",), "int8", requantize_shift, 15),
}
VIEWS: frozenset[Primitive] = frozenset({"slice"})  # pointer arithmetic, no kernel
MATRIX_PRODUCTS = frozenset({KERNELS["matvec"].name})

if set(KERNELS) | VIEWS != set(PRIMITIVES):
    raise AssertionError("a primitive has no C kernel")

ARITHMETIC: Mapping[str, Arithmetic] = {
    **{kernel.name: "integer" for kernel in KERNELS.values()},
    COPY: "none",
    QUANTIZE_FRAME: "float",
    DEQUANTIZE_OUTPUT: "float",
}


def kernel_of(op: Op, typed: TypedProgram) -> Kernel:
    """The kernel of `op`; raises ExportError when the runtime has none for the op's types."""
    kernel = KERNELS[op.primitive]
    inputs = tuple(typed.types[name].dtype for name in op.inputs)
    output = typed.types[op.output].dtype
    if inputs != kernel.inputs or output != kernel.output:
        types = f"{', '.join(inputs)} to {output}"
        raise ExportError(f"{op.output}: no C kernel for {op.primitive} of {types}; please report this")
    return kernel


def shift_of(op: Op, kernel: Kernel, typed: TypedProgram) -> int | None:
    """The kernel's shift for `op`, None when it has none; raises ExportError when it is out of range."""
    if kernel.shift is None:
        return None
    bits = kernel.shift(op, typed)
    if not 1 <= bits <= kernel.largest_shift:
        raise ExportError(f"{op.output}: {kernel.name} cannot shift by {bits} bits; please report this")
    return bits


def sources(names: Iterable[str]) -> dict[str, str]:
    """File name to content: the headers and the kernels `names`."""
    files = (*HEADERS, *(f"{name}.c" for name in sorted(set(names))))
    return {file: (RUNTIME / file).read_text("utf-8") for file in files}
