"""The generated source: what the templates need, rendered and written."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from edgernn import archive
from edgernn.decide import AlarmRule, SampleRule, TopRule, WordRule, words
from edgernn.errors import ExportError, InputError
from edgernn.features.log_mel import FRACTION_BITS, LogMel
from edgernn.lowering import QType, TypedPass, native
from edgernn.network import Form, IntegerPrecision, Network, Precision, QuantizedNetwork
from edgernn.reference import input_factor
from edgernn.targets import Combination, artifact_name
from edgernn.targets.c import literals
from edgernn.targets.c.constants import Constants, constants
from edgernn.targets.c.join import join
from edgernn.targets.c.kernels import (
    ALARM,
    DEQUANTIZE_OUTPUT,
    DETECT,
    FIND_CODE,
    FIND_TOKEN,
    LOG_MEL,
    NEXT_TOKEN,
    QUANTIZE_FRAME,
    SAMPLE,
    TOP,
    runtime_version,
    sources,
)
from edgernn.targets.c.log_mel import tables
from edgernn.targets.c.order import BYTES
from edgernn.targets.c.schedule import Unit, Window, units, window

if TYPE_CHECKING:
    import jinja2

SUPPORTED: frozenset[tuple[Form, Precision]] = frozenset(product(get_args(Form), get_args(IntegerPrecision)))


@dataclass(frozen=True)
class Field:
    """A state in the model's struct; `initial` is what its elements begin with."""

    name: str
    size: int
    type: QType
    initial: int


def export(network: Network, quantized: QuantizedNetwork, form: Form, precision: Precision, folder: Path) -> Path:
    """Write `c/<precision>/` below `folder` and return its path; C and header files of an earlier export go.

    Raises InputError when it cannot be written, or when the network's name is one of the runtime's; ExportError
    for what the runtime cannot compute.
    """
    path = folder / artifact_name(Combination("c", form, precision))
    files = render(quantized.at(precision))
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
    passes = tuple(join(one) for one in native(quantized))
    if passes[-1].output.dtype != "int16":
        raise ExportError(
            f"{network.name}: its result is {passes[-1].output.dtype}, and C gives int16; add a layer"
        )
    held = constants(passes)
    model = units(passes, held, network.streams)
    context = _context(quantized, passes, held, model)
    blocks = [block for unit in model for block in (unit.plan.body, unit.plan.head)]
    kernels = {call.kernel for block in blocks for call in block.calls}
    kernels |= {unit.plan.ahead.kernel for unit in model if unit.plan.ahead}
    kernels |= _reading(network)
    if isinstance(network.decide, WordRule):
        kernels.add(DETECT)
    if isinstance(network.decide, TopRule):
        kernels.add(TOP)
    if isinstance(network.decide, SampleRule):
        kernels.add(SAMPLE)
    if isinstance(network.decide, AlarmRule):
        kernels |= {ALARM, QUANTIZE_FRAME["int16"]}
    if _log_mel(network):
        kernels.add(LOG_MEL)
    return {
        f"{network.name}.h": _template("model.h.j2").render(context),
        f"{network.name}.c": _template("model.c.j2").render(context),
        **sources(kernels | {QUANTIZE_FRAME[model[0].input.dtype], DEQUANTIZE_OUTPUT}),
    }


def _context(
    quantized: QuantizedNetwork, passes: Sequence[TypedPass], held: Constants, model: Sequence[Unit]
) -> dict[str, Any]:
    network = quantized.network
    fields = _fields(model)
    whole = None if network.streams else window(network, passes)
    odd = _odd(fields, whole)
    return {
        "network": network,
        "name": network.name,
        "NAME": network.name.upper(),
        "hash": build_hash(quantized, passes, held),
        "runtime_version": runtime_version(),
        "input": model[0].input,
        "output": passes[-1].output,
        "frames_per_step": network.frames_per_step if network.streams else 1,
        "fields": fields,
        "odd": odd,
        "state_bytes": sum(_bytes(field) for field in fields) + (whole.frames_bytes if whole else 0) + odd,
        "scratch_bytes": max(unit.plan.scratch_bytes for unit in model),
        "ahead": model[0].plan.ahead,
        "turning": model[0].plan.turning,
        "units": model,
        "window": whole,
        "matrices": held.matrices,
        "linears": held.distinct,
        "vectors": held.vectors,
        "quantize_frame": QUANTIZE_FRAME[model[0].input.dtype],
        "dequantize_output": DEQUANTIZE_OUTPUT,
        **_sound(_log_mel(network)),
        "detect": _detect(network, passes[-1].output),
        "sample": _sample(network, passes[-1].output),
        "alarm": _alarm(network, passes[-1].output),
        "mean": network.mean,
        "factor": input_factor(quantized),
        "next_token": next(iter(_reading(network) & {*NEXT_TOKEN.values()}), ""),
        "tokens": _tokens(network),
        "codes": _codes(network),
        "top": network.decide if isinstance(network.decide, TopRule) else None,
    }


def _reading(network: Network) -> set[str]:
    """The kernels for whoever makes the tokens that a network reads."""
    if network.vocabulary is None:
        return set()
    kind = network.vocabulary.kind
    find = FIND_CODE if network.vocabulary.exact else FIND_TOKEN
    return {find} if kind == "items" else {find, NEXT_TOKEN[kind]}


def _tokens(network: Network) -> list[tuple[str, int]]:
    """The vocabulary of texts in lower case, in order of its bytes, with the numbers of its tokens."""
    numbers = network.vocabulary.numbers if network.vocabulary and not network.vocabulary.exact else {}
    return sorted(numbers.items(), key=lambda pair: pair[0].encode())


def _codes(network: Network) -> list[int]:
    """The numbers of what a network knows as it is written, its labels, in order of their bytes.

    Raises ExportError where its labels are something else.
    """
    if network.vocabulary is None or not network.vocabulary.exact:
        return []
    if network.labels != network.vocabulary.entries:
        raise ExportError(f"{network.name}: its labels are not its vocabulary, whose capital letters count")
    return [number for _, number in sorted((code.encode(), i) for code, i in network.vocabulary.numbers.items())]


def _log_mel(network: Network) -> LogMel | None:
    """What makes frames of sound, of a network that takes them one by one; None of any other."""
    constants = (network.features or {}).get("log_mel")
    return LogMel(**constants) if constants and network.streams else None  # type: ignore[arg-type]


def _sound(mel: LogMel | None) -> dict[str, Any]:
    """What turns sound into the network's frames needs."""
    return {"log_mel": mel, "log_mel_tables": tables(mel) if mel else "", "log_mel_unit": 2**FRACTION_BITS}


def _detect(network: Network, output: QType) -> dict[str, Any] | None:
    """What the rule for words needs; None without it."""
    if not isinstance(network.decide, WordRule):
        return None
    bits = words.fraction_bits(output.scale)
    return {"rule": network.decide, "words": words.words(network.labels), "bits": bits}


def _sample(network: Network, output: QType) -> dict[str, Any] | None:
    """What the rule for drawn tokens needs; None without it."""
    if not isinstance(network.decide, SampleRule):
        return None
    bits = words.fraction_bits(output.scale)
    return {"rule": network.decide, "top_k": network.decide.candidates(network.outputs), "bits": bits}


def _alarm(network: Network, output: QType) -> dict[str, Any] | None:
    """What the network's rule for alarms needs; None without one."""
    if not isinstance(network.decide, AlarmRule):
        return None
    total = network.decide.total(network.outputs, output.scale)
    channel = network.channels[network.decide.channel]
    return {"rule": network.decide, "total": total, "channel": channel, "quantize": QUANTIZE_FRAME["int16"]}


def _fields(model: Sequence[Unit]) -> list[Field]:
    """All states, those of int16 first: then no compiler needs to leave gaps between them."""
    fields = [
        Field(
            literals.identifier(state.name),
            unit.typed.program.sizes[state.name],
            unit.typed.types[state.name],
            unit.typed.initial(state),
        )
        for unit in model
        for state in unit.typed.program.states
    ]
    return sorted(fields, key=lambda field: -BYTES[field.type.dtype])


def _bytes(field: Field) -> int:
    return field.size * BYTES[field.type.dtype]


def _odd(fields: Sequence[Field], whole: Window | None) -> bool:
    """Whether the struct needs one byte more: to be a multiple of its int16, or because it has nothing."""
    wide = any(field.type.dtype == "int16" for field in fields) or bool(whole and whole.frames_bytes)
    return not fields if not wide else sum(_bytes(field) for field in fields) % BYTES["int16"] == 1


def build_hash(quantized: QuantizedNetwork, passes: Sequence[TypedPass], held: Constants) -> str:
    """The first 16 hex digits of a sha256 over the programs, their types, constants and normalisation."""
    network = quantized.network
    digest = hashlib.sha256(repr((network.steps, network.every_step)).encode())
    for typed in (typed for one in passes for typed in one.programs):
        program = typed.program
        digest.update(repr((program.input, program.output, program.states, program.ops)).encode())
        digest.update(repr(sorted(program.sizes.items())).encode())
        types = sorted((name, t.dtype, float(t.scale).hex(), t.zero_point) for name, t in typed.types.items())
        digest.update(repr(types).encode())
    for linear in held.distinct:
        for array in (linear.matrix.weight, linear.bias, linear.multiplier, linear.shift, np.array([linear.left])):
            digest.update(array.astype("<i8").tobytes())
    for vector in held.vectors:
        digest.update(vector.values.astype("<i8").tobytes())
    for normalisation in (network.mean, input_factor(quantized)):
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
        "integer": literals.integer,
        "string": literals.string,
        "comment": literals.comment,
        "origin": lambda matrices: " + ".join(f"{name} [{rows}]" for name, rows in matrices.items()),
        "q_format": literals.q_format,
        "elements": literals.lines,
        "integers": lambda values: literals.lines(literals.integer(int(v)) for v in np.ravel(values)),
        "floats": lambda values: literals.lines(literals.floating(v) for v in values),
    }
    return environment


def _template(name: str) -> jinja2.Template:
    return _environment().get_template(name)
