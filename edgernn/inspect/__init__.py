"""What an artifact holds, read from the file itself: `inspect` gives the facts, `table` shows them.

The keys of `inspect`, which are those of `--json`; every one is there for every kind of file:

- `artifact` its path, `target` tflite, onnx, c or npz, `name` of the network, `form` sequence, step or both
  (null for npz), `precision`, `bytes`, `sha256` (of a folder: over its files' names and contents);
- `parameters` the numbers stored as weights and biases, `sparsity` the share of zeros in the matrices,
  `float_weight_bytes` and `integer_weight_bytes` of the matrices;
- `layers`: `name`, `kind` and `units` (null where the file does not tell), `parameters`, `sparsity` (null for
  a layer without a matrix);
- `operators`: `name`, `count`, `arithmetic` integer, float or none; of an npz file none;
- `tensors`: `name`, `role` input, output, state or carried (what a loop hands on), `shape` (a name stands for
  any length), `dtype`, `scale`, `zero_point` with real = (integer - zero_point) * scale (null for float),
  `range` the [lowest, highest] real value of calibration (of quantized.npz, otherwise null);
- `constants`: `layer`, `name`, `role` weight or bias, `shape`, `dtype`, `bytes`, `scale` [lowest, highest] of
  its rows (null for float, and in C, which keeps the factors of whole products), `zeros`, `sparsity`, and
  `density`, the share of numbers other than zero by gate (null where its rows belong to no gates);
- `sections`: bytes by `weights`, `biases`, `scales` (with zero points and multipliers), `tables` (lookup tables
  of functions), `metadata` (names, labels, normalisation), `program` (all else); their sum is `bytes`. Equal
  constants that share bytes count once. Of a C folder they are bytes of source text;
- `flash_constants`: of a C folder, the bytes that its arrays take once compiled, by section, with their
  `total`: an estimate of flash without code, structures and padding; null for other files.
"""

from __future__ import annotations

from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import numpy as np

from edgernn.errors import ExportError, InputError
from edgernn.inspect.anatomy import Anatomy, Constant, Reader, Tensor, density, sparsity
from edgernn.inspect.layers import gates_of, layers
from edgernn.inspect.show import table
from edgernn.stages import digest
from edgernn.targets import artifact_bytes, reading

__all__ = ["inspect", "table"]

READERS = {
    "tflite": "edgernn.inspect.tflite",
    "onnx": "edgernn.inspect.onnx",
    "c": "edgernn.inspect.c",
    "npz": "edgernn.inspect.npz",
}
_CHOICES = "a .tflite, .onnx or .npz file or a C folder"


def inspect(path: Path) -> dict[str, Any]:
    """What the file or C folder holds, as JSON values; the keys are those of the module's docstring.

    Raises InputError when there is no such artifact, when it is damaged, and when edgernn did not write it.
    """
    kind = _kind(path)
    try:
        with reading(path):
            return _facts(path, kind, cast(Reader, import_module(READERS[kind])).read(path))
    except ExportError as error:  # of a file that the user chose, it is no bug
        raise InputError(str(error)) from None


def _kind(path: Path) -> str:
    if not path.exists():
        raise InputError(f"{path} does not exist; name {_CHOICES}")
    kind = "c" if path.is_dir() else path.suffix.removeprefix(".")
    if kind not in READERS or (kind == "c" and not path.is_dir()):
        raise InputError(f"{path} is no artifact; name {_CHOICES}")
    return kind


def _facts(path: Path, kind: str, found: Anatomy) -> dict[str, Any]:
    matrices = [constant for constant in found.constants if constant.matrix]
    size = artifact_bytes(path)
    return {
        "artifact": str(path),
        "target": kind,
        "name": found.name,
        "form": found.form,
        "precision": found.precision,
        "bytes": size,
        "sha256": digest(path),
        "parameters": sum(constant.values.size for constant in found.constants),
        "sparsity": sparsity(matrices),
        "float_weight_bytes": _bytes(matrices, np.floating),
        "integer_weight_bytes": _bytes(matrices, np.integer),
        "layers": [asdict(layer) for layer in layers(found)],
        "operators": [asdict(operator) for operator in found.operators],
        "tensors": [_tensor(tensor) for tensor in found.tensors],
        "constants": [_constant(constant, gates_of(constant)) for constant in found.constants],
        "sections": found.sections(size),
        "flash_constants": found.flash and {**found.flash, "total": sum(found.flash.values())},
    }


def _bytes(matrices: list[Constant], dtype: type) -> int:
    return sum(matrix.values.nbytes for matrix in matrices if np.issubdtype(matrix.values.dtype, dtype))


def _tensor(tensor: Tensor) -> dict[str, Any]:
    return asdict(tensor) | {"shape": list(tensor.shape), "range": tensor.range and list(tensor.range)}


def _constant(constant: Constant, gates: tuple[str, ...]) -> dict[str, Any]:
    scales = constant.scales
    return {
        "layer": constant.layer,
        "name": constant.name,
        "role": constant.role,
        "shape": list(constant.values.shape),
        "dtype": str(constant.values.dtype),
        "bytes": constant.values.nbytes,
        "scale": None if scales is None else [float(scales.min()), float(scales.max())],
        "zeros": constant.zeros,
        "sparsity": sparsity([constant]),
        "density": density(constant, gates) if gates else None,
    }
