"""Train compact recurrent networks, quantise them to integers and ship them as TFLite, ONNX and C, with proof."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgernn.engines.c_model import Model

__all__ = ["load"]
__version__ = "0.1.0"


def load(path: str | os.PathLike[str], precision: str = "int8", streams: int = 1) -> Model:
    """The integer network of a build, for inference on this machine: `load("build/activity").step(frame)`.

    `path` is a build folder, of which `precision` ("int8" or "int16x8") chooses the C, or a C folder such as
    `artifacts/c/int8`. The model keeps the states of `streams` independent streams, which go step by step
    together. The first time a C compiler is needed; what it makes is kept in the cache ($EDGERNN_CACHE, else the
    user's), so that later processes start at once.

    Raises errors.InputError when the folder holds no such model, errors.MissingToolError when there is no C
    compiler for this machine.
    """
    from pathlib import Path

    from edgernn.engines import c_model

    return c_model.load(Path(path), precision, streams)
