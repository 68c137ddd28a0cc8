"""The work of each stage of a build: what it reads, does and writes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from edgernn import (
    archive,
    audit,
    benchmark,
    choose,
    datasets,
    deployment,
    detection,
    gates,
    generation,
    provenance,
    prune,
    quantize,
    recommendations,
    verify,
)
from edgernn import network as networks
from edgernn import report as reports
from edgernn.cases import Case, cases
from edgernn.datasets import scene
from edgernn.datasets import splits as split_files
from edgernn.datasets.audio_sections import SpeechData
from edgernn.datasets.sections import ForecastData
from edgernn.decide import TopRule
from edgernn.decide_sections import AlarmSection, SampleSection, StreamedSection, WordsSection
from edgernn.deployment import Order
from edgernn.detection import alarms
from edgernn.errors import InputError
from edgernn.features import normalize
from edgernn.folder import BuildFolder
from edgernn.metric import TWO_CLASSES
from edgernn.network_section import without_weights
from edgernn.progress import Progress
from edgernn.recipe import Recipe
from edgernn.report import assemble
from edgernn.stages import StageRecord, digest
from edgernn.targets import Combination, target


@dataclass(frozen=True)
class Build:
    """One build: a recipe whose paths are relative to `base`, and the folder that its stages write to."""

    recipe: Recipe
    base: Path
    folder: BuildFolder
    progress: Progress

    def data(self) -> None:
        recipe = self.recipe
        if isinstance(recipe.decide, WordsSection) and recipe.log_mel and isinstance(recipe.data, SpeechData):
            seconds = 60 * recipe.decide.minutes
            splits, found = datasets.load_with_scenes(recipe.data, self.base, recipe.seed, recipe.log_mel, seconds)
            scene.save(found, self.folder.scenes)
        elif isinstance(recipe.decide, AlarmSection) and isinstance(recipe.data, ForecastData):
            splits, found = datasets.load_with_stretches(recipe.data, self.base, recipe.seed)
            alarms.refuse_short(recipe.decide, found, recipe.data.window, recipe.data.horizon)
            scene.save(found, self.folder.scenes)
        else:
            splits = datasets.load(recipe.data, self.base, recipe.seed, recipe.log_mel)
        self._refuse_misfit(splits)
        if splits.left_out:
            self.progress.say(f"  {'; '.join(map(str, splits.left_out))}")
        split_files.save(splits, self.folder.splits)

    def _refuse_misfit(self, splits: split_files.Splits) -> None:
        """What only the data can tell about a recipe is told before any training."""
        from edgernn.train.augment import Augmentation

        known = len(splits.vocabulary.entries) if splits.vocabulary else None
        stack = self.recipe.network.stack(len(splits.labels), known)
        layers = without_weights(stack, len(splits.channels))
        _refuse_frames(layers, splits.train.x)
        _refuse_lengths(layers, splits)
        _refuse_classes(self.recipe.judge.metric.name, splits)
        if self.recipe.prune and self.recipe.prune.sparsity:
            prune.refuse_misfit(self.recipe.prune, layers)
        Augmentation.of(self.recipe.train.augment, splits.channels, np.ones(len(splits.channels), np.float32))

    def baseline(self) -> None:
        from edgernn import baselines

        recipe = self.recipe
        found = baselines.evaluate(recipe.baselines, self.splits, recipe.data, recipe.judge.metric, recipe.seed)
        _write(self.folder.baseline, {"all": [one._asdict() for one in found], **found[0]._asdict()})

    def train(self) -> None:
        from edgernn import train

        trained = train.fit(self.recipe, self.splits, self.folder.root, self.progress.quiet)
        networks.save(trained, self.folder.trained)
        if self.recipe.judged_before_refit:
            judged = train.validated(self.recipe, self.splits, self.folder.root, self.progress.quiet)
            networks.save(judged, self.folder.validated)

    def prune(self) -> None:
        network = networks.load(self.folder.trained)
        if self.recipe.prune and self.recipe.prune.sparsity:
            network = prune.fine_tune(network, self.recipe, self.splits, self.folder.root, self.progress.quiet)
        networks.save(self._deciding(network), self.folder.network)
        if self.recipe.prune and self.recipe.prune.sparsity:
            prune.require_sparsity(networks.load(self.folder.network), self.recipe.prune)

    def _deciding(self, network: networks.Network) -> networks.Network:
        """The network with the recipe's rule for decisions, whose threshold validation may choose."""
        section = self.recipe.decide
        if section is None:
            return network
        if not isinstance(section, StreamedSection):
            return replace(network, decide=section.chosen())
        judged = networks.load(self.folder.validated) if self.recipe.judged_before_refit else network
        return replace(network, decide=detection.rule(section, judged, scene.load(self.folder.scenes)))

    def keras(self) -> None:
        from edgernn import train

        test = self.splits.test
        outputs = train.keras_outputs(self.network, test.x, test.ends(self.network.frames_per_step))
        times, threads = train.keras_latency(self.network, test.x, self.recipe.benchmark.runs)
        latency = benchmark.summary(times, threads, "sequence")
        _write(self.folder.keras, verify.against_keras(self.network, test, outputs, latency, self.recipe.judge))

    def quantize(self) -> None:
        section, calibration = self.recipe.quantize, self.splits.calibration
        streams = normalize.apply(calibration.filled(), self.network.mean, self.network.std)
        quantized = self._quantized(self.network, streams)
        if section.qat:
            from edgernn import qat

            tuned = qat.fine_tune(
                self.network, quantized, self.recipe, self.splits, self.folder.root, self.progress.quiet
            )
            quantized = self._quantized(tuned, streams)
        found: dict[str, Any] = {
            "saturation": quantize.refuse_saturation(quantized, streams, section.saturation_max)
        }
        if section.choose == "auto" and section.drift_max is not None:
            quantized, trials = choose.precisions(quantized, streams, section.drift_max)
            found["mixes"] = [asdict(trial) for trial in trials]
        if section.state == "auto":
            state, figures = choose.state(quantized, calibration, self.recipe.verify.gates, self.recipe.judge)
            quantized = replace(quantized, state=state)
            found["states"] = list(figures)
        networks.save_quantized(quantized, self.folder.quantized)
        _write(self.folder.chosen, found | {"precisions": dict(quantized.precisions), "state": quantized.state})

    def _quantized(self, network: networks.Network, streams: np.ndarray) -> networks.QuantizedNetwork:
        section = self.recipe.quantize
        return quantize.quantize(
            network,
            streams,
            "int16" if section.state == "auto" else section.state,
            section.weights,
            section.calibration,
            section.percentile,
            section.layers,
        )

    def export(self) -> None:
        folder = self.folder.artifacts
        before = digest(folder / "c")
        shutil.rmtree(folder, ignore_errors=True)
        for combination in self.combinations:
            path = target(combination.target).export(
                self.network, self.quantized, combination.form, combination.precision, folder
            )
            audit.hold(combination, path, self.network, self.quantized)
            self.progress.say(f"  wrote {path.relative_to(self.folder.root)}")
        if digest(folder / "c") != before:
            shutil.rmtree(self.folder.images, ignore_errors=True)  # they are of other C

    def verify(self) -> bool:
        test, section = self.splits.test, self.recipe.verify
        wanted = verify.expected(self.network, self.quantized, test, self.cases, self.recipe.judge)
        along = verify.course(self.network, test, section, self.cases)
        found = verify.run(self.cases, test, wanted, self.folder.cache, self.progress, along)
        if isinstance(self.network.decide, TopRule):
            lists = recommendations.measured(self.network.decide, test, wanted.outputs, self.cases)
            found["recommendations"] = lists
        if isinstance(self.recipe.decide, SampleSection) and self.network.vocabulary:
            found["samples"] = generation.measured(self.network, self.quantized, self.recipe.decide, self.cases)
        if isinstance(self.recipe.decide, StreamedSection):
            streams = scene.load(self.folder.scenes)
            found["detection"] = detection.measured(
                self.network, self.quantized, streams, self.cases, self.folder.cache
            )
        _write(self.folder.verified, found | verify.float_network(wanted))
        return all(row["status"] != "failed" for row in found["results"])

    def benchmark(self) -> bool:
        section = self.recipe.benchmark
        frames = self.folder.cache / "window.npz"
        archive.save(frames, {}, {"x": self.splits.test.x[:1]})
        rows = benchmark.run(self.cases, frames, section.runs, section.warmup, section.threads, self.progress)
        _write(self.folder.benchmarked, {"machine": provenance.machine(), "rows": rows})
        return all("reason" not in row for row in rows)

    def firmware(self) -> bool:
        """The recipe's board, where there is one; what a missing tool keeps from running is skipped."""
        section = self.recipe.board
        if section is None:
            return True
        shutil.rmtree(self.folder.images / section.name, ignore_errors=True)
        rows = self._deployed(deployment.recipe_order(section))
        _write(self.folder.firmware, {"rows": rows})
        return all(row["status"] == ("ok" if section.run else "skipped") and "image" in row for row in rows)

    def deploy(self, asked: Order) -> None:
        """What `edgernn firmware` asks for, kept with what it found before."""
        with self.progress.stage("firmware"):
            deployment.store(self._deployed(asked), self.folder)

    def _deployed(self, asked: Order) -> list[dict[str, Any]]:
        work = deployment.jobs(
            asked,
            self.combinations,
            self.folder,
            self.network,
            self.quantized,
            self.splits.test,
            self.recipe.judge,
        )
        return deployment.run(asked, work, self.progress)

    def _boards(self) -> list[deployment.Row]:
        """Everything that is known of boards and still holds."""
        own = json.loads(self.folder.firmware.read_text())["rows"] if self.recipe.board else []
        return deployment.current([*own, *deployment.stored(self.folder)], self.folder)

    def report(self, records: Sequence[StageRecord]) -> None:
        f = self.folder
        files = {
            "baseline": f.baseline,
            "keras": f.keras,
            "chosen": f.chosen,
            "verify": f.verified,
            "benchmark": f.benchmarked,
        }
        measured = {name: json.loads(path.read_text()) for name, path in files.items()}
        measured["boards"] = self._boards()
        found = assemble.content(
            self.recipe, self.network, self.splits, self.combinations, self.folder.artifacts, measured, records
        )
        found["gates"] = gates.evaluate(self.recipe.verify.gates, found, self.recipe.board)
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
        return self.recipe.artifacts()

    @cached_property
    def cases(self) -> list[Case]:
        return cases(self.combinations, self.recipe.verify.engines, self.folder.artifacts)


def _refuse_frames(layers: Sequence[networks.Layer], x: np.ndarray) -> None:
    """Raises InputError when windows [examples, frames, channels] are not what the layers can read."""
    frames, channels = x.shape[1:]
    strides = prod(layer.stride for layer in layers)
    if frames % strides:
        raise InputError(
            f"network.layers: strides of {strides} frames a step do not divide the {frames} frames of a window; "
            "change data.window or a stride"
        )
    if layers[0].kind == "embedding":
        entries = layers[0].options.entries  # type: ignore[attr-defined]
        whole = channels == 1 and bool(((x >= 0) & (x < entries) & (x == np.floor(x))).all())
        if not whole:
            raise InputError(
                f"network.layers.0.embedding reads one token a frame, 0 to {entries - 1}; the data has {channels} "
                f"channels with values from {x.min():g} to {x.max():g}"
            )


def _refuse_lengths(layers: Sequence[networks.Layer], splits: split_files.Splits) -> None:
    """Raises InputError for layers that would read the padding of windows of different lengths."""
    if splits.train.lengths is None:
        return
    backwards = next((layer.name for layer in layers if layer.bidirectional), None)
    if backwards:
        raise InputError(
            f"network.layers: {backwards} is bidirectional, and sequences of different lengths have no common "
            "end to begin at; make it read forwards"
        )
    strides = prod(layer.stride for layer in layers)
    shortest = min(int(part.real.min()) for part in (splits.train, splits.validation, splits.test))
    if shortest < strides:
        raise InputError(
            f"network.layers: a step takes {strides} frames, and the shortest sequence has {shortest}; remove a "
            "stride, or raise data.least"
        )


def _refuse_classes(metric: str, splits: split_files.Splits) -> None:
    """Raises InputError for a metric of two classes where there are more."""
    if metric in TWO_CLASSES and len(splits.labels) != 2:
        raise InputError(
            f"verify.metric: {metric} is of two classes, and the data has {len(splits.labels)}; use accuracy"
        )


def _write(path: Path, value: Mapping[str, Any] | Sequence[Any]) -> None:
    archive.write_text(path, json.dumps(value, indent=1))
