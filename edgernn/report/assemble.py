"""The content of report.json, put together from what the stages measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from edgernn import __version__, provenance
from edgernn.datasets.splits import NOT_ASKED, Split, Splits
from edgernn.network import Network
from edgernn.recipe import Recipe
from edgernn.sparsity import densities
from edgernn.stages import StageRecord, digest
from edgernn.targets import Combination, artifact_bytes, artifact_name, audit

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
DECISIONS = ("detection", "recommendations", "samples")  # sections that a rule for decisions adds
_MEMORY = {"peak_bytes": None, "state_bytes": None, "scratch_bytes": None, "arena_bytes": None}


def content(
    recipe: Recipe,
    network: Network,
    splits: Splits,
    combinations: Sequence[Combination],
    folder: Path,
    measured: Mapping[str, Any],
    stages: Sequence[StageRecord],
) -> dict[str, Any]:
    """Everything but the gates; `measured` is by stage what it found, and `boards` the rows of boards."""
    return {
        "schema": 1,
        "name": recipe.name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "edgernn_version": __version__,
        "seed": recipe.seed,
        "recipe": recipe.model_dump(mode="json", exclude_none=True),
        "machine": measured["benchmark"]["machine"],
        "data": data(splits),
        "network": _network(network),
        "metric": _metric(recipe, network, measured),
        "keras": measured["keras"]["difference"],
        "artifacts": [_artifact(combination, folder) for combination in combinations],
        "results": _results(measured),
        "drift_over_time": measured["verify"]["drift_over_time"],
        "streaming": measured["verify"]["streaming"],
        **{name: measured["verify"][name] for name in DECISIONS if name in measured["verify"]},
        "quantization": measured["chosen"],
        "provenance": {
            "data": provenance.data(recipe),
            "tools": provenance.versions(*provenance.ALL),
            "stages": [{"name": s.name, "seconds": s.seconds, "cached": s.cached} for s in stages],
        },
    }


def data(splits: Splits) -> dict[str, Any]:
    """The section `data`: examples, groups and classes by split, and what is in none, or only in part."""
    return {
        "splits": [_split(name, getattr(splits, name), splits) for name in ("train", "validation", "test")],
        "left_out": [asdict(one) for one in splits.left_out],
    }


def _split(name: str, part: Split, splits: Splits) -> dict[str, Any]:
    asked = int(np.sum(part.y != NOT_ASKED)) if splits.task == "next" else len(part)
    found = {"name": name, "examples": len(part), "groups": len(np.unique(part.group)), "asked": asked}
    if splits.task != "classify":
        return found
    counts = np.bincount(part.y, minlength=len(splits.labels)).tolist()
    return found | {"classes": dict(zip(splits.labels, counts, strict=True))}


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
                "units": layer.outputs,
                "parameters": layer.parameters,
                "sparsity": layer.sparsity,
                "density": [one._asdict() for one in densities(network) if one.layer == layer.name],
            }
            for layer in network.layers
        ],
    }


def _metric(recipe: Recipe, network: Network, measured: Mapping[str, Any]) -> dict[str, Any]:
    verified, metric, best = measured["verify"], recipe.judge.metric, measured["baseline"]
    return {
        "name": metric.name,
        "unit": metric.unit,
        "higher_is_better": metric.higher_is_better,
        "float": verified["float"]["metric"],
        "baseline": {"name": best["name"], "value": best["value"]},
        "baselines": best["all"],
        "test_examples": verified["test_examples"],
        "output_spread": verified["output_spread"],
        "labels": list(network.labels) if network.task == "classify" else [],
        "float_confusion": verified["float_confusion"],
        "confusion": verified["confusion"],
    }


def _artifact(combination: Combination, folder: Path) -> dict[str, Any]:
    path = folder / artifact_name(combination)
    operators = audit(combination, path).operators
    return {
        "name": artifact_name(combination),
        "target": combination.target,
        "form": combination.form,
        "precision": combination.precision,
        "bytes": artifact_bytes(path),
        "sha256": digest(path),
        "quantized_ops": sum(op.count for op in operators if op.arithmetic == "integer"),
        "float_ops": sum(op.count for op in operators if op.arithmetic == "float"),
        "operators": [asdict(op) for op in operators],
    }


def _results(measured: Mapping[str, Any]) -> list[dict[str, Any]]:
    timed = {(row["artifact"], row["form"], row["engine"]): row for row in measured["benchmark"]["rows"]}
    rows = [_RESULT | measured["verify"]["float"], _RESULT | measured["keras"]["result"]]
    for row in measured["verify"]["results"]:
        times = timed.get((row["artifact"], row["form"], row["engine"]), {})
        rows.append(_RESULT | row | _merged(row, times))
    return [*rows, *map(_on_board, measured["boards"])]


def _on_board(row: Mapping[str, Any]) -> dict[str, Any]:
    """A result of a board; an emulator has no clock of the board, so that there is no latency."""
    memory = {"memory": _MEMORY | row["memory"]} if "memory" in row else {}
    return {**_RESULT, **row, **memory}


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
