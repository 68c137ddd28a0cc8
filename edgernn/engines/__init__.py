"""What executes an artifact. An engine is one module with four things, and one line in `ENGINES`.

`TARGET` is the target whose artifacts it reads; `version()` returns the engine's version and raises
MissingToolError when it is not installed; `refusal(form, precision)` says why it cannot run such an artifact
("" when it can); `open(path, form, threads)` loads one.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np

from edgernn.engines.trace import Trace
from edgernn.errors import MissingToolError

if TYPE_CHECKING:
    from edgernn.network import Form, Precision

ENGINES = {
    "litert": "edgernn.engines.litert",
    "litert-ref": "edgernn.engines.litert_ref",
    "tflm": "edgernn.engines.tflm",
    "onnxruntime": "edgernn.engines.onnxruntime",
    "c": "edgernn.engines.c",
}


class Session(Protocol):
    """A loaded artifact; one `invoke` makes `per_invoke` inferences, more than one where a call costs more."""

    per_invoke: int

    @property
    def memory(self) -> dict[str, int | None]:
        """Bytes by the names of report.json: state_bytes, scratch_bytes, arena_bytes; None when unknown."""

    def outputs(self, frames: np.ndarray) -> np.ndarray:
        """Real outputs for raw frames, float32 [windows, frames, channels].

        Sequence form: [windows, outputs]. Step form: the outputs after every step of a stream that starts
        afresh, [windows, steps, outputs]; a strided network takes several frames a step. Normalising,
        quantising and dequantising are the session's, with the constants that the artifact carries.
        """

    def trace(self, frames: np.ndarray, at: Sequence[int]) -> Trace:
        """Outputs at every step of raw streams, and the states after the steps `at`; step form only.

        `frames` are float32 [streams, frames, channels]; `at` counts from 1 and goes up. No other state is
        kept, so that memory does not grow with the states of a long stream.
        """

    def prepare(self, frames: np.ndarray) -> None:
        """Set the input of `invoke`: the window [frames, channels], or its first step in step form."""

    def invoke(self) -> None:
        """One inference on the prepared input, a window or a step: what a benchmark times."""


class Engine(Protocol):
    """What an engine's module offers."""

    TARGET: str

    def version(self) -> str: ...

    def refusal(self, form: Form, precision: Precision) -> str: ...

    def open(self, path: Path, form: Form, threads: int) -> Session: ...


def installed(package: str) -> str:
    """The version of an engine's package, found without importing it.

    Raises MissingToolError when it is not installed.
    """
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        raise MissingToolError(f"{package} is not installed; `pip install {package}` adds it") from None


def engine(name: str) -> Engine:
    return cast(Engine, import_module(ENGINES[name]))
