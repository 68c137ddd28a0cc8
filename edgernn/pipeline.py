"""The whole story: data, training, pruning, quantising, exporting, verifying, benchmarking, boards, reporting."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from edgernn import datasets, recipe
from edgernn import report as reports
from edgernn.board_tools import tools
from edgernn.build import Build
from edgernn.decide_sections import SampleSection, StreamedSection, WordsSection
from edgernn.deployment import Order
from edgernn.errors import InputError
from edgernn.firmware import BOARDS
from edgernn.folder import BuildFolder
from edgernn.progress import Progress
from edgernn.provenance import EXPORT, TRAINING, processor, versions
from edgernn.recipe import Recipe
from edgernn.stages import Stage, Stages

STAGES = (
    "data",
    "baseline",
    "train",
    "prune",
    "keras",
    "quantize",
    "export",
    "verify",
    "benchmark",
    "firmware",
    "report",
)


def build(plan: Recipe, base: Path, out: Path, progress: Progress, fresh: Iterable[str] = ()) -> dict[str, Any]:
    """Everything from a recipe to its report; returns the content of report.json.

    Paths in the recipe are relative to `base`; `out` is the build folder; `fresh` are the stages to run even
    if nothing that they depend on has changed. Raises EdgernnError.
    """
    work = Build(plan, base, BuildFolder(out), progress)
    with work.folder.opened(plan):
        for name in fresh:
            work.folder.forget(name)  # else a training would go on from its end
        return _run(work, _names(plan), fresh)


def again(out: Path, name: str, progress: Progress) -> dict[str, Any]:
    """Run one stage of a finished build again and write its report anew; needs neither data nor TensorFlow.

    Raises InputError when `out` is no finished build.
    """
    work = _finished(out, progress)
    with work.folder.opened(work.recipe):
        return _run(work, (name, "report"), (name, "report"))


def deploy(out: Path, asked: Order, progress: Progress) -> dict[str, Any]:
    """Put the C of a finished build on a board, and write the build's report anew with what came of it.

    Raises InputError when `out` is no finished build or has no C, MissingToolError when a compiler or an emulator
    is missing.
    """
    work = _finished(out, progress)
    with work.folder.opened(work.recipe):
        work.deploy(asked)
        return _run(work, ("report",), ("report",))


def later_stages(start: str | None) -> tuple[str, ...]:
    """A stage and all after it; none for None. Raises InputError for a name that is not a stage."""
    if start is None:
        return ()
    if start not in STAGES:
        raise InputError(f"--from {start}: no such stage; the stages are {', '.join(STAGES)}")
    return STAGES[STAGES.index(start) :]


def _finished(out: Path, progress: Progress) -> Build:
    folder = BuildFolder(out)
    unfinished = [path for path in (folder.recipe, *folder.reports) if not path.is_file()]
    if unfinished:
        raise InputError(f"{out} is no finished build: it has no {unfinished[0].name}; run `edgernn build` first")
    return Build(recipe.load(folder.recipe), out, folder, progress)


def _names(plan: Recipe) -> tuple[str, ...]:
    """The stages of a recipe, in order; one without a board has no firmware."""
    return tuple(name for name in STAGES if name != "firmware" or plan.board)


def _run(work: Build, names: Iterable[str], fresh: Iterable[str]) -> dict[str, Any]:
    runner = Stages(work.folder.root, work.progress, frozenset(fresh))
    stages = _stages(work, runner)
    for name in names:
        runner.run(stages[name])
    return reports.load(work.folder.root)


def _stages(work: Build, runner: Stages) -> dict[str, Stage]:
    """Every stage: its work, the settings and versions it depends on, the files it reads and those it writes."""
    r, f, trained_by = work.recipe, work.folder, versions(*TRAINING)
    source = datasets.fingerprint(r.data, work.base)
    judging = [r.judge.metric.name, r.judge.tolerance]
    engines = [(case.key, case.engine_version, case.skip) for case in work.cases]
    words = r.decide if isinstance(r.decide, WordsSection) else None
    heard = [f.splits, *([f.scenes] if isinstance(r.decide, StreamedSection) else [])]
    minutes = words and words.minutes
    trained = [f.trained, *([f.validated] if r.judged_before_refit else [])]
    drawn = [r.decide] if isinstance(r.decide, SampleSection) else []  # of the samples in the report
    healed = [r.seed, r.train, r.prune, *([r.decide] if r.decide else []), trained_by]
    made = [*heard, f.network, f.quantized, f.artifacts]
    found = [
        f.splits,
        f.network,
        f.keras,
        f.baseline,
        f.chosen,
        f.artifacts,
        f.verified,
        f.benchmarked,
        f.firmware,
        f.boards,
    ]
    board = r.board and (r.board.name, r.board.optimisations, r.board.run, judging, tools(BOARDS[r.board.name]))
    written = {name: section.model_copy(update={"board": None}) for name, section in r.targets.items()}
    on_board = [f.firmware, f.images / r.board.name] if r.board else []
    judged = [r.baselines, *judging, r.seed, versions("scikit-learn")]
    taught = [r.name, r.seed, r.features, r.network, r.train, trained_by]
    limits = [r.verify.gates.agreement_min, r.verify.gates.metric_drop_max, r.verify.gates.metric_drop_share_max]
    drift = [*limits, *judging] if r.quantize.state == "auto" else []
    quantised_by = [
        r.quantize,
        drift,
        [r.seed, r.train, r.prune, sorted(r.targets), trained_by] if r.quantize.qat else [],
    ]
    over_time = (r.verify.gates.max_state_error_at, r.verify.gates.max_output_error_at)
    watched = [r.verify.stream, *(sorted(steps or ()) for steps in over_time)]
    table = [
        Stage(
            "data", work.data, [r.data, r.log_mel, r.seed, r.train.augment, r.network, minutes, source], [], heard
        ),
        Stage("baseline", work.baseline, judged, [f.splits], [f.baseline]),
        Stage("train", work.train, taught, [f.splits], trained),
        Stage("prune", work.prune, healed, [*heard, *trained], [f.network]),
        Stage(
            "keras", work.keras, [r.benchmark, *judging, processor(), trained_by], [f.splits, f.network], [f.keras]
        ),
        Stage("quantize", work.quantize, quantised_by, [f.splits, f.network], [f.quantized, f.chosen]),
        Stage("export", work.export, [written, versions(*EXPORT)], [f.network, f.quantized], [f.artifacts]),
        Stage("verify", work.verify, [engines, *judging, *watched, *drawn], made, [f.verified]),
        Stage("benchmark", work.benchmark, [r.benchmark, engines, processor()], made, [f.benchmarked]),
        Stage("firmware", work.firmware, board, made, on_board),
        Stage("report", lambda: work.report(runner.all_records(_names(r))), r, found, f.reports),
    ]
    return {stage.name: stage for stage in table}
