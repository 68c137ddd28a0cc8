"""The work of each stage of a build: what it reads, does and writes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from edgernn import archive, benchmark, datasets, gates, provenance, quantize, verify
from edgernn import network as networks
from edgernn import report as reports
from edgernn.cases import Case, cases
from edgernn.datasets import splits as split_files
from edgernn.features import normalize
from edgernn.folder import BuildFolder
from edgernn.progress import Progress
from edgernn.recipe import Recipe
from edgernn.report import assemble
from edgernn.stages import StageRecord
from edgernn.targets import Combination, audit, target


@dataclass(frozen=True)
class Build:
    """One build: a recipe whose paths are relative to `base`, and the folder that its stages write to."""

    recipe: Recipe
    base: Path
    folder: BuildFolder
    progress: Progress

    def data(self) -> None:
        splits = datasets.load(self.recipe.data, self.base, self.recipe.seed)
        self._refuse_misfit(splits)
        split_files.save(splits, self.folder.splits)

    def _refuse_misfit(self, splits: split_files.Splits) -> None:
        """What only the data can tell about a recipe is told before any training."""
        from edgernn.train.augment import Augmentation

        self.recipe.network.stack(len(splits.labels))
        Augmentation.of(self.recipe.train.augment, splits.channels, normalize.fit(splits.train.x)[1])

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
        streams = normalize.apply(self.splits.calibration.x, self.network.mean, self.network.std)
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

    def verify(self) -> bool:
        test = self.splits.test
        wanted = verify.expected(self.network, self.quantized, test)
        found = verify.run(self.cases, test, wanted, self.folder.cache, self.progress)
        _write(self.folder.verified, found | verify.float_network(wanted))
        return all(row["status"] != "failed" for row in found["results"])

    def benchmark(self) -> bool:
        section = self.recipe.benchmark
        frames = self.folder.cache / "window.npz"
        archive.save(frames, {}, {"x": self.splits.test.x[:1]})
        rows = benchmark.run(self.cases, frames, section.runs, section.warmup, section.threads, self.progress)
        _write(self.folder.benchmarked, {"machine": provenance.machine(), "rows": rows})
        return all("reason" not in row for row in rows)

    def report(self, records: Sequence[StageRecord]) -> None:
        names = ("baseline", "keras", "verify", "benchmark")
        files = (self.folder.baseline, self.folder.keras, self.folder.verified, self.folder.benchmarked)
        measured = {name: json.loads(path.read_text()) for name, path in zip(names, files, strict=True)}
        found = assemble.content(
            self.recipe, self.network, self.combinations, self.folder.artifacts, measured, records
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
