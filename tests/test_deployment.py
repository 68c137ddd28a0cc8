"""Images and rows of boards. Compilers and emulators are stand-ins here, but for the last test."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import random_frames, stack_network

from edgernn import archive, deployment, firmware
from edgernn.datasets.splits import Split
from edgernn.deployment import Order
from edgernn.errors import ExportError, InputError, MissingToolError
from edgernn.features import normalize
from edgernn.firmware import BOARDS, Image, Measured
from edgernn.folder import BuildFolder
from edgernn.metric import METRICS, Judge
from edgernn.network import Network, QuantizedNetwork
from edgernn.progress import Progress
from edgernn.quantize import quantize
from edgernn.stages import digest
from edgernn.targets import Combination, artifact_name, target

COMBINATIONS = (
    Combination("tflite", "step", "int8"),
    Combination("c", "step", "int8"),
    Combination("c", "step", "int16x8"),
)
SECTIONS = {"code": 1000, "weights": 2000, "data": 4, "bss": 8}
M4 = BOARDS["cortex-m4"]
Measure = Callable[..., Measured]


def image(sources: Path, board: Any, optimisation: Any, folder: Path, form: Any) -> Image:
    path = folder / "image.elf"
    path.write_bytes(f"{sources.name} {board.name} {optimisation}".encode())
    return Image(path, board, optimisation, form, "cc 1.0", SECTIONS)


def measured(outputs: np.ndarray, **changes: Any) -> Measured:
    values: dict[str, Any] = {
        "instructions": 5000,
        "stack_bytes": 300,
        "static_ram_bytes": 112,
        "flash_bytes": 3004,
        "sections": SECTIONS,
        "state_bytes": 100,
        "emulator": "qemu 7",
        "compiler": "cc 1.0",
    }
    return Measured(outputs, **values | changes)


class Bench:
    """A build folder with C in it, and the network that the C is of."""

    def __init__(self, root: Path, network: Network, quantized: QuantizedNetwork, test: Split) -> None:
        self.folder, self.network, self.quantized, self.test = BuildFolder(root), network, quantized, test

    def deploy(self, asked: Order, combinations: tuple[Combination, ...] = COMBINATIONS) -> list[dict[str, Any]]:
        work = deployment.jobs(asked, combinations, self.folder, self.network, self.quantized, self.test, JUDGE)
        return deployment.run(asked, work, Progress(quiet=True))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    network = stack_network("gru")
    frames = random_frames(network, 4)
    quantized = quantize(network, normalize.apply(frames, network.mean, network.std))
    split = Split(frames, np.arange(4), np.array(["a"] * 4))
    made = Bench(tmp_path, network, quantized, split)
    archive.save(made.folder.splits, {}, {"x": frames})
    for combination in COMBINATIONS[1:]:
        sources = made.folder.artifacts / artifact_name(combination)
        archive.write_text(sources / "wave.c", f"/* {combination.precision} */")
    monkeypatch.setattr(firmware, "build", image)
    return made


def replies(
    monkeypatch: pytest.MonkeyPatch, bench: Bench, change: Callable[[np.ndarray], np.ndarray] = lambda y: y
) -> None:
    """A board that computes what the reference does, `change` apart."""

    jobs = deployment.jobs(ASKED, COMBINATIONS, bench.folder, bench.network, bench.quantized, bench.test, JUDGE)
    trials = {job.sources: job.trial for job in jobs}

    def measure(sources: Path, board: Any, optimisation: Any, x: np.ndarray, form: Any) -> Measured:
        assert np.array_equal(x, trials[sources].x)
        return measured(change(trials[sources].wanted.copy()))

    monkeypatch.setattr(firmware, "measure", measure)


def fails(monkeypatch: pytest.MonkeyPatch, function: str, error: Exception) -> None:
    def failing(*_: object) -> None:
        raise error

    monkeypatch.setattr(firmware, function, failing)


JUDGE = Judge(METRICS["accuracy"])
ASKED = Order(M4, ("size", "speed"), run=True, strict=True)


def test_every_integer_c_folder_gets_an_image_for_size_and_one_for_speed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    replies(monkeypatch, bench)
    rows = bench.deploy(ASKED)
    assert [(row["artifact"], row["optimisation"]) for row in rows] == [
        ("c/int8", "size"),
        ("c/int8", "speed"),
        ("c/int16x8", "size"),
        ("c/int16x8", "speed"),
    ]
    assert {row["status"] for row in rows} == {"ok"}
    for row in rows:
        content = (bench.folder.root / row["image"]).read_text()
        assert content == f"{row['precision']} cortex-m4 {row['optimisation']}"
        assert row["sha256"] == digest(bench.folder.artifacts / row["artifact"])


def test_a_row_has_what_was_measured(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    replies(monkeypatch, bench)
    row = bench.deploy(ASKED)[0]
    wanted = {
        "device": "cortex-m4",
        "engine": "c",
        "engine_version": "cc 1.0",
        "emulator": "qemu 7",
        "form": "step",
        "image": "firmware/cortex-m4/int8.size.elf",
        "flash_bytes": 3004,
        "sections": SECTIONS,
        "memory": {"state_bytes": 100, "static_ram_bytes": 112, "stack_bytes": 300},
        "instructions": 5000,
        "instructions_per_mac": round(5000 / bench.network.macs_per_step, 3),
        "equals_reference": 1.0,
        "windows": 4,
    }
    assert {key: row[key] for key in wanted} == wanted
    assert "latency_us" not in row


def test_an_output_that_differs_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    replies(monkeypatch, bench, lambda y: y + np.int16(1))
    row = bench.deploy(ASKED)[0]
    assert (row["status"], row["equals_reference"]) == ("ok", 0.0)


def test_an_emulator_that_cannot_count_gives_no_numbers(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = deployment.jobs(ASKED, COMBINATIONS, bench.folder, bench.network, bench.quantized, bench.test, JUDGE)
    outputs = jobs[0].trial.wanted
    monkeypatch.setattr(firmware, "measure", lambda *_: measured(outputs, instructions=None))
    row = bench.deploy(ASKED)[0]
    assert (row["instructions"], row["instructions_per_mac"]) == (None, None)


def test_without_run_an_image_is_built_and_says_how_to_run_it(bench: Bench) -> None:
    (row,) = bench.deploy(Order(M4, ("size",), run=False, strict=True), COMBINATIONS[:2])
    assert (row["status"], row["flash_bytes"]) == ("skipped", 3004)
    assert row["reason"] == "built and not run; `edgernn firmware DIR --board cortex-m4 --run` runs it"
    assert (bench.folder.root / row["image"]).is_file()


@pytest.mark.parametrize(("function", "built"), [("build", False), ("measure", True)])
def test_a_missing_tool_is_an_error_or_a_reason(
    function: str, built: bool, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails(monkeypatch, function, MissingToolError("no tool; apt-get install tool adds it"))
    with pytest.raises(MissingToolError):
        bench.deploy(ASKED)
    row = bench.deploy(Order(M4, ("size",), run=True, strict=False))[0]
    assert (row["status"], row["reason"]) == ("skipped", "no tool; apt-get install tool adds it")
    assert ("flash_bytes" in row, "image" in row) == (built, built)


@pytest.mark.parametrize(
    ("function", "error"),
    [
        ("build", ExportError("cc refuses line 3")),
        ("measure", ExportError("the image crashed")),
        ("measure", InputError("the model does not fit cortex-m4")),
    ],
)
def test_what_goes_wrong_on_one_image_fails_its_row(
    function: str, error: Exception, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails(monkeypatch, function, error)
    rows = bench.deploy(ASKED)
    assert [(row["status"], row["reason"]) for row in rows] == [("failed", str(error))] * 4
    assert ("sections" in rows[0]) == (function == "measure")  # what is too large is told by section


def test_a_linux_image_can_be_executed_and_has_its_windows_beside_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    replies(monkeypatch, bench)
    row = bench.deploy(Order(BOARDS["aarch64"], ("speed",), run=False, strict=True))[0]
    assert (bench.folder.root / row["image"]).stat().st_mode & 0o111 == 0o111
    content = (bench.folder.root / row["frames"]).read_bytes()
    assert np.frombuffer(content[:8], np.uint32).tolist() == [4, 20]


def test_a_build_without_c_is_refused(bench: Bench) -> None:
    with pytest.raises(InputError, match="has no C code to put on a board; add c to the targets"):
        bench.deploy(ASKED, COMBINATIONS[:1])


def test_rows_are_kept_until_their_c_or_the_test_split_changes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    replies(monkeypatch, bench)
    deployment.store(bench.deploy(ASKED), bench.folder)
    deployment.store(bench.deploy(Order(BOARDS["riscv32"], ("size",), True, True)), bench.folder)
    kept = deployment.stored(bench.folder)
    assert [row["device"] for row in kept] == ["cortex-m4"] * 4 + ["riscv32"] * 2
    archive.write_text(bench.folder.artifacts / "c" / "int8" / "wave.c", "/* another */")
    assert {row["artifact"] for row in deployment.stored(bench.folder)} == {"c/int16x8"}
    archive.save(bench.folder.splits, {}, {"x": np.zeros(3)})
    assert deployment.stored(bench.folder) == []


def test_a_row_that_ran_is_not_replaced_by_one_that_did_not(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def row(status: str, size: int) -> Mapping[str, Any]:
        sha = digest(bench.folder.artifacts / "c/int8")
        place = {"artifact": "c/int8", "device": "cortex-m4", "optimisation": "size", "sha256": sha}
        return place | {"status": status, "flash_bytes": size}

    def survivor(*rows: Mapping[str, Any]) -> object:
        return [kept["flash_bytes"] for kept in deployment.current(rows, bench.folder)]

    assert survivor(row("ok", 1), row("skipped", 2)) == [1]
    assert survivor(row("skipped", 1), row("skipped", 2)) == [2]
    assert survivor(row("skipped", 1), row("ok", 2)) == [2]
    assert survivor(row("ok", 1), row("failed", 2)) == [2]


def test_a_damaged_store_is_empty(bench: Bench) -> None:
    archive.write_text(bench.folder.boards, "{")
    assert deployment.stored(bench.folder) == []
    deployment.store([], bench.folder)
    assert json.loads(bench.folder.boards.read_text())["rows"] == []


@pytest.mark.parametrize(
    ("board", "optimise", "wanted"),
    [
        ("cortex-m3", None, "--board cortex-m3 is not a board; did you mean cortex-m33?"),
        ("host", "fast", "--optimise fast is not an optimisation; known: size, speed"),
    ],
)
def test_what_the_command_line_cannot_ask_for(board: str, optimise: str | None, wanted: str) -> None:
    with pytest.raises(InputError) as caught:
        deployment.order(board, optimise, run=False)
    assert wanted == str(caught.value)


def test_what_the_command_line_asks_for() -> None:
    assert deployment.order("cortex-m4", None, run=True) == ASKED
    assert deployment.order("host", "speed", run=False) == Order(BOARDS["host"], ("speed",), run=False, strict=True)


@pytest.mark.toolchain
@pytest.mark.parametrize("name", ["gru", "conv", "gru, bidirectional"])
def test_the_generated_c_as_a_process_of_this_machine_equals_the_reference(name: str, tmp_path: Path) -> None:
    network = stack_network(name)
    frames = random_frames(network, 4)
    quantized = quantize(network, normalize.apply(frames, network.mean, network.std))
    form = "step" if network.streams else "sequence"
    bench = Bench(tmp_path, network, quantized, Split(frames, np.arange(4), np.array(["a"] * 4)))
    target("c").export(network, quantized, form, "int8", bench.folder.artifacts)
    asked = Order(BOARDS["host"], ("size", "speed"), run=True, strict=True)
    rows = bench.deploy(asked, (Combination("c", form, "int8"),))
    assert [(row["status"], row["equals_reference"], row["form"]) for row in rows] == [("ok", 1.0, form)] * 2
    assert all(row["flash_bytes"] > 1000 and row["memory"]["stack_bytes"] > 0 for row in rows)
