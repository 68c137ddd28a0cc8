"""The runtime's kernels: which one computes which primitive, and which source files a set of them needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from edgernn.errors import ExportError
from edgernn.lowering import TypedProgram
from edgernn.program import PRIMITIVES, Op, Primitive
from edgernn.reference import product_shift, requantize_shift, sum_shift
from edgernn.targets import Arithmetic

RUNTIME = Path(__file__).parents[2] / "runtime"
HEADERS = ("edgernn_runtime.h", "edgernn_arithmetic.h", "edgernn_products.h")
COPY = "ernn_copy_s16"
QUANTIZE_FRAME = "ernn_quantize_f32_s8"
DEQUANTIZE_OUTPUT = "ernn_dequantize_s16_f32"


@dataclass(frozen=True)
class Kernel:
    """What computes a primitive on these types; `parameter` gives its last argument, a shift or a zero point."""

    name: str
    inputs: tuple[str, ...]
    output: str
    parameter: Callable[[Op, TypedProgram], int] | None = None


def _zero_point(op: Op, typed: TypedProgram) -> int:
    return typed.types[op.output].zero_point


KERNELS: Mapping[Primitive, tuple[Kernel, ...]] = {
    "matvec": (
        Kernel("ernn_matvec_s8_s16", ("int8",), "int16"),
        Kernel("ernn_matvec_s8_s8", ("int8",), "int8", _zero_point),
    ),
    "add": (Kernel("ernn_add_s16", ("int16", "int16"), "int16", sum_shift),),
    "sub": (Kernel("ernn_sub_s16", ("int16", "int16"), "int16", sum_shift),),
    "mul": (Kernel("ernn_mul_s16", ("int16", "int16"), "int16", product_shift),),
    "sigmoid": (Kernel("ernn_sigmoid_s16", ("int16",), "int16"),),
    "tanh": (Kernel("ernn_tanh_s16", ("int16",), "int16"),),
    "blend": (Kernel("ernn_blend_s16", ("int16", "int16", "int16"), "int16"),),
    "requantize": (Kernel("ernn_requantize_s16_s8", ("int16",), "int8", requantize_shift),),
}
VIEWS: frozenset[Primitive] = frozenset({"slice"})  # pointer arithmetic, no kernel
MATRIX_PRODUCTS = frozenset(kernel.name for kernel in KERNELS["matvec"])

if set(KERNELS) | VIEWS != set(PRIMITIVES):
    raise AssertionError("a primitive has no C kernel")

ARITHMETIC: Mapping[str, Arithmetic] = {
    **{kernel.name: "integer" for kernels in KERNELS.values() for kernel in kernels},
    COPY: "none",
    QUANTIZE_FRAME: "float",
    DEQUANTIZE_OUTPUT: "float",
}


def kernel_of(op: Op, typed: TypedProgram) -> Kernel:
    """The kernel of `op`; raises ExportError when the runtime has none for the op's types."""
    inputs = tuple(typed.types[name].dtype for name in op.inputs)
    output = typed.types[op.output].dtype
    for kernel in KERNELS[op.primitive]:
        if (inputs, output) == (kernel.inputs, kernel.output):
            return kernel
    types = f"{', '.join(inputs)} to {output}"
    raise ExportError(f"{op.output}: no C kernel for {op.primitive} of {types}; please report this")


def sources(names: Iterable[str]) -> dict[str, str]:
    """File name to content: the headers and the kernels `names`."""
    files = (*HEADERS, *(f"{name}.c" for name in sorted(set(names))))
    return {file: (RUNTIME / file).read_text("utf-8") for file in files}
