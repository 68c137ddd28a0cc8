"""The content of report.json, put together from what the stages measured."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from edgernn import __version__
from edgernn.datasets.catalog import CATALOG
from edgernn.network import Network
from edgernn.recipe import Recipe
from edgernn.stages import StageRecord, digest
from edgernn.targets import Combination, artifact_name, audit

TOOLS = (
    "numpy",
    "scikit-learn",
    "tensorflow",
    "tf_keras",
    "tensorflow-model-optimization",
    "ai-edge-litert",
    "tflite-micro",
    "onnx",
    "onnxruntime",
    "ziglang",
)
_RESULT = {
    "engine_version": None,
    "reason": None,
    "metric": None,
    "metric_drop": None,
    "agreement": None,
    "max_abs_error": None,
    "mean_abs_error": None,
    "latency_us": None,
    "memory": None,
    "flash_bytes": None,
    "instructions": None,
}
_MEMORY = {"peak_bytes": None, "state_bytes": None, "scratch_bytes": None, "arena_bytes": None}


def content(
    recipe: Recipe,
    network: Network,
    combinations: Sequence[Combination],
    folder: Path,
    measured: Mapping[str, Any],
    stages: Sequence[StageRecord],
) -> dict[str, Any]:
    """Everything but the gates; `measured` holds what the stages keras, baseline, verify and benchmark found."""
    return {
        "schema": 1,
        "name": recipe.name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "edgernn_version": __version__,
        "seed": recipe.seed,
        "recipe": recipe.model_dump(mode="json", exclude_none=True),
        "machine": machine(),
        "network": _network(network),
        "metric": _metric(network, measured),
        "keras": measured["keras"]["difference"],
        "artifacts": [_artifact(combination, folder) for combination in combinations],
        "results": _results(measured),
        "drift_over_time": measured["verify"]["drift_over_time"],
        "provenance": {
            "data": provenance(recipe),
            "tools": tool_versions(),
            "stages": [{"name": s.name, "seconds": s.seconds, "cached": s.cached} for s in stages],
        },
    }


def machine() -> dict[str, Any]:
    """What measured: system, processor, cores, Python."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": sys.version.split()[0],
    }


def tool_versions() -> dict[str, str]:
    """Versions of the installed tools that a build uses."""
    versions = {}
    for tool in TOOLS:
        try:
            versions[tool] = metadata.version(tool)
        except metadata.PackageNotFoundError:
            continue
    return versions


def provenance(recipe: Recipe) -> dict[str, Any]:
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


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _network(network: Network) -> dict[str, Any]:
    return {
        "parameters": network.parameters,
        "macs_per_step": network.macs_per_step,
        "sparsity": network.sparsity,
        "layers": [
            {
                "name": layer.name,
                "kind": layer.kind,
                "inputs": layer.inputs,
                "units": layer.units,
                "parameters": layer.parameters,
                "sparsity": layer.sparsity,
            }
            for layer in network.layers
        ],
    }


def _metric(network: Network, measured: Mapping[str, Any]) -> dict[str, Any]:
    verified = measured["verify"]
    return {
        "name": "accuracy",
        "unit": "fraction",
        "higher_is_better": True,
        "float": verified["float"]["metric"],
        "baseline": measured["baseline"],
        "test_examples": verified["test_examples"],
        "labels": list(network.labels),
        "float_confusion": verified["float_confusion"],
        "confusion": verified["confusion"],
    }


def _artifact(combination: Combination, folder: Path) -> dict[str, Any]:
    path = folder / artifact_name(combination)
    operators = audit(combination, path).operators
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    return {
        "name": artifact_name(combination),
        "target": combination.target,
        "form": combination.form,
        "precision": combination.precision,
        "bytes": sum(file.stat().st_size for file in files),
        "sha256": digest(path),
        "quantized_ops": sum(op.count for op in operators if op.arithmetic == "integer"),
        "float_ops": sum(op.count for op in operators if op.arithmetic == "float"),
        "operators": [asdict(op) for op in operators],
    }


def _results(measured: Mapping[str, Any]) -> list[dict[str, Any]]:
    timed = {(row["artifact"], row["form"], row["engine"]): row for row in measured["benchmark"]}
    rows = [_RESULT | measured["verify"]["float"], _RESULT | measured["keras"]["result"]]
    for row in measured["verify"]["results"]:
        times = timed.get((row["artifact"], row["form"], row["engine"]), {})
        rows.append(_RESULT | row | _merged(row, times))
    return rows


def _merged(row: Mapping[str, Any], times: Mapping[str, Any]) -> dict[str, Any]:
    """Latency and memory of the benchmark added to a result of verify; a failure there fails the result."""
    if row["status"] != "ok":
        return {}
    if "reason" in times:
        numbers = dict.fromkeys(key for key in _RESULT if key not in ("reason", "engine_version"))
        return numbers | {"status": "failed", "reason": times["reason"]}
    return {
        "latency_us": times.get("latency_us"),
        "memory": _MEMORY | row["memory"] | times.get("memory", {}),
    }
