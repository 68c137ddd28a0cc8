from __future__ import annotations

import subprocess
import sys

from rich.console import Console

from edgernn.report import summary

from .sample import ARTIFACTS, sample_report


def _printed(report: dict[str, object], width: int = 100) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(summary(report))
    return capture.get()


def test_a_pass_in_a_screen() -> None:
    text = _printed(sample_report())
    assert text.startswith("PASS activity\naccuracy: float 0.873, int8 0.870, random forest 0.841, on 1,040 test")
    assert "8 of 8 gates passed" in text
    assert all(row[0] in text for row in ARTIFACTS)
    assert "3 skipped" in text
    assert len(text.splitlines()) < 24


def test_a_fail_lists_the_failed_gates_and_runs() -> None:
    text = _printed(sample_report(False), width=200)
    assert text.startswith("FAIL activity")
    assert [line for line in text.splitlines() if line.startswith("FAIL ")][1:] == [
        "FAIL Loss against float: 1.4 points, must be at most 1.0 points (step.int8.onnx on onnxruntime)",
        "FAIL Agreement with float: 97.96 %, must be at least 98.0 % (step.int8.onnx on onnxruntime)",
        "FAIL Number of failed runs: 1, must be at most 0 (model.dynamic.tflite on litert-ref)",
    ]
    assert "failed model.dynamic.tflite on litert-ref: the interpreter refused" in text
    assert "2 skipped" in text


def test_it_fits_a_terminal_of_80_columns() -> None:
    text = _printed(sample_report(), width=80)
    for name, engine in (("step.float32.tflite", "litert"), ("model.float32.onnx", "onnxruntime")):
        assert any(line.startswith(f"{name} ") and line.rstrip().endswith(engine) for line in text.splitlines()), (
            text
        )
    assert "…" not in text


def test_markup_in_names_is_text() -> None:
    assert "[red]x[/red] [/]" in _printed(sample_report() | {"name": "[red]x[/red] [/]"})


def test_an_artifact_that_never_ran_says_so() -> None:
    report = sample_report()
    report["results"] = [row for row in report["results"] if row["artifact"] != "c/int8"]
    (line,) = (line for line in _printed(report).splitlines() if line.startswith("c/int8"))
    assert "not run" in line


def test_importing_the_report_loads_nothing_heavy() -> None:
    heavy = "('matplotlib', 'jinja2', 'jsonschema', 'rich', 'yaml')"
    code = f"import sys, edgernn.report; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
