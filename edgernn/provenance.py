"""Where results come from: the machine, the tools, the data."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from edgernn.datasets.catalog import CATALOG
from edgernn.recipe import Recipe

TRAINING = ("tensorflow", "tf_keras", "tensorflow-model-optimization", "numpy")
EXPORT = ("ai-edge-litert", "flatbuffers", "onnx", "numpy")
AUDIO = ("espeakng-loader", "soundfile", "soxr")
ALL = tuple(dict.fromkeys((*TRAINING, *EXPORT, "scikit-learn", "onnxruntime", "tflite-micro", "ziglang", *AUDIO)))


def machine() -> dict[str, Any]:
    """System, processor, cores, Python."""
    return {
        "system": platform.platform(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "python": sys.version.split()[0],
    }


def processor() -> str:
    """The processor's own name where the system tells it, else its kind."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def versions(*packages: str) -> dict[str, str]:
    """The versions of those packages that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def data(recipe: Recipe) -> dict[str, Any]:
    """Where the data comes from; the package's hash and licence when it is of the catalog."""
    entry = CATALOG.get(recipe.data.source)
    if entry is None:
        return dict.fromkeys(("package", "version", "sha256", "licence")) | {"source": recipe.data.source}
    return {
        "source": entry.name,
        "package": entry.package,
        "version": entry.version,
        "sha256": entry.archive_sha256,
        "licence": entry.licence,
    }
