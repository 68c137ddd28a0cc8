"""Words found in a long stream: hits, misses and false accepts, and the threshold that is best on one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from edgernn import reference
from edgernn.cases import Case
from edgernn.datasets.scene import Scene
from edgernn.decide import WordRule, described, words
from edgernn.decide.words import NOTHING
from edgernn.decide_sections import WordsSection
from edgernn.engines import c
from edgernn.features import normalize
from edgernn.lowering import QType, native, power_of_two_int16
from edgernn.network import Network, QuantizedNetwork

LATE_SECONDS = 0.75  # after its end, until which a word must be decided for
# that can be chosen; the last steps to 1, where few false accepts are left, are finer
THRESHOLDS = np.round(np.concatenate([np.arange(0.2, 0.9, 0.02), np.arange(0.9, 0.996, 0.005)]), 3)


class Found(NamedTuple):
    """What decisions along a stream of `hours` came to; `said` words were there."""

    said: int
    hits: int
    false_accepts: int
    hours: float

    @property
    def hit_rate(self) -> float:
        return self.hits / self.said if self.said else 0.0

    @property
    def false_accepts_per_hour(self) -> float:
        return self.false_accepts / self.hours

    def row(self) -> dict[str, float]:
        """As report.json has it."""
        own = {"hit_rate": self.hit_rate, "false_accepts_per_hour": self.false_accepts_per_hour}
        return {"said": self.said, "hits": self.hits, "false_accepts": self.false_accepts, **own}


def outputs(network: Network, scene: Scene) -> np.ndarray:
    """The float network's outputs along a scene, float64 [steps, outputs]."""
    frames = normalize.apply(_whole(network, scene), network.mean, network.std)
    return reference.float_outputs(network, frames[None])[0]


def integers(real: np.ndarray, output: QType | None = None) -> tuple[np.ndarray, int]:
    """Outputs [steps, outputs] as the rule reads them: int16 with a power-of-two scale, and its fraction bits."""
    qtype = output or power_of_two_int16(float(real.min()), float(real.max()), 2.0**-words.MOST_BITS)
    return qtype.quantize(real), words.fraction_bits(qtype.scale)


def chosen(network: Network, scene: Scene, section: WordsSection) -> WordRule:
    """The rule with the threshold at which hits less false accepts are most; the middle one of equals.

    Where the section says how many false accepts an hour may have, it is that at which hits are most among those
    that keep it, or where none does, the one with the fewest false accepts.
    """
    y, bits = integers(outputs(network, scene))
    start = WordRule(section.smooth, float(THRESHOLDS[0]), section.refractory)
    curve = by_threshold(y, bits, network, start, scene)
    gains = np.array([_gain(found, section.false_accepts_per_hour) for found in curve.values()])
    best = np.flatnonzero(gains == gains.max())
    return replace(start, threshold=list(curve)[best[len(best) // 2]])


def _gain(found: Found, limit: float | None) -> int:
    if limit is None:
        return found.hits - found.false_accepts
    return found.hits if found.false_accepts_per_hour <= limit else -1 - found.false_accepts


def by_threshold(y: np.ndarray, bits: int, network: Network, rule: WordRule, scene: Scene) -> dict[float, Found]:
    """What int16 outputs [steps, outputs] come to along a scene with every threshold in the rule."""
    rules = [replace(rule, threshold=float(threshold)) for threshold in THRESHOLDS]
    return {one.threshold: score(decisions(y, bits, network, one), scene, network) for one in rules}


def decisions(y: np.ndarray, bits: int, network: Network, rule: WordRule) -> np.ndarray:
    """The word that each step decides for, int64 [steps], of int16 outputs [steps, outputs]."""
    return words.detect(y, bits, words.words(network.labels), rule)


def score(decided: np.ndarray, scene: Scene, network: Network) -> Found:
    """Decisions [steps] against the words of a scene.

    A word counts as found by the first decision for it from its first frame to 0.75 s after its last one. Every
    other decision is a false accept.
    """
    late = round(LATE_SECONDS * network.rate_hz)
    assert scene.spans is not None
    per_step, open_words = network.frames_per_step, [tuple(map(int, word)) for word in scene.spans]
    hits = false = 0
    for step in np.flatnonzero(decided != NOTHING):
        frame = (int(step) + 1) * per_step - 1  # the last one that the step has read
        hit = next((w for w in open_words if w[0] == decided[step] and w[1] <= frame < w[2] + late), None)
        if hit:
            open_words.remove(hit)
        hits, false = hits + bool(hit), false + (not hit)
    return Found(len(scene.spans), hits, false, scene_hours(network, scene))


def scene_hours(network: Network, scene: Scene) -> float:
    """How long a scene is."""
    return len(scene.frames) / network.rate_hz / 3600


def measured(network: Network, quantized: QuantizedNetwork, scene: Scene, cases: Iterable[Case]) -> dict[str, Any]:
    """The report's section `detection`: what the float network finds in a scene, and the int8 C on this machine.

    All read outputs in the integer type of the C, and decide by the network's rule.
    """
    rule = network.decide
    assert isinstance(rule, WordRule)
    output = native(quantized)[-1].output
    rows = [("network", "numpy", *integers(outputs(network, scene), output))]
    for case in cases:
        if case.device_steps:
            session = c.open(case.path, "step", threads=1)
            y = session.integer_outputs(_whole(network, scene)[None])[0]
            rows.append((case.artifact, case.engine, y, words.fraction_bits(output.scale)))
    results = []
    for name, engine, y, bits in rows:
        found = score(decisions(y, bits, network, rule), scene, network)
        curve = by_threshold(y, bits, network, rule, scene)
        others = [{"threshold": threshold, **one.row()} for threshold, one in curve.items()]
        results.append({"artifact": name, "engine": engine, **found.row(), "by_threshold": others})
    return {"rule": described(rule), "hours": scene_hours(network, scene), "results": results}


def _whole(network: Network, scene: Scene) -> np.ndarray:
    """The frames of whole steps."""
    per_step = network.frames_per_step
    return scene.frames[: len(scene.frames) // per_step * per_step]
