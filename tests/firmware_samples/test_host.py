"""The sample for a host: built from its committed model, fed its recorded frames."""

from __future__ import annotations

import subprocess
from pathlib import Path

import edgernn
from edgernn.engines import compiler

SAMPLE = Path(__file__).parents[2] / "firmware_samples" / "host"


def test_recorded_frames_give_the_committed_answer(tmp_path: Path) -> None:
    sources = [SAMPLE / "main.c", *sorted((SAMPLE / "model").glob("*.c"))]
    program = tmp_path / "activity"
    command = [*compiler.find().command, "-std=c99", "-O2", f"-I{SAMPLE / 'model'}", *map(str, sources)]
    subprocess.run([*command, "-o", str(program)], check=True)
    with (SAMPLE / "frames.txt").open() as frames:
        answer = subprocess.run([str(program)], stdin=frames, capture_output=True, text=True, check=True).stdout
    assert answer == (SAMPLE / "expected.txt").read_text()


def test_the_program_is_short_enough_to_read() -> None:
    assert len((SAMPLE / "main.c").read_text().splitlines()) < 100


def test_its_kernels_are_those_of_the_runtime() -> None:
    """A model that was exported before the runtime changed must be exported again."""
    runtime = Path(edgernn.__file__).parent / "runtime"
    copies = [path for path in (SAMPLE / "model").iterdir() if (runtime / path.name).exists()]
    assert len(copies) > 5
    for copy in copies:
        assert copy.read_bytes() == (runtime / copy.name).read_bytes(), copy.name
