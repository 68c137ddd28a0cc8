"""The generated source: what the templates need, rendered and written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgernn import archive, fixed_point
from edgernn.errors import ExportError, InputError
from edgernn.lowering import TypedProgram, native
from edgernn.network import Form, Network, Precision, QuantizedNetwork
from edgernn.program import Op
from edgernn.reference import folded_bias, input_factor, rescale_factors
from edgernn.targets import Combination, artifact_name
from edgernn.targets.c import literals
from edgernn.targets.c.kernels import DEQUANTIZE_OUTPUT, QUANTIZE_FRAME, sources
from edgernn.targets.c.plan import BYTES, Plan, plan

if TYPE_CHECKING:
    import jinja2

SUPPORTED: frozenset[tuple[Form, Precision]] = frozenset({("step", "int8")})
_INT32_MAX = 2**31 - 1
_INT8_LARGEST = 128


@dataclass(frozen=True, eq=False)
class Linear:
    """The constants of one matrix product; the fields are those of the runtime's `ernn_linear`."""

    name: str
    weight: np.ndarray  # int8 [rows, columns]
    bias: np.ndarray  # int32 [rows]
    multiplier: np.ndarray  # int32 [rows]
    shift: np.ndarray  # uint8 [rows]


def export(network: Network, quantized: QuantizedNetwork, form: Form, precision: Precision, folder: Path) -> Path:
    """Write `c/int8/` below `folder` and return its path; C and header files of an earlier export go.

    Raises InputError when it cannot be written, or when the network's name is one of the runtime's.
    """
    path = folder / artifact_name(Combination("c", form, precision))
    files = render(quantized)
    for name, text in files.items():
        archive.write_text(path / name, text)
    for old in path.iterdir():
        if old.suffix in {".c", ".h"} and old.name not in files:
            old.unlink()
    return path


def render(quantized: QuantizedNetwork) -> dict[str, str]:
    """File name to content of the C folder."""
    network = quantized.network
    if network.name.startswith(("ernn_", "edgernn_")):
        raise InputError(f"name: {network.name} begins like the C runtime's names; choose another")
    typed = native(quantized)
    steps = plan(typed)
    linears = [_linear(op, typed) for op in typed.program.ops if op.primitive == "matvec"]
    context = _context(quantized, typed, steps, linears)
    kernels = {call.kernel for call in (*steps.body.calls, *steps.head.calls)}
    return {
        f"{network.name}.h": _template("model.h.j2").render(context),
        f"{network.name}.c": _template("model.c.j2").render(context),
        **sources(kernels | {QUANTIZE_FRAME, DEQUANTIZE_OUTPUT}),
    }


def _linear(op: Op, typed: TypedProgram) -> Linear:
    weight, bias = typed.weights[op.weight], folded_bias(op, typed)
    largest = np.abs(bias) + _INT8_LARGEST * np.abs(weight.astype(np.int64)).sum(axis=1)
    if largest.max() > _INT32_MAX:
        raise ExportError(f"{op.output}: its sums may not fit an int32; please report this")
    factors = np.array([fixed_point.multiplier(f) for f in rescale_factors(op, typed)], np.int64)
    integers, shifts = factors.T
    return Linear(literals.identifier(op.weight), weight, bias, integers, shifts)


def _context(
    quantized: QuantizedNetwork, typed: TypedProgram, steps: Plan, linears: list[Linear]
) -> dict[str, Any]:
    network, types, program = quantized.network, typed.types, typed.program
    states = [(s.name, program.sizes[s.name], types[s.name]) for s in program.states]
    return {
        "network": network,
        "name": network.name,
        "NAME": network.name.upper(),
        "hash": build_hash(quantized, typed, linears),
        "input": types[program.input],
        "output": types[program.output],
        "states": states,
        "state_bytes": sum(size * BYTES[qtype.dtype] for _, size, qtype in states),
        "plan": steps,
        "linears": linears,
        "mean": network.mean,
        "factor": input_factor(quantized),
    }


def build_hash(quantized: QuantizedNetwork, typed: TypedProgram, linears: Iterable[Linear]) -> str:
    """The first 16 hex digits of a sha256 over the program, its types, constants and normalisation."""
    program = typed.program
    digest = hashlib.sha256(repr((program.input, program.output, program.states, program.ops)).encode())
    digest.update(repr(sorted(program.sizes.items())).encode())
    types = sorted((name, t.dtype, float(t.scale).hex(), t.zero_point) for name, t in typed.types.items())
    digest.update(repr(types).encode())
    for linear in linears:
        for array in (linear.weight, linear.bias, linear.multiplier, linear.shift):
            digest.update(array.astype("<i8").tobytes())
    for normalisation in (quantized.network.mean, input_factor(quantized)):
        digest.update(normalisation.astype("<f4").tobytes())
    return digest.hexdigest()[:16]


@cache
def _environment() -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "identifier": literals.identifier,
        "floating": literals.floating,
        "string": literals.string,
        "comment": literals.comment,
        "q_format": literals.q_format,
        "integers": lambda values: literals.lines(literals.integer(int(v)) for v in np.ravel(values)),
        "floats": lambda values: literals.lines(literals.floating(v) for v in values),
    }
    return environment


def _template(name: str) -> jinja2.Template:
    return _environment().get_template(name)
