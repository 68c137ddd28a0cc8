"""The whole story: data, training, pruning, quantising, exporting, verifying, benchmarking, reporting."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from edgernn import archive, benchmark, datasets, gates, quantize, recipe, verify
from edgernn import network as networks
from edgernn import report as reports
from edgernn.cases import Case, cases
from edgernn.datasets import splits as split_files
from edgernn.errors import InputError
from edgernn.folder import BuildFolder
from edgernn.progress import Progress
from edgernn.recipe import Recipe
from edgernn.stages import Stages
from edgernn.targets import Combination, audit, target

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
    "report",
)


def build(
    plan: Recipe, base: Path, out: Path, progress: Progress, fresh: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """Everything from a recipe to its report; returns the content of report.json.

    Paths in the recipe are relative to `base`; `out` is the build folder; `fresh` are the stages to run even
    if nothing that they depend on has changed. Raises EdgernnError.
    """
    plan = recipe.located(plan, base)
    folder = BuildFolder(out)
    stages = Stages(folder.root, progress, fresh)
    with folder.opened(plan):
        for stage in fresh:
            folder.checkpoint(stage).unlink(missing_ok=True)  # else a fresh training would go on from its end
        _run(stages, Build(plan, folder, progress))
    return reports.load(folder.root)


def _run(stages: Stages, work: Build) -> None:
    """Each stage with what decides whether it must run: settings, files it reads, files it writes."""
    r, f = work.recipe, work.folder
    stages.run("data", work.data, [r.data, r.seed, datasets.fingerprint(r.data)], [], [f.splits])
    stages.run("baseline", work.baseline, [r.verify.baseline, r.seed], [f.splits], [f.baseline])
    stages.run("train", work.train, [r.name, r.seed, r.features, r.network, r.train], [f.splits], [f.trained])
    stages.run("prune", work.prune, [r.seed, r.train, r.prune], [f.splits, f.trained], [f.network])
    stages.run("keras", work.keras, [r.benchmark], [f.splits, f.network], [f.keras])
    stages.run("quantize", work.quantize, [r.quantize], [f.splits, f.network], [f.quantized])
    stages.run("export", work.export, [r.targets], [f.network, f.quantized], [f.artifacts])
    engines = [(case.key, case.engine_version, case.skip) for case in work.cases]
    made = [f.splits, f.network, f.quantized, f.artifacts]
    stages.run("verify", work.verify, engines, made, [f.verified])
    stages.run("benchmark", work.benchmark, [r.benchmark, engines], [f.splits, f.artifacts], [f.benchmarked])
    measured = [f.network, f.keras, f.baseline, f.artifacts, f.verified, f.benchmarked]
    stages.run("report", lambda: work.report(stages), [r], measured, list(f.reports))


def again(out: Path, fresh: frozenset[str], progress: Progress) -> dict[str, Any]:
    """Run stages of a finished build again. Raises InputError when `out` is no build folder."""
    plan = BuildFolder(out).recipe
    if not plan.is_file():
        raise InputError(f"{out} is not a build folder: it has no recipe.yaml; run `edgernn build` first")
    return build(recipe.load(plan), plan.parent, out, progress, fresh)


def later_stages(start: str | None) -> frozenset[str]:
    """A stage and all after it; none for None. Raises InputError for a name that is not a stage."""
    if start is None:
        return frozenset()
    if start not in STAGES:
        raise InputError(f"--from {start}: no such stage; the stages are {', '.join(STAGES)}")
    return frozenset(STAGES[STAGES.index(start) :])


@dataclass(frozen=True)
class Build:
    """The stages of one build: each reads what earlier ones wrote and writes files of its own."""

    recipe: Recipe
    folder: BuildFolder
    progress: Progress

    def data(self) -> None:
        split_files.save(datasets.load(self.recipe.data, Path(), self.recipe.seed), self.folder.splits)

    def baseline(self) -> None:
        from edgernn import baseline

        found = baseline.evaluate(self.recipe.verify.baseline, self.splits, self.recipe.seed)
        _write(self.folder.baseline, {"name": found.name, "value": found.value})

    def train(self) -> None:
        from edgernn import train

        trained = train.fit(self.recipe, self.splits, self.folder.root, self.progress.quiet)
        networks.save(trained, self.folder.trained)

    def prune(self) -> None:
        network = networks.load(self.folder.trained)
        if self.recipe.prune and self.recipe.prune.sparsity:
            from edgernn import prune

            network = prune.fine_tune(network, self.recipe, self.splits, self.folder.root, self.progress.quiet)
        networks.save(network, self.folder.network)

    def keras(self) -> None:
        from edgernn import train

        test = self.splits.test
        outputs = train.keras_outputs(self.network, test.x)
        times = train.keras_latency(self.network, test.x, self.recipe.benchmark.runs)
        latency = benchmark.summary(times, 1, "sequence")
        _write(self.folder.keras, verify.against_keras(self.network, test, outputs, latency))

    def quantize(self) -> None:
        streams = (self.splits.calibration.x - self.network.mean) / self.network.std
        section = self.recipe.quantize
        quantized = quantize.quantize(
            self.network, streams, section.state, section.weights, section.calibration, section.percentile
        )
        networks.save_quantized(quantized, self.folder.quantized)

    def export(self) -> None:
        folder = self.folder.artifacts
        shutil.rmtree(folder, ignore_errors=True)
        for combination in self.combinations:
            path = target(combination.target).export(
                self.network, self.quantized, combination.form, combination.precision, folder
            )
            audit(combination, path)
            self.progress.say(f"  wrote {path.relative_to(self.folder.root)}")

    def verify(self) -> None:
        test = self.splits.test
        wanted = verify.expected(self.network, self.quantized, test)
        found = verify.run(self.cases, test, wanted, self.folder.cache, self.progress)
        last = wanted.float[:, -1]
        own = {"artifact": "network", "engine": "numpy", "device": "host", "form": "sequence", "status": "ok"}
        found["float"] = own | verify.measure(last, wanted.float, test.y)
        found["float_confusion"] = verify.confusion_matrix(last, test.y)
        found["test_examples"] = len(test)
        _write(self.folder.verified, found)

    def benchmark(self) -> None:
        section = self.recipe.benchmark
        frames = self.folder.cache / "window.npz"
        archive.save(frames, {}, {"x": self.splits.test.x[:1]})
        rows = benchmark.run(self.cases, frames, section.runs, section.warmup, section.threads, self.progress)
        _write(self.folder.benchmarked, rows)

    def report(self, stages: Stages) -> None:
        from edgernn.report import assemble

        names = ("baseline", "keras", "verify", "benchmark")
        files = (self.folder.baseline, self.folder.keras, self.folder.verified, self.folder.benchmarked)
        measured = {name: json.loads(path.read_text()) for name, path in zip(names, files, strict=True)}
        found = assemble.content(
            self.recipe, self.network, self.combinations, self.folder.artifacts, measured, stages.records
        )
        found["gates"] = gates.evaluate(self.recipe.verify.gates, found)
        found["passed"] = all(gate["passed"] for gate in found["gates"])
        reports.write(found, self.folder.root)
        self.folder.write_manifest(self.recipe, found["provenance"]["tools"])

    @cached_property
    def splits(self) -> split_files.Splits:
        return split_files.load(self.folder.splits)

    @cached_property
    def network(self) -> networks.Network:
        return networks.load(self.folder.network)

    @cached_property
    def quantized(self) -> networks.QuantizedNetwork:
        return networks.load_quantized(self.folder.quantized)

    @cached_property
    def combinations(self) -> tuple[Combination, ...]:
        return tuple(Combination(*triple) for triple in self.recipe.artifacts())

    @cached_property
    def cases(self) -> list[Case]:
        return cases(self.combinations, self.recipe.verify.engines, self.folder.artifacts)


def _write(path: Path, value: Mapping[str, Any] | Sequence[Any]) -> None:
    archive.write_text(path, json.dumps(value, indent=1))
