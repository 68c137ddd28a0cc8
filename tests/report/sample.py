"""A report like that of a real build: rows that ran, were skipped and failed; passing and failing gates."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from edgernn.report.grid import Table

LABELS = (
    "pendulum",
    "abduction",
    "forward elevation",
    "internal rotation",
    "external rotation",
    "trapezius extension",
    "upright row",
)
EXAMPLES = 1040
VERSIONS = {
    "litert": "2.3.0",
    "litert-ref": "2.3.0",
    "tflm": "0.dev20261023182759",
    "onnxruntime": "1.31.1",
    "c": "clang 19.1",
    "numpy": "2.4.6",
    "keras": "tf_keras 2.21.0",
}

# name, target, form, precision, bytes, integer operators, float operators
ARTIFACTS = (
    ("model.float32.tflite", "tflite", "sequence", "float32", 38_412, 0, 13),
    ("model.dynamic.tflite", "tflite", "sequence", "dynamic", 15_260, 2, 11),
    ("model.int8.tflite", "tflite", "sequence", "int8", 12_904, 14, 0),
    ("model.int16x8.tflite", "tflite", "sequence", "int16x8", 13_870, 14, 0),
    ("step.float32.tflite", "tflite", "step", "float32", 34_180, 0, 11),
    ("step.dynamic.tflite", "tflite", "step", "dynamic", 12_710, 2, 9),
    ("step.int8.tflite", "tflite", "step", "int8", 11_020, 12, 0),
    ("model.float32.onnx", "onnx", "sequence", "float32", 33_020, 0, 3),
    ("model.dynamic.onnx", "onnx", "sequence", "dynamic", 10_480, 1, 3),
    ("model.int8.onnx", "onnx", "sequence", "int8", 14_150, 14, 0),
    ("step.float32.onnx", "onnx", "step", "float32", 33_650, 0, 12),
    ("step.int8.onnx", "onnx", "step", "int8", 13_310, 12, 0),
    ("c/int8", "c", "step", "int8", 64_870, 9, 0),
    ("c/int16x8", "c", "step", "int16x8", 66_240, 9, 0),
)

# artifact, engine, drop, agreement, largest error, median microseconds, per
RAN = (
    ("network", "numpy", 0.0, 1.0, 0.0, 3900.0, "sequence"),
    ("network", "keras", 0.0, 1.0, 4.1e-7, 2140.0, "sequence"),
    ("model.float32.tflite", "litert", 0.0, 1.0, 3.6e-7, 212.0, "sequence"),
    ("model.float32.tflite", "litert-ref", 0.0, 1.0, 3.9e-7, 655.0, "sequence"),
    ("model.dynamic.tflite", "litert", 0.001, 0.996, 0.031, 148.0, "sequence"),
    ("model.int8.tflite", "litert", 0.002, 0.993, 0.048, 121.0, "sequence"),
    ("model.int8.tflite", "litert-ref", 0.003, 0.991, 0.051, 940.0, "sequence"),
    ("model.int8.tflite", "tflm", 0.003, 0.991, 0.052, 1105.0, "sequence"),
    ("model.int16x8.tflite", "litert", 0.0, 0.999, 0.0061, 183.0, "sequence"),
    ("step.float32.tflite", "litert", 0.0, 1.0, 3.6e-7, 2.9, "step"),
    ("step.float32.tflite", "litert-ref", 0.0, 1.0, 3.9e-7, 6.8, "step"),
    ("step.float32.tflite", "tflm", 0.0, 1.0, 4.0e-7, 11.2, "step"),
    ("step.dynamic.tflite", "litert", 0.001, 0.996, 0.033, 2.6, "step"),
    ("step.int8.tflite", "litert", 0.002, 0.993, 0.048, 2.4, "step"),
    ("step.int8.tflite", "litert-ref", 0.003, 0.991, 0.051, 9.7, "step"),
    ("step.int8.tflite", "tflm", 0.003, 0.991, 0.052, 12.5, "step"),
    ("model.float32.onnx", "onnxruntime", 0.0, 1.0, 4.4e-7, 176.0, "sequence"),
    ("model.dynamic.onnx", "onnxruntime", -0.001, 0.995, 0.029, 131.0, "sequence"),
    ("model.int8.onnx", "onnxruntime", 0.001, 0.992, 0.055, 4870.0, "sequence"),
    ("step.float32.onnx", "onnxruntime", 0.0, 1.0, 4.4e-7, 7.3, "step"),
    ("step.int8.onnx", "onnxruntime", 0.001, 0.992, 0.055, 14.6, "step"),
    ("c/int8", "c", 0.0, 0.997, 0.019, 96.0, "sequence"),
    ("c/int8", "c", 0.0, 0.997, 0.019, 0.98, "step"),
    ("c/int16x8", "c", 0.0, 0.999, 0.0042, 151.0, "sequence"),
    ("c/int16x8", "c", 0.0, 0.999, 0.0042, 1.52, "step"),
)
STREAMED = (  # artifact, engine, mean error of a state at the end
    ("step.int8.tflite", "litert", 0.009),
    ("step.int8.tflite", "tflm", 0.008),
    ("c/int8", "c", 0.004),
    ("c/int16x8", "c", 0.0009),
)
DENSITY = (  # layer, matrix, gate, share of weights that are not zero
    ("lstm", "kernel", "i", 0.5),
    ("lstm", "kernel", "f", 0.75),
    ("lstm", "kernel", "g", 0.5),
    ("lstm", "kernel", "o", 0.5),
    ("lstm", "recurrent_kernel", "i", 0.5),
    ("lstm", "recurrent_kernel", "f", 0.75),
    ("lstm", "recurrent_kernel", "g", 0.5),
    ("lstm", "recurrent_kernel", "o", 0.5),
    ("gru", "kernel", "z", 0.5),
    ("gru", "kernel", "r", 0.5),
    ("gru", "kernel", "g", 0.5),
    ("gru", "recurrent_kernel", "z", 0.5),
    ("gru", "recurrent_kernel", "r", 0.5),
    ("gru", "recurrent_kernel", "g", 0.5),
    ("dense", "kernel", "", 1.0),
)
LAYERS = (  # name, inputs, units, parameters, sparsity, precision
    ("lstm", 6, 24, 2976, 0.4375, "int16x8"),
    ("gru", 24, 24, 3600, 0.5, "int8"),
    ("dense", 24, 7, 175, 0.0, "int8"),
)
MIXES = (  # layers in int16x8, cost, drift
    (("lstm", "gru", "dense"), 2.0, 0.0041),
    ((), 1.0, 0.0287),
    (("lstm",), 1.441, 0.0163),
    (("gru",), 1.533, 0.0221),
    (("dense",), 1.026, 0.0283),
)
NOT_RUN = (
    (
        "model.float32.tflite",
        "tflm",
        "skipped",
        "tflm has no kernel for this WHILE body; use step.float32.tflite",
    ),
    (
        "model.dynamic.tflite",
        "tflm",
        "skipped",
        "tflm has no hybrid FULLY_CONNECTED; dynamic models need litert",
    ),
    (
        "model.dynamic.tflite",
        "litert-ref",
        "skipped",
        "the interpreter refused the model: node 3 failed to prepare",
    ),
)


def sample_report(passed: bool = True) -> dict[str, Any]:
    """A fresh report; with `passed` False three gates fail, one for a run that failed."""
    report = {
        "schema": 1,
        "name": "activity",
        "created": "2026-11-22T12:04:32Z",
        "edgernn_version": "0.1.0",
        "seed": 7,
        "recipe": {
            "name": "activity",
            "seed": 7,
            "data": {"source": "watch_activity", "window": 200, "hop": 100},
            "network": {"layers": [{"lstm": {"units": 24}}, {"gru": {"units": 24}}, {"dense": {}}]},
            "quantize": {"choose": "auto", "drift_max": 0.02, "state": "auto"},
        },
        "machine": {
            "system": "Linux 6.1 x86_64",
            "processor": "Intel Xeon 2.6 GHz",
            "cores": 2,
            "python": "3.11.2",
        },
        "data": _data(),
        "network": {
            "parameters": 6751,
            "macs_per_step": 6504,
            "sparsity": 0.459,
            "layers": [_layer(row) for row in LAYERS],
        },
        "metric": _metric(),
        "keras": {"max_abs_error": 4.1e-7, "test_examples": EXAMPLES},
        "artifacts": [_artifact(row) for row in ARTIFACTS],
        "results": [_ran(row) for row in RAN] + [_not_run(*row) for row in NOT_RUN],
        "drift_over_time": _drift() + _stream(),
        "streaming": _streaming(),
        "quantization": _quantization(),
        "gates": _gates(),
        "provenance": _provenance(),
        "passed": True,
    }
    return report if passed else _failing(report)


def forecast_report() -> dict[str, Any]:
    """A fresh report of a regression: the same rows, with an error of 12.3 in place of the accuracy."""
    report = sample_report()
    report["metric"] |= {
        "name": "RMSE",
        "unit": "",
        "higher_is_better": False,
        "float": 12.3,
        "baseline": {"name": "seasonal_naive", "value": 20.5},
        "baselines": [{"name": "seasonal_naive", "value": 20.5}, {"name": "mean", "value": 31.0}],
        "labels": [],
        "float_confusion": None,
        "confusion": [],
    }
    for row in report["results"]:
        if row["status"] == "ok":
            row["metric"] = 12.3 + row["metric_drop"]
    gates = {gate["name"]: gate for gate in report["gates"]}
    gates["metric_above_baseline"] |= {"limit": 20.5, "value": 12.3}
    gates["metric_drop_max"] |= {"name": "metric_drop_share_max", "limit": 0.01, "value": 0.003 / 12.3}
    return report


def _layer(row: tuple[str, int, int, int, float, str]) -> dict[str, Any]:
    name, inputs, units, parameters, sparsity, _ = row
    keys = ("layer", "matrix", "gate", "density")
    return {
        "name": name,
        "kind": name,
        "inputs": inputs,
        "units": units,
        "parameters": parameters,
        "sparsity": sparsity,
        "density": [dict(zip(keys, one, strict=True)) for one in DENSITY if one[0] == name],
    }


def _quantization() -> dict[str, Any]:
    """A build that chose both the mix of precisions and the type of the states."""
    keys = ("state", "metric", "metric_drop", "agreement", "max_abs_error", "mean_abs_error")
    states = (("int8", 0.851, 0.022, 0.962, 0.21, 0.0191), ("int16", 0.87, 0.003, 0.993, 0.048, 0.0044))
    return {
        "precisions": {row[0]: row[-1] for row in LAYERS},
        "state": "int16",
        "saturation": {"lstm/c": 0.0004},
        "mixes": [
            {"choice": {row[0]: "int16x8" if row[0] in wide else "int8" for row in LAYERS}, "cost": c, "drift": d}
            for wide, c, d in MIXES
        ],
        "states": [dict(zip(keys, row, strict=True)) for row in states],
    }


def _data() -> dict[str, Any]:
    """Of train a round number of each class, and of test as many as the confusion matrix says."""
    counts = {"train": [900] * 7, "validation": [120] * 7, "test": [sum(row) for row in _confusion(0)]}
    return {
        "splits": [
            {
                "name": name,
                "examples": sum(own),
                "groups": 6,
                "asked": sum(own),
                "classes": dict(zip(LABELS, own, strict=True)),
            }
            for name, own in counts.items()
        ],
        "left_out": [
            {"count": 1203, "what": "recordings", "why": "shorter than 200 samples", "cut": False},
            {"count": 2, "what": "texts", "why": "more than 4 words", "cut": True},
            {"count": 12, "what": "empty cells", "why": "data.hold: 3", "cut": False, "filled": True},
        ],
    }


def _metric() -> dict[str, Any]:
    matrix = _confusion(0)
    return {
        "name": "accuracy",
        "unit": "fraction",
        "higher_is_better": True,
        "float": 0.873,
        "baseline": {"name": "random_forest", "value": 0.841},
        "baselines": [{"name": "random_forest", "value": 0.841}, {"name": "majority", "value": 0.152}],
        "test_examples": EXAMPLES,
        "labels": list(LABELS),
        "float_confusion": matrix,
        "confusion": [
            {"artifact": "model.int8.tflite", "engine": "litert", "matrix": _confusion(1)},
            {"artifact": "c/int8", "engine": "c", "matrix": _confusion(2)},
        ],
    }


def _confusion(moved: int) -> list[list[int]]:
    counts = np.random.default_rng(5).poisson(2.6, (len(LABELS), len(LABELS)))
    np.fill_diagonal(counts, (140, 121, 133, 96, 148, 129, 141))
    for row in range(moved):
        counts[row, row] -= 1
        counts[row, row + 1] += 1
    return counts.tolist()


def _artifact(row: tuple[str, str, str, str, int, int, int]) -> dict[str, Any]:
    name, target, form, precision, size, integer, floats = row
    operators = [("FULLY_CONNECTED", integer, "integer"), ("Gemm", floats, "float"), ("RESHAPE", 2, "none")]
    return {
        "name": name,
        "target": target,
        "form": form,
        "precision": precision,
        "bytes": size,
        "sha256": hashlib.sha256(name.encode()).hexdigest(),
        "quantized_ops": integer,
        "float_ops": floats,
        "operators": [{"name": n, "count": c, "arithmetic": a} for n, c, a in operators if c],
    }


def _ran(row: tuple[str, str, float, float, float, float, str]) -> dict[str, Any]:
    artifact, engine, drop, agreement, error, median, per = row
    return _row(artifact, engine) | {
        "status": "ok",
        "reason": None,
        "metric": round(0.873 - drop, 4),
        "metric_drop": drop,
        "agreement": agreement,
        "max_abs_error": error,
        "mean_abs_error": error / 11,
        "latency_us": {
            "median": median,
            "p95": 1.12 * median,
            "min": 0.94 * median,
            "runs": 500,
            "threads": 1,
            "per": per,
        },
        "memory": {
            "peak_bytes": 1_940_000,
            "state_bytes": 80,
            "scratch_bytes": None,
            "arena_bytes": 9_216 if engine == "tflm" else None,
        },
        "flash_bytes": 21_300 if engine == "c" else None,
    }


def _not_run(artifact: str, engine: str, status: str, reason: str) -> dict[str, Any]:
    empty = (
        "metric",
        "metric_drop",
        "agreement",
        "max_abs_error",
        "mean_abs_error",
        "latency_us",
        "memory",
        "flash_bytes",
    )
    return _row(artifact, engine) | dict.fromkeys(empty) | {"status": status, "reason": reason}


def _row(artifact: str, engine: str) -> dict[str, Any]:
    return {
        "artifact": artifact,
        "engine": engine,
        "engine_version": VERSIONS[engine],
        "device": "host",
        "instructions": None,
    }


def _drift() -> list[dict[str, Any]]:
    random = np.random.default_rng(3)
    seen: dict[tuple[str, str], float] = {(row[0], row[1]): row[4] for row in RAN if row[0] != "network"}
    points = []
    for (artifact, engine), last in seen.items():
        for step in range(1, 101, 3):
            mean = last / 11 * (step / 100) ** 0.4 * float(np.exp(random.normal(0, 0.06)))
            points.append(
                {
                    "artifact": artifact,
                    "engine": engine,
                    "step": step,
                    "mean_abs_error": mean,
                    "max_abs_error": 6 * mean,
                }
            )
    return points


def _stream() -> list[dict[str, Any]]:
    points = []
    for artifact, engine, error in STREAMED:
        for step in (1, 10, 30, 100, 1000, 3000, 10_000):
            mean = error * (step / 10_000) ** 0.1
            states = {"lstm/c": _errors(mean), "gru/h": _errors(mean / 2)}
            place = {"artifact": artifact, "engine": engine, "over": "stream", "step": step}
            points.append(place | _errors(3 * mean) | {"states": states})
    return points


def _errors(mean: float) -> dict[str, float]:
    return {"mean_abs_error": mean, "max_abs_error": 7 * mean}


def _streaming() -> dict[str, Any]:
    rows = [
        {"artifact": artifact, "engine": engine, "windowed": 0.87, "streaming": 0.88 - error}
        for artifact, engine, error in STREAMED
    ]
    return {
        "steps": 10_000,
        "streams": 1,
        "windows": 188,
        "warm_up": {"steps": 845, "median": 228, "watched": 2000, "resets": 16, "tolerance": 0.05},
        "float": {"windowed": 0.894, "streaming": 0.872},
        "artifacts": rows,
    }


def _gates() -> list[dict[str, Any]]:
    rows = (
        ("metric_above_baseline", 0.841, 0.873, "network on numpy"),
        ("metric_drop_max", 0.01, 0.003, "model.int8.tflite on tflm"),
        ("agreement_min", 0.98, 0.991, "step.int8.tflite on tflm"),
        ("size_ratio_max", 0.35, 12_904 / 38_412, "model.int8.tflite"),
        ("parameters_max", 20_000, 6751, None),
        ("engines_failed", 0, 0, ""),
        ("c_equals_reference", 1.0, 1.0, "c/int8 on c"),
        ("step_equals_sequence", 1.0, 1.0, "model.int8.tflite on litert"),
    )
    return [{"name": n, "limit": limit, "value": v, "passed": True, "where": w} for n, limit, v, w in rows]


def _provenance() -> dict[str, Any]:
    stages = (
        ("data", 3.1, True),
        ("train", 141.0, True),
        ("prune", 48.2, True),
        ("quantize", 2.2, False),
        ("export", 1.4, False),
        ("verify", 31.5, False),
        ("benchmark", 22.8, False),
    )
    return {
        "data": {
            "source": "watch_activity",
            "package": "seglearn",
            "version": "1.2.5",
            "sha256": "ec6b952c85c9627050102854b372d85951563d3b990df677d7c55547e87413dd",
            "licence": "BSD-3-Clause",
        },
        "tools": {
            "tensorflow": "2.21.0",
            "tf_keras": "2.21.0",
            "ai-edge-litert": "2.3.0",
            "onnxruntime": "1.31.1",
            "onnx": "1.23.2",
            "numpy": "2.4.6",
        },
        "stages": [{"name": name, "seconds": seconds, "cached": cached} for name, seconds, cached in stages],
    }


def cell(table: Table, row: int, title: str) -> str:
    """The text of a table's row below the heading `title`."""
    return table.lines[row].cells[[column.title for column in table.columns].index(title)]


def _failing(report: dict[str, Any]) -> dict[str, Any]:
    where = next(r for r in report["results"] if (r["artifact"], r["engine"]) == ("step.int8.onnx", "onnxruntime"))
    where |= {"agreement": 0.9796, "metric": 0.859, "metric_drop": 0.014}
    for gate in report["gates"]:
        if gate["name"] in {"metric_drop_max", "agreement_min"}:
            value = where["metric_drop"] if gate["name"] == "metric_drop_max" else where["agreement"]
            gate |= {"value": value, "passed": False, "where": "step.int8.onnx on onnxruntime"}
        if gate["name"] == "engines_failed":
            gate |= {"value": 1, "passed": False, "where": "model.dynamic.tflite on litert-ref"}
    report["results"][-1]["status"] = "failed"
    return report | {"passed": False}
