"""What an artifact holds, read from the file itself."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.text import Text

from edgernn import terminal
from edgernn.errors import ExportError, InputError
from edgernn.targets import artifact_bytes, target

_SUFFIXES = {".tflite": "tflite", ".onnx": "onnx"}


def inspect(path: Path) -> dict[str, Any]:
    """Operators with their arithmetic, and the bytes of weights and of the whole artifact.

    Raises InputError when there is no such artifact, when it is damaged, and when edgernn did not write it.
    """
    if not path.exists():
        raise InputError(f"{path} does not exist; name a .tflite file, a .onnx file or a C folder")
    kind = "c" if path.is_dir() else _SUFFIXES.get(path.suffix)
    if kind is None:
        raise InputError(f"{path} is no artifact; name a .tflite file, a .onnx file or a C folder")
    try:
        content = target(kind).content(path)
    except ExportError as error:  # of a file that the user chose, it is no bug
        raise InputError(str(error)) from None
    return {
        "artifact": str(path),
        "target": kind,
        "bytes": artifact_bytes(path),
        "float_weight_bytes": content.float_weight_bytes,
        "integer_weight_bytes": content.integer_weight_bytes,
        "operators": [asdict(operator) for operator in content.operators],
    }


def table(found: dict[str, Any]) -> Group:
    title = (
        f"{found['artifact']}: {found['bytes']} bytes, weights {found['integer_weight_bytes']} bytes integer, "
        f"{found['float_weight_bytes']} bytes float"
    )
    return Group(Text(title), terminal.table(found["operators"], ("name", "count", "arithmetic")))
