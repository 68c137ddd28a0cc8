from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from edgernn import report
from edgernn.errors import ExportError, InputError
from edgernn.report.files import fault

from .sample import forecast_report, sample_report

SCHEMA = json.loads(report.schema_path().read_text("utf-8"))


def test_schema_is_itself_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("passed", [True, False])
def test_sample_satisfies_the_schema(passed: bool) -> None:
    assert fault(sample_report(passed)) is None


def test_a_regression_satisfies_the_schema_without_confusion() -> None:
    assert fault(forecast_report()) is None


@pytest.mark.parametrize(
    "baselines", [[], [{"name": "mean"}], [{"name": "", "value": 1.0}], [{"name": "mean", "value": "low"}], "mean"]
)
def test_baselines_are_names_and_values(baselines: object) -> None:
    report = forecast_report()
    report["metric"]["baselines"] = baselines
    assert "baselines" in (fault(report) or "")


def test_further_properties_are_allowed() -> None:
    extended = sample_report() | {"note": "x"}
    extended["results"][0]["energy_uj"] = 3
    assert fault(extended) is None


# The paths that others rely on: every one of them must be there.
REQUIRED = {
    (): "schema name created edgernn_version seed recipe machine network metric artifacts results "
    "drift_over_time gates passed provenance keras",
    ("data",): "splits left_out",
    ("data", "splits", 0): "name examples groups asked",
    ("data", "left_out", 0): "count what why cut",
    ("network",): "parameters macs_per_step layers sparsity",
    ("network", "layers", 0): "name kind inputs units parameters sparsity",
    ("network", "layers", 0, "density", 0): "layer matrix gate density",
    ("quantization",): "precisions state saturation",
    ("quantization", "mixes", 0): "choice cost drift",
    ("quantization", "states", 0): "state metric metric_drop agreement max_abs_error mean_abs_error",
    ("metric",): "name unit higher_is_better float baseline test_examples",
    ("metric", "baseline"): "name value",
    ("artifacts", 0): "name target form precision bytes sha256 quantized_ops float_ops operators",
    ("results", 0): "artifact engine engine_version device status reason metric metric_drop agreement "
    "max_abs_error mean_abs_error latency_us memory flash_bytes instructions",
    ("results", 0, "latency_us"): "median p95 min runs threads per",
    ("results", 0, "memory"): "peak_bytes state_bytes scratch_bytes arena_bytes",
    ("drift_over_time", 0): "artifact engine step mean_abs_error max_abs_error",
    ("gates", 0): "name limit value passed where",
    ("provenance",): "data tools stages",
}


@pytest.mark.parametrize(("path", "key"), [(path, key) for path, keys in REQUIRED.items() for key in keys.split()])
def test_a_missing_field_is_refused(path: tuple[Any, ...], key: str) -> None:
    broken = sample_report()
    del _at(broken, path)[key]
    assert key in (fault(broken) or "")


def _row(broken: dict[str, Any], status: str) -> dict[str, Any]:
    return next(row for row in broken["results"] if row["status"] == status)


BROKEN: dict[str, Callable[[dict[str, Any]], Any]] = {
    "schema 2": lambda r: r.update(schema=2),
    "no time zone": lambda r: r.update(created="2026-11-22T12:04:32"),
    "unknown status": lambda r: r["results"][0].update(status="passed"),
    "ok without metric": lambda r: _row(r, "ok").update(metric=None),
    "ok without agreement": lambda r: _row(r, "ok").update(agreement=None),
    "ok without error": lambda r: _row(r, "ok").update(max_abs_error=None),
    "skipped without reason": lambda r: _row(r, "skipped").update(reason=None),
    "failed with empty reason": lambda r: _row(r, "skipped").update(status="failed", reason=""),
    "skipped with a metric": lambda r: _row(r, "skipped").update(metric=0.9),
    "failed with latency": lambda r: _row(r, "skipped").update(
        status="failed", latency_us=_row(r, "ok")["latency_us"]
    ),
    "agreement above one": lambda r: _row(r, "ok").update(agreement=1.2),
    "negative error": lambda r: _row(r, "ok").update(mean_abs_error=-0.1),
    "latency per window": lambda r: _row(r, "ok")["latency_us"].update(per="window"),
    "zero latency": lambda r: _row(r, "ok")["latency_us"].update(median=0),
    "float bytes": lambda r: r["artifacts"][0].update(bytes=1.5),
    "unknown precision": lambda r: r["artifacts"][0].update(precision="fp16"),
    "unknown form": lambda r: r["artifacts"][0].update(form="window"),
    "short hash": lambda r: r["artifacts"][0].update(sha256="ab"),
    "listed ops": lambda r: r["artifacts"][0].update(quantized_ops=["ADD"]),
    "unknown arithmetic": lambda r: r["artifacts"][0]["operators"][0].update(arithmetic="int4"),
    "absolute artifact name": lambda r: r["artifacts"][0].update(name="/etc/passwd"),
    "accuracy in per cent": lambda r: r["metric"].update(float=87.3),
    "baseline in per cent": lambda r: r["metric"]["baseline"].update(value=84.1),
    "no test examples": lambda r: r["metric"].update(test_examples=0),
    "sparsity above one": lambda r: r["network"].update(sparsity=1.1),
    "density above one": lambda r: r["network"]["layers"][0]["density"][0].update(density=1.1),
    "a layer in float32": lambda r: r["quantization"]["precisions"].update(gru="float32"),
    "a state in int32": lambda r: r["quantization"].update(state="int32"),
    "saturation above one": lambda r: r["quantization"]["saturation"].update({"lstm/c": 1.1}),
    "a mix for nothing": lambda r: r["quantization"]["mixes"][0].update(cost=0),
    "a choice of dynamic": lambda r: r["quantization"]["mixes"][0]["choice"].update(gru="dynamic"),
    "passed with a failed gate": lambda r: r["gates"][0].update(passed=False),
    "failed without a failed gate": lambda r: r.update(passed=False),
    "gate passed unmeasured": lambda r: r["gates"][0].update(value=None),
    "negative seconds": lambda r: r["provenance"]["stages"][0].update(seconds=-1),
    "null tool version": lambda r: r["provenance"]["tools"].update(numpy=None),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_report_is_refused_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    broken = sample_report()
    BROKEN[name](broken)
    with pytest.raises(ExportError) as error:
        report.write(broken, tmp_path)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float32(0.5), {1, 2}])
def test_what_json_cannot_hold_is_refused(value: Any, tmp_path: Path) -> None:
    broken = sample_report()
    broken["network"]["sparsity"] = value
    with pytest.raises(ExportError, match="JSON"):
        report.write(broken, tmp_path)


def test_write_and_load_round_trip(tmp_path: Path) -> None:
    original = sample_report()
    report.write(copy.deepcopy(original), tmp_path / "new" / "folder")
    assert report.load(tmp_path / "new" / "folder") == original
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == [
        "report.html",
        "report.json",
        "report.md",
    ]


def test_rendering_again_from_the_file_gives_the_same_bytes(tmp_path: Path) -> None:
    report.write(sample_report(False), tmp_path / "a")
    report.write(report.load(tmp_path / "a"), tmp_path / "b")
    for name in ("report.json", "report.html", "report.md"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot write") as error:
        report.write(sample_report(), tmp_path / "file")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"{", "not a JSON document"),
        (b"\xff\xfe\x00", "not a JSON document"),
        (b"", "not a JSON document"),
        (b"[" * 100_000, "not a JSON document"),
        (b'{"schema": 1, "seed": NaN}', "not a JSON document"),
        (b"[1]", "not a report of schema 1"),
        (b'{"schema": 2}', "not a report of schema 1"),
        (b'{"schema": 1}', "required property"),
    ],
)
def test_load_refuses_in_one_line(content: bytes | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "report.json").write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        report.load(tmp_path)
    assert str(tmp_path / "report.json") in str(error.value)
    assert "\n" not in str(error.value)


def test_load_refuses_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "report.json").mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        report.load(tmp_path)


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value
