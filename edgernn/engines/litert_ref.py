"""LiteRT with its reference kernels: no delegate, no hand-written vector code, the definition of TFLite."""

from __future__ import annotations

from pathlib import Path

from edgernn.engines import litert
from edgernn.engines.litert import refusal, version
from edgernn.engines.tflite_session import TfliteSession
from edgernn.network import Form

__all__ = ["TARGET", "open", "refusal", "version"]

TARGET = "tflite"


def open(path: Path, form: Form, threads: int) -> TfliteSession:
    return TfliteSession.of(litert.LitertInterpreter(path, threads, "BUILTIN_REF"), path)
