"""The runtime's kernels: which one computes which primitive, and which source files a set of them needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from edgernn.errors import ExportError
from edgernn.fixed_point import normalize_constants
from edgernn.lowering import TypedProgram
from edgernn.network import Tokens
from edgernn.program import EXPANDED, PRIMITIVES, Op, Primitive
from edgernn.reference import fraction_bits, product_shift, requantization, sum_shift
from edgernn.targets import Arithmetic
from edgernn.targets.c.literals import integer, wide

RUNTIME = Path(__file__).parents[2] / "runtime"
RUNTIME_HEADER = "edgernn_runtime.h"
NEXT_TOKEN: Mapping[Tokens, str] = {"words": "ernn_next_word", "characters": "ernn_next_character"}
FIND_TOKEN = "ernn_find_token"
FIND_CODE = "ernn_find_code"
# kernels for whoever calls a model, and not for the model
TEXT = frozenset({*NEXT_TOKEN.values(), FIND_TOKEN, FIND_CODE})
LOG_MEL = "ernn_log_mel_push_s16"
FEATURES = frozenset({"ernn_log_mel_push_s16", "ernn_log_mel_s16", "ernn_rfft_s32"})  # of sound
TOP = "ernn_top_s16"  # what comes next most likely
SAMPLE = "ernn_sample_s16"  # the next token, drawn
DETECT = "ernn_detect_s16"  # words along a stream
ALARM = "ernn_alarm_s16"  # anomalies along a stream
OWN_HEADERS: Mapping[str, frozenset[str]] = {  # headers that only models with one of these kernels have
    "edgernn_features.h": FEATURES,
    "edgernn_text.h": TEXT,
    f"{DETECT}.h": frozenset({DETECT}),
    f"{TOP}.h": frozenset({TOP}),
    f"{SAMPLE}.h": frozenset({SAMPLE}),
    f"{ALARM}.h": frozenset({ALARM}),
}
HEADERS = tuple(sorted(path.name for path in RUNTIME.glob("edgernn_*.h") if path.name not in OWN_HEADERS))
COPY = {"int8": "ernn_copy_s8", "int16": "ernn_copy_s16"}
QUANTIZE_FRAME = {"int8": "ernn_quantize_f32_s8", "int16": "ernn_quantize_f32_s16"}
TURNING = {"ernn_matvec_s8_s16": "ernn_matvec_turning_s8_s16"}  # kernels that can read a matrix backward
DEQUANTIZE_OUTPUT = "ernn_dequantize_s16_f32"

Parameters = Callable[[Op, TypedProgram], tuple[str, ...]]


@dataclass(frozen=True)
class Kernel:
    """What computes a primitive on these types; `parameters` are its last arguments, such as a shift."""

    name: str
    inputs: tuple[str, ...]
    output: str
    parameters: Parameters | None = None


def _zero_point(op: Op, typed: TypedProgram) -> tuple[str, ...]:
    return (integer(typed.types[op.output].zero_point),)


def _sum_shift(op: Op, typed: TypedProgram) -> tuple[str, ...]:
    return (integer(sum_shift(op, typed)),)


def _product_shift(op: Op, typed: TypedProgram) -> tuple[str, ...]:
    return (integer(product_shift(op, typed)),)


def _fraction_bits(op: Op, typed: TypedProgram) -> tuple[str, ...]:
    return (integer(fraction_bits(op.inputs[0], typed)),)


def _normalization(op: Op, typed: TypedProgram) -> tuple[str, ...]:
    scale, bits = typed.types[op.inputs[0]].scale, fraction_bits(op.output, typed)
    up, epsilon, root, shift = normalize_constants(typed.program.sizes[op.output], scale, bits)
    return integer(up), wide(epsilon), wide(root), integer(shift)


def _requantization(op: Op, typed: TypedProgram) -> tuple[str, ...]:
    return tuple(integer(value) for value in requantization(op, typed))


def _narrowing(op: Op, typed: TypedProgram) -> tuple[str, ...]:
    return (integer(_pure_shift(op, typed)),)


def _pure_shift(op: Op, typed: TypedProgram) -> int:
    """The bits that a requantisation takes off, when it does nothing else; otherwise 0."""
    zero_in, multiplier, shift, zero_out = requantization(op, typed)
    pure = (zero_in, multiplier, zero_out) == (0, 2**30, 0) and shift - 30 in range(1, 16)
    return shift - 30 if pure else 0


_PAIR = ("int16", "int16")
_TRIPLE = ("int16", "int16", "int16")
_NARROWING = Kernel("ernn_requantize_s16_s8", ("int16",), "int8", _narrowing)
_SCALAR: Mapping[Primitive, tuple[int, Kernel]] = {  # which input may be one element for all, and the kernel then
    "mul": (1, Kernel("ernn_mul_scalar_s16", _PAIR, "int16", _product_shift)),
    "blend": (0, Kernel("ernn_blend_scalar_s16", _TRIPLE, "int16")),
}
KERNELS: Mapping[Primitive, tuple[Kernel, ...]] = {
    "matvec": (
        Kernel("ernn_matvec_s8_s16", ("int8",), "int16"),
        Kernel("ernn_matvec_s8_s8", ("int8",), "int8", _zero_point),
        Kernel("ernn_matvec_s16_s16", ("int16",), "int16"),
        Kernel("ernn_matvec_s16_s8", ("int16",), "int8", _zero_point),
    ),
    "lookup": (Kernel("ernn_lookup_s8", ("int16",), "int8"),),
    "add": (Kernel("ernn_add_s16", _PAIR, "int16", _sum_shift),),
    "sub": (Kernel("ernn_sub_s16", _PAIR, "int16", _sum_shift),),
    "max": (Kernel("ernn_max_s16", _PAIR, "int16"), Kernel("ernn_max_s8", ("int8", "int8"), "int8")),
    "mul": (Kernel("ernn_mul_s16", _PAIR, "int16", _product_shift),),
    "sigmoid": (Kernel("ernn_sigmoid_s16", ("int16",), "int16"),),
    "tanh": (Kernel("ernn_tanh_s16", ("int16",), "int16"),),
    "relu": (Kernel("ernn_relu_s16", ("int16",), "int16"),),
    "softplus": (Kernel("ernn_softplus_s16", ("int16",), "int16"),),
    "softmax": (Kernel("ernn_softmax_s16", ("int16",), "int16", _fraction_bits),),
    "normalize": (Kernel("ernn_normalize_s16", ("int16",), "int16", _normalization),),
    "blend": (Kernel("ernn_blend_s16", _TRIPLE, "int16"),),
    "requantize": (
        Kernel("ernn_rescale_s16_s16", ("int16",), "int16", _requantization),
        Kernel("ernn_rescale_s16_s8", ("int16",), "int8", _requantization),
        Kernel("ernn_rescale_s8_s16", ("int8",), "int16", _requantization),
        Kernel("ernn_rescale_s8_s8", ("int8",), "int8", _requantization),
    ),
}
VIEWS: frozenset[Primitive] = frozenset({"slice"})  # pointer arithmetic, no kernel
DATA: frozenset[Primitive] = frozenset({"constant"})  # an array
COPIES: frozenset[Primitive] = frozenset({"concat"})  # a copy for each part

if set(KERNELS) | VIEWS | DATA | COPIES != set(PRIMITIVES) - EXPANDED:
    raise AssertionError("a primitive has no C kernel")


def _arithmetic(kernel: str) -> Arithmetic:
    if "_f32" in kernel:
        return "float"
    return "none" if kernel in COPY.values() or kernel.startswith("ernn_lookup") else "integer"


_GATES = ("ernn_sigmoid_table", "ernn_tanh_table")
NEEDS: Mapping[str, tuple[str, ...]] = {  # the other files that a kernel needs
    "ernn_sigmoid_s16": _GATES[:1],
    "ernn_tanh_s16": _GATES[1:],
    "ernn_gru_s16": _GATES,
    "ernn_lstm_s16": _GATES,
    "ernn_detect_s16": ("ernn_softmax_s16",),
    "ernn_matvec_turning_s8_s16": ("ernn_matvec_s8_s16",),
    "ernn_matmul_s8_s16": ("ernn_matvec_s8_s16",),
    "ernn_matmul_s16_s16": ("ernn_matvec_s16_s16",),
    "ernn_log_mel_push_s16": ("ernn_log_mel_s16", "ernn_rfft_s32"),
    "ernn_log_mel_s16": ("ernn_rfft_s32",),
}
ARITHMETIC: Mapping[str, Arithmetic] = {
    path.stem: _arithmetic(path.stem) for path in RUNTIME.glob("ernn_*.c") if path.stem not in (*_GATES, *TEXT)
}
MATRIX_PRODUCTS = frozenset(name for name in ARITHMETIC if name.startswith(("ernn_matvec_", "ernn_matmul_")))


def kernel_of(op: Op, typed: TypedProgram) -> Kernel:
    """The kernel of `op`; raises ExportError when the runtime has none for the op's types."""
    inputs = tuple(typed.types[name].dtype for name in op.inputs)
    output = typed.types[op.output].dtype
    for kernel in _candidates(op, typed):
        if (inputs, output) == (kernel.inputs, kernel.output):
            return kernel
    types = f"{', '.join(inputs)} to {output}"
    raise ExportError(f"{op.output}: no C kernel for {op.primitive} of {types}; please report this")


def _candidates(op: Op, typed: TypedProgram) -> tuple[Kernel, ...]:
    sizes = typed.program.sizes
    if op.primitive in _SCALAR:
        index, kernel = _SCALAR[op.primitive]
        if sizes[op.inputs[index]] != sizes[op.output]:
            return (kernel,)
    if op.primitive == "requantize" and _pure_shift(op, typed):
        return (_NARROWING, *KERNELS["requantize"])
    return KERNELS[op.primitive]


def sources(names: Iterable[str]) -> dict[str, str]:
    """File name to content: the headers, the kernels `names` and the files that they need."""
    wanted = set(names)
    wanted |= {needed for name in wanted for needed in NEEDS.get(name, ())}
    headers = (*HEADERS, *(header for header, kernels in OWN_HEADERS.items() if wanted & kernels))
    files = (*headers, *(f"{name}.c" for name in sorted(wanted)))
    return {file: (RUNTIME / file).read_text("utf-8") for file in files}


def runtime_version() -> int:
    """What the header says of the kernels' arguments and results."""
    found = re.search(
        r"^#define ERNN_RUNTIME_VERSION (\d+)$", (RUNTIME / RUNTIME_HEADER).read_text("utf-8"), re.MULTILINE
    )
    if found is None:
        raise ExportError(f"{RUNTIME_HEADER} does not give its version; install edgernn again")
    return int(found[1])
