"""Artifact writers. A target is one module (or package) with five things, and one line in `TARGETS`.

`SUPPORTED` is the set of (form, precision) that it can write; `export(network, quantized, form, precision,
folder)` writes one artifact and returns its path; `content(path)` reads an artifact back and says which
operators it has, what arithmetic they do and how large the weights are. Of the operators, `MATRIX_PRODUCTS`
multiply by weights, and only those of `BOUNDARY` may work in float in an int8 artifact.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, cast

from edgernn import __version__
from edgernn.decide import described
from edgernn.errors import EdgernnError, ExportError, InputError
from edgernn.lowering import TypedProgram
from edgernn.network import Form, Network, Precision, QuantizedNetwork
from edgernn.program import State

Arithmetic = Literal["integer", "float", "none"]  # none: moves data or steers control flow

TARGETS = {"tflite": "edgernn.targets.tflite", "onnx": "edgernn.targets.onnx", "c": "edgernn.targets.c"}


class Combination(NamedTuple):
    """One artifact that can be asked for."""

    target: str
    form: Form
    precision: Precision


@dataclass(frozen=True)
class Operator:
    """The operators of one name and arithmetic in an artifact."""

    name: str
    count: int
    arithmetic: Arithmetic


class Content(NamedTuple):
    """What a written artifact holds: its operators, and the bytes of its float and integer weights."""

    operators: tuple[Operator, ...]
    float_weight_bytes: int
    integer_weight_bytes: int


class Target(Protocol):
    """What a target's module offers."""

    SUPPORTED: frozenset[tuple[Form, Precision]]
    MATRIX_PRODUCTS: frozenset[str]  # the operator names that multiply by weights
    BOUNDARY: frozenset[str]  # those that may be float in an int8 artifact: they quantise and dequantise frames

    def export(
        self, network: Network, quantized: QuantizedNetwork, form: Form, precision: Precision, folder: Path
    ) -> Path: ...

    def content(self, path: Path) -> Content: ...


def target(name: str) -> Target:
    return cast(Target, import_module(TARGETS[name]))


def supported() -> frozenset[Combination]:
    """Every artifact that edgernn can write."""
    return frozenset(Combination(name, *pair) for name in TARGETS for pair in target(name).SUPPORTED)


def artifact_name(combination: Combination) -> str:
    """The artifact's path below `artifacts/`; a C folder holds both forms."""
    if combination.target == "c":
        return f"c/{combination.precision}"
    stem = "model" if combination.form == "sequence" else "step"
    return f"{stem}.{combination.precision}.{combination.target}"


def artifact_bytes(path: Path) -> int:
    """The size of an artifact; of a C folder, the sum of its files."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def audit(combination: Combination, path: Path) -> Content:
    """Read a written artifact back and hold it to its precision.

    Raises ExportError when an int8 artifact works in float anywhere but at its boundary or carries float
    weights, or when a dynamic one has no integer weights; InputError when it is damaged.
    """
    writer = target(combination.target)
    content = writer.content(path)
    floats = {op.name for op in content.operators if op.arithmetic == "float"} - writer.BOUNDARY
    if combination.precision in ("int8", "int16x8") and (floats or content.float_weight_bytes):
        raise ExportError(
            f"{path.name} is not {combination.precision}: float operators {sorted(floats)}, "
            f"{content.float_weight_bytes} bytes of float weights; please report this"
        )
    if combination.precision != "float32" and not content.integer_weight_bytes:
        raise ExportError(f"{path.name} has no int8 weights; please report this")
    return content


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Tells whatever goes wrong inside as InputError.

    Parsers of model files check neither offsets nor indices, so a damaged file can end in any exception.
    """
    try:
        yield
    except EdgernnError:
        raise
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except Exception:
        raise InputError(f"{path} is damaged, or no {path.suffix} file; build it again") from None


def read_name(state: State) -> str:
    """The name of a state among the inputs of a step artifact, `gru.h` for the value `gru/h`."""
    return state.name.replace("/", ".")


def next_name(state: State) -> str:
    """The name of a state among the outputs of a step artifact, `gru.h.next`."""
    return read_name(state) + ".next"


def metadata(
    network: Network, form: Form, precision: Precision, typed: TypedProgram | None = None
) -> dict[str, object]:
    """What travels inside every artifact: how to make its input from raw frames, and what its output means.

    `typed` is the program of an integer artifact. In step form `states` says what each state holds at the start
    of a stream, in the numbers of its port; `frames_per_step` raw frames, one after the other, make one step.
    `vocabulary` is there in networks that read texts, `encoding` where channels are not all measured, and `every`
    where one row of a recording in so many is a frame.
    """
    about: dict[str, object] = {
        "edgernn": __version__,
        "name": network.name,
        "form": form,
        "precision": precision,
        "steps": network.steps,
        "frames_per_step": network.frames_per_step,
        "every_step": network.every_step,
        "tokens": network.tokens,
        "rate_hz": network.rate_hz,
        "channels": list(network.channels),
        "mean": [float(value) for value in network.mean],
        "std": [float(value) for value in network.std],
        "task": network.task,
        "labels": list(network.labels),
        "layers": [{"name": one.name, "kind": one.kind, "units": one.outputs} for one in network.layers],
    }
    if network.vocabulary:
        about["vocabulary"] = asdict(network.vocabulary)
    if network.features:
        about["features"] = {kind: dict(constants) for kind, constants in network.features.items()}
    if network.decide:
        about["decide"] = described(network.decide)
    if network.encoding:
        about["encoding"] = [asdict(one) for one in network.encoding]
    if network.times:
        about["times"] = asdict(network.times)
    if network.every > 1:
        about["every"] = network.every
    if network.hold:
        about["hold"] = network.hold
    if form == "step":
        program = typed.program if typed else network.program()
        about["states"] = {
            read_name(state): {"initial": typed.initial(state) if typed else state.initial}
            for state in program.states
        }
    return about
