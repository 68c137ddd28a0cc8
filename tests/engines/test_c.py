"""The C engine: a folder compiled on the spot, and the compilers it can do that with."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from networks import random_network

from edgernn import reference
from edgernn.engines import c as engine
from edgernn.engines import compiler
from edgernn.errors import ExportError, MissingToolError
from edgernn.lowering import native
from edgernn.network import QuantizedNetwork
from edgernn.quantize import quantize
from edgernn.targets import c as target

ZIG = f"{sys.executable} -m ziglang cc"
SAMPLE = Path(__file__).parents[2] / "firmware_samples" / "host"


@pytest.fixture(scope="module")
def quantized() -> QuantizedNetwork:
    network = dataclasses.replace(random_network(0, 6, [("gru", 32)], 7), name="activity")
    return quantize(network, np.random.default_rng(0).normal(0, 1, (16, 20, 6)))


@pytest.fixture(scope="module")
def folder(quantized: QuantizedNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return target.export(quantized.network, quantized, "step", "int8", tmp_path_factory.mktemp("artifacts"))


@pytest.fixture
def frames() -> np.ndarray:
    return np.random.default_rng(5).normal(0, 4, (150, 20, 6)).astype(np.float32)


@pytest.mark.parametrize("cc", ["", ZIG], ids=["found", "zig"])
def test_outputs_equal_the_reference_in_both_forms(
    cc: str, quantized: QuantizedNetwork, folder: Path, frames: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", cc)
    expected = reference.integer_outputs(quantized, reference.quantize_input(quantized, frames))
    real = native(quantized)[-1].output.dequantize(expected)
    step, sequence = engine.open(folder, "step", 1), engine.open(folder, "sequence", 1)
    np.testing.assert_array_equal(step.integer_outputs(frames), expected)
    np.testing.assert_array_equal(sequence.integer_outputs(frames), expected[:, -1])
    np.testing.assert_array_equal(step.outputs(frames), real)
    np.testing.assert_array_equal(sequence.outputs(frames), real[:, -1])


def test_frames_of_another_type_and_layout_give_the_same(folder: Path, frames: np.ndarray) -> None:
    session = engine.open(folder, "sequence", 1)
    turned = np.asfortranarray(frames.astype(np.float64))
    np.testing.assert_array_equal(session.outputs(turned), session.outputs(frames))


@pytest.mark.parametrize(("form", "inferences"), [("step", 20), ("sequence", 1)])
def test_invoke_runs_what_was_prepared(folder: Path, frames: np.ndarray, form: str, inferences: int) -> None:
    session = engine.open(folder, form, 1)
    session.prepare(frames[3])
    session.invoke()
    assert session.per_invoke == inferences
    np.testing.assert_array_equal(session.prepared_outputs.squeeze(), session.integer_outputs(frames[3:4])[0])


def test_memory_is_what_the_header_says(folder: Path) -> None:
    memory = engine.open(folder, "step", 1).memory
    scratch = re.search(r"ACTIVITY_SCRATCH_BYTES (\d+)", (folder / "activity.h").read_text())
    assert scratch is not None
    assert memory == {"state_bytes": 64, "scratch_bytes": int(scratch[1]), "arena_bytes": None}


def test_engine_serves_every_artifact_of_its_target() -> None:
    assert engine.TARGET == "c"
    assert {engine.refusal(form, precision) for form, precision in target.SUPPORTED} == {""}
    assert engine.version() == compiler.find().version


def test_cc_goes_first_and_must_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", f"{ZIG} -O1")
    assert compiler.find().command == (sys.executable, "-m", "ziglang", "cc", "-O1")
    monkeypatch.setenv("CC", "/no/such/compiler")
    with pytest.raises(MissingToolError, match="CC=/no/such/compiler is no C compiler"):
        compiler.find()


def test_zig_when_nothing_is_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", "/nonexistent")
    found = compiler.find()
    assert found.command == (sys.executable, "-m", "ziglang", "cc")
    assert "clang" in found.version


def test_without_any_compiler_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(compiler, "find_spec", lambda name: None)
    with pytest.raises(MissingToolError, match="pip install ziglang"):
        compiler.find()


def test_a_compiler_without_march_native_still_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = compiler.find()
    picky = tmp_path / "picky"
    picky.write_text(
        f'#!/bin/sh\ncase "$*" in *-march=native*) exit 1;; esac\nexec {" ".join(found.command)} "$@"\n'
    )
    picky.chmod(0o755)
    source, library = tmp_path / "answer.c", tmp_path / "answer.so"
    source.write_text("int answer(void); int answer(void) { return 42; }\n")
    monkeypatch.setenv("CC", str(picky))
    compiler.shared_library(compiler.find(), [source], library, [])
    assert library.exists()


def test_a_cross_compiler_is_refused(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cross = tmp_path / "cross"
    script = """#!/bin/sh
if [ "$1" = --version ]; then echo cross 1.0; exit; fi
while [ "$1" != -o ]; do shift; done
echo "a library for another machine" > "$2"
"""
    cross.write_text(script)
    cross.chmod(0o755)
    monkeypatch.setenv("CC", str(cross))
    with pytest.raises(MissingToolError, match=r"cross 1\.0 compiles for another machine"):
        engine.open(folder, "step", 1)


def test_a_refused_source_is_an_error_with_the_compilers_words(tmp_path: Path) -> None:
    source = tmp_path / "wrong.c"
    source.write_text("int wrong(void) { return undeclared; }\n")
    with pytest.raises(ExportError, match="undeclared"):
        compiler.shared_library(compiler.find(), [source], tmp_path / "wrong.so", [])


def test_host_sample_streams_frames(quantized: QuantizedNetwork, folder: Path, tmp_path: Path) -> None:
    program = tmp_path / "activity"
    sources = [str(SAMPLE / "main.c"), *map(str, folder.glob("*.c"))]
    build = [
        *compiler.find().command,
        "-std=c99",
        "-O1",
        "-Wall",
        "-Wextra",
        "-Werror",
        f"-I{folder}",
        *sources,
    ]
    subprocess.run([*build, "-o", str(program)], check=True)
    frames = np.random.default_rng(2).normal(0, 4, (1, 9, 6)).astype(np.float32)
    stream = "".join(" ".join(map(repr, frame)) + "\n" for frame in frames[0].tolist())
    done = subprocess.run([str(program)], input=stream + "\n" + stream, capture_output=True, text=True, check=True)
    integers = reference.integer_outputs(quantized, reference.quantize_input(quantized, frames))[0]
    real = native(quantized)[-1].output.dequantize(integers)
    lines = [f"class_{row.argmax()} " + " ".join(f"{value:.3f}" for value in row) for row in real]
    assert done.stdout.splitlines() == lines * 2
    wrong = subprocess.run([str(program)], input="1 2 x\n", capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stderr) == (2, "line 1: a frame is 6 numbers\n")
