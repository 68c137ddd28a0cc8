"""The generated C on a board: an image of every C folder, and what the board's emulator says of it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from edgernn import archive, firmware
from edgernn.datasets.splits import Split
from edgernn.errors import ExportError, InputError, MissingToolError
from edgernn.firmware import BOARDS, Board, Measured, Optimisation
from edgernn.folder import BuildFolder
from edgernn.metric import Judge
from edgernn.network import Network, QuantizedNetwork
from edgernn.progress import Progress
from edgernn.section import nearest
from edgernn.stages import digest
from edgernn.target_sections import BoardSection
from edgernn.targets import Combination, artifact_name
from edgernn.trial import Trial

FLASH = ("code", "weights", "data")  # the sections that lie in flash

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Order:
    """Which images to build, and whether to run them.

    With `strict` a missing tool is an error; otherwise what it keeps from running is skipped, with the reason.
    """

    board: Board
    optimisations: tuple[Optimisation, ...]
    run: bool
    strict: bool


@dataclass(frozen=True, eq=False)
class Job:
    """One image: the C folder `sources`, for one optimisation; it goes to the folder `images`."""

    combination: Combination
    optimisation: Optimisation
    sources: Path
    images: Path
    trial: Trial


def order(board: str, optimise: str | None, run: bool) -> Order:
    """What the command line asks for; both optimisations where it names none.

    Raises InputError for a board or an optimisation that is not known.
    """
    if board not in BOARDS:
        raise InputError(f"--board {board} is not a board{nearest(board, BOARDS)}")
    known: tuple[Optimisation, ...] = get_args(Optimisation)
    if optimise not in (None, *known):
        raise InputError(f"--optimise {optimise} is not an optimisation; known: {', '.join(known)}")
    return Order(BOARDS[board], tuple(one for one in known if optimise in (None, one)), run, strict=True)


def recipe_order(section: BoardSection) -> Order:
    """What a recipe asks for."""
    return Order(BOARDS[section.name], section.optimisations, section.run, strict=False)


def jobs(
    asked: Order,
    combinations: Sequence[Combination],
    folder: BuildFolder,
    network: Network,
    quantized: QuantizedNetwork,
    test: Split,
    judge: Judge,
) -> list[Job]:
    """Every integer C folder of a build with every optimisation.

    Raises InputError when the build has no C.
    """
    ordered = [one for one in combinations if one.target == "c"]
    if not ordered:
        raise InputError(f"{folder.root} has no C code to put on a board; add c to the targets of its recipe")
    trials = {one: Trial.of(network, quantized.at(one.precision), test, judge) for one in ordered}
    return [
        Job(one, optimisation, folder.artifacts / artifact_name(one), folder.images / asked.board.name, trial)
        for one, trial in trials.items()
        for optimisation in asked.optimisations
    ]


def run(asked: Order, work: Sequence[Job], progress: Progress) -> list[dict[str, Any]]:
    """One row of report.json for each job.

    Raises MissingToolError when the order is strict and a compiler or an emulator is missing.
    """
    rows = []
    with progress.bar(f"firmware for {asked.board.name}", len(work)) as advance:
        for job in work:
            rows.append(_about(asked, job) | _outcome(asked, job))
            advance()
    return rows


def stored(folder: BuildFolder) -> list[Row]:
    """What earlier orders found, where neither the C nor the test split has changed since."""
    try:
        found = json.loads(folder.boards.read_text())
    except (OSError, ValueError):
        return []
    return current(found["rows"] if found["splits"] == digest(folder.splits) else (), folder)


def store(rows: Iterable[Row], folder: BuildFolder) -> None:
    """Add what an order found to what earlier ones did."""
    content = {"splits": digest(folder.splits), "rows": current([*stored(folder), *rows], folder)}
    archive.write_text(folder.boards, json.dumps(content, indent=1))


def current(rows: Iterable[Row], folder: BuildFolder) -> list[Row]:
    """The rows whose C is still what it was; of two of one image the later, unless only the first ran."""
    kept: dict[tuple[str, str, str], Row] = {}
    for row in rows:
        key = (row["artifact"], row["device"], row["optimisation"])
        fresh = row["sha256"] == digest(folder.artifacts / row["artifact"])
        if fresh and (row["status"] != "skipped" or kept.get(key, row)["status"] == "skipped"):
            kept[key] = row
    return list(kept.values())


def _about(asked: Order, job: Job) -> dict[str, Any]:
    return {
        "artifact": artifact_name(job.combination),
        "form": job.trial.form,
        "precision": job.combination.precision,
        "engine": "c",
        "device": asked.board.name,
        "optimisation": job.optimisation,
        "sha256": digest(job.sources),
    }


def _outcome(asked: Order, job: Job) -> dict[str, Any]:
    """What became of a job: its image, and what the run found or why there was none."""
    found: dict[str, Any] = {"status": "skipped"}
    try:
        found |= _built(asked.board, job)
        if not asked.run:
            command = f"edgernn firmware DIR --board {asked.board.name} --run"
            return found | {"reason": f"built and not run; `{command}` runs it"}
        return found | _ran(asked.board, job)
    except MissingToolError as error:
        if asked.strict:
            raise
        return found | {"reason": str(error)}
    except (ExportError, InputError) as error:  # a model that the emulated board cannot hold is bad input
        return found | {"status": "failed", "reason": str(error)}


def _built(board: Board, job: Job) -> dict[str, Any]:
    """The image, kept; for a board with an operating system with a file of the windows that it reads."""
    precision = job.combination.precision
    with tempfile.TemporaryDirectory(prefix="edgernn-firmware-") as folder:
        image = firmware.build(job.sources, board, job.optimisation, Path(folder), job.trial.form)
        kept = job.images / f"{precision}.{job.optimisation}{image.path.suffix}"
        archive.write_bytes(kept, image.path.read_bytes())
    found = _sizes(image.sections) | {"engine_version": image.compiler, "image": _below(kept)}
    if board.kind not in ("linux", "host"):
        return found
    kept.chmod(0o755)
    frames = job.images / f"{precision}.frames"
    archive.write_bytes(frames, firmware.input_file(job.trial.x))
    return found | {"frames": _below(frames)}


def _below(path: Path) -> str:
    """A file of an image as the report names it: below the build folder."""
    return "/".join(path.parts[-3:])


def _ran(board: Board, job: Job) -> dict[str, Any]:
    measured = firmware.measure(job.sources, board, job.optimisation, job.trial.x, job.trial.form)
    memory = ("state_bytes", "static_ram_bytes", "stack_bytes")
    return {
        "status": "ok",
        "reason": "",
        **job.trial.judged(measured.outputs),
        **_sizes(measured.sections),
        "memory": {key: getattr(measured, key) for key in memory},
        "emulator": measured.emulator,
        "instructions": measured.instructions,
        "instructions_per_mac": _per_mac(measured, job.trial),
    }


def _sizes(sections: Mapping[str, int]) -> dict[str, Any]:
    return {"flash_bytes": sum(sections[name] for name in FLASH), "sections": dict(sections)}


def _per_mac(measured: Measured, trial: Trial) -> float | None:
    return None if measured.instructions is None else round(measured.instructions / trial.macs, 3)
