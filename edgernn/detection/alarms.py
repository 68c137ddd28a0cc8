"""Anomalies found along a series: by the sums of forecast errors that give alarms, and by discords."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from edgernn import archive, metric, reference
from edgernn.baselines import discord
from edgernn.cases import Case
from edgernn.datasets import forecast
from edgernn.datasets.scene import Scene
from edgernn.decide import AlarmRule, alarm, described
from edgernn.decide_sections import AlarmSection
from edgernn.devices import Job, device
from edgernn.errors import InputError
from edgernn.features import normalize
from edgernn.lowering import QType, native, power_of_two_int16
from edgernn.network import Network, QuantizedNetwork

DISCORDS = {"discord": False, "discord_of_shape": True}  # whether subsequences are z-normalised


class Found(NamedTuple):
    """What a score and the alarms along a series came to.

    `auc` is that of the frames' scores, `top` whether the largest score is of an anomaly, `found` how many of the
    `anomalies` have an alarm, `delay` the frames from an anomaly's first one to its first alarm, in the middle.
    None is what there are no labels for, or no alarm.
    """

    auc: float | None
    top: bool | None
    anomalies: int | None
    found: int | None
    false_alarms: int | None
    alarms: int | None
    delay: float | None


def chosen(section: AlarmSection, network: Network, normal: Scene) -> AlarmRule:
    """The rule of a recipe; `auto` is `margin` times the largest mean distance along normal frames.

    A maximum of some hundred frames is what the next hundred pass about every second time: hence the margin.

    Raises InputError when `normal` has no sum that is whole and without an anomaly.
    """
    channel = [forecast.label(name, 1) for name in network.channels].index(network.labels[0])
    asked = 0.0 if section.threshold == "auto" else section.threshold
    rule = AlarmRule(channel, section.smooth, asked, section.refractory, network.steps)
    if section.threshold != "auto":
        return rule
    horizon = network.outputs
    whole = np.arange(len(normal.frames)) >= rule.complete(horizon)
    whole &= ~_touched(_labels(normal), rule.complete(horizon) + 1)
    if not whole.any():
        raise InputError(
            f"decide.threshold: auto needs {rule.complete(horizon) + 1} validation frames in a row without an "
            "anomaly; give data.split.validation more, or set a threshold"
        )
    y, qtype = _integers(outputs(network, normal))
    largest = max(1, int(alarm.sums(_values(normal, rule, qtype), y, rule)[whole].max()))  # a still series has 0
    return replace(rule, threshold=section.margin * largest * qtype.scale / (section.smooth * horizon))


def refuse_short(section: AlarmSection, scenes: Mapping[str, Scene], window: int, horizon: int) -> None:
    """Raises InputError when a part of the series is too short for a single whole sum."""
    needed = AlarmRule(0, section.smooth, 0.0, 0, window).complete(horizon) + 1
    for name in ("validation", "test"):
        count = len(scenes[name].frames)
        if count < needed and (name == "test" or section.threshold == "auto"):
            raise InputError(
                f"data.split gives {name} {count} frames, and a sum of decide.smooth {section.smooth} takes "
                f"{needed} with the window and horizon before it; give {name} more, or shorten one of them"
            )


def outputs(network: Network, scene: Scene) -> np.ndarray:
    """The float network's forecasts along a scene, float64 [steps, horizon]."""
    return reference.float_outputs(network, normalize.apply(scene.frames, network.mean, network.std)[None])[0]


def measured(
    network: Network, quantized: QuantizedNetwork, scenes: Mapping[str, Scene], cases: Iterable[Case], cache: Path
) -> dict[str, Any]:
    """The report's section `detection`: the float network, every quantised step model, and discords.

    All forecasts are read in the integer type of the C, and judged by the network's rule.
    """
    rule, test, qtype = network.decide, scenes["test"], native(quantized)[-1].output
    assert isinstance(rule, AlarmRule)
    streams = [("network", "numpy", outputs(network, test))]
    steps = [case for case in cases if case.form == "step" and case.precision != "float32" and not case.skip]
    engines = [(case.artifact, case.engine, _on_engine(case, test, cache)) for case in steps]
    streams += [(name, engine, y) for name, engine, y in engines if y is not None]
    found = [(name, engine, of_forecasts(y, test, rule, qtype)) for name, engine, y in streams]
    exact = found[0][2].auc
    return {
        "rule": described(rule),
        "frames": len(test.frames),
        "baselines": [
            {"name": name, **of_discords(scenes, rule, network.outputs, shape)._asdict()}
            for name, shape in DISCORDS.items()
        ],
        "results": [
            {"artifact": name, "engine": engine, **one._asdict(), "auc_drop": _less(exact, one.auc)}
            for name, engine, one in found
        ],
    }


def score(sums: np.ndarray, alarms: np.ndarray, scene: Scene, smooth: int, first: int) -> Found:
    """Sums [steps], of the `smooth` frames up to each, and alarms [steps] against the anomalies of a scene.

    Sums before step `first` do not count. A frame's score is the mean of all sums that it is in. An alarm, or the
    largest sum, is of an anomaly when one of its frames is; any other alarm is false.
    """
    steps, labels = np.flatnonzero(alarms), _labels(scene)
    judged = slice(first - smooth + 1, None)
    if scene.spans is None:
        return Found(None, None, None, None, None, len(steps), None)
    if not 0 < labels[judged].mean() < 1:
        return Found(None, None, len(scene.spans), None, None, len(steps), None)
    hit = _touched(labels, smooth)
    firsts = [steps[(steps >= start) & (steps < end + smooth - 1)][:1] - start for _, start, end in scene.spans]
    delays = np.concatenate(firsts)
    scores = np.stack([np.zeros(len(labels)), _of_frames(sums, smooth, first)], axis=1)
    return Found(
        auc=metric.auc(scores[judged], labels[judged].astype(np.int64)),
        top=bool(hit[first + int(sums[first:].argmax())]),
        anomalies=len(scene.spans),
        found=len(delays),
        false_alarms=int((~hit[steps]).sum()),
        alarms=len(steps),
        delay=float(np.median(delays)) if len(delays) else None,
    )


def of_forecasts(y: np.ndarray, scene: Scene, rule: AlarmRule, qtype: QType) -> Found:
    """What forecasts [steps, horizon] along a scene come to, read as integers of `qtype`."""
    values, forecasts = _values(scene, rule, qtype), qtype.quantize(y)
    alarms = alarm.detect(values, forecasts, rule, qtype.scale)
    return score(alarm.sums(values, forecasts, rule), alarms, scene, rule.smooth, rule.complete(y.shape[1]))


def of_discords(scenes: Mapping[str, Scene], rule: AlarmRule, horizon: int, shape: bool) -> Found:
    """What subsequences of `smooth` frames come to, among those of train and validation; they give no alarms.

    By `shape` they are z-normalised; `horizon` says from which frame on forecasts are judged, and so are these.
    """
    train, validation, test = (scenes[name].frames[:, rule.channel] for name in ("train", "validation", "test"))
    found = discord.distances(np.concatenate([train, validation]), test, rule.smooth, shape)
    ends = np.concatenate([np.zeros(rule.smooth - 1), found])  # by the last frame
    judged = score(ends, np.zeros(len(ends), bool), scenes["test"], rule.smooth, rule.complete(horizon))
    return judged._replace(found=None, false_alarms=None, alarms=None, delay=None)


def _on_engine(case: Case, scene: Scene, cache: Path) -> np.ndarray | None:
    """A step model's outputs along a scene, [steps, horizon]; None where it fails, which its own result tells."""
    frames, told = cache / "scene.npz", cache / "outputs" / f"{case.key}.scene.npz"
    archive.save(frames, {}, {"x": scene.frames[None]})
    outcome = device(case.device).run(Job("verify", case.engine, case.path, case.form, frames, told))
    return archive.load(told)[1]["y"][0] if outcome.ok else None


def _less(exact: float | None, auc: float | None) -> float | None:
    """What an area has lost; None where there is none."""
    return None if exact is None or auc is None else exact - auc


def _integers(real: np.ndarray) -> tuple[np.ndarray, QType]:
    """Float outputs as the rule reads them: int16 with a power-of-two scale."""
    qtype = power_of_two_int16(float(real.min()), float(real.max()))
    return qtype.quantize(real), qtype


def _values(scene: Scene, rule: AlarmRule, qtype: QType) -> np.ndarray:
    """What came, in the integers of the forecasts, int16 [steps]."""
    return alarm.integers(scene.frames[:, rule.channel], qtype.scale)


def _labels(scene: Scene) -> np.ndarray:
    """Whether each frame is in a span, bool [frames]."""
    labels = np.zeros(len(scene.frames), bool)
    for _, start, end in scene.spans if scene.spans is not None else ():
        labels[start:end] = True
    return labels


def _touched(labels: np.ndarray, length: int) -> np.ndarray:
    """Whether one of the last `length` frames has a label, bool [frames]."""
    count = np.cumsum(np.concatenate([np.zeros(length, np.int64), labels]))
    return count[length:] > count[:-length]


def _of_frames(sums: np.ndarray, smooth: int, first: int) -> np.ndarray:
    """The mean, for each frame, of the sums from step `first` on that it is in; 0 for a frame that is in none."""
    ones = np.ones(smooth)
    counted = np.where(np.arange(len(sums)) < first, 0.0, 1.0)
    total, number = (np.convolve(each, ones)[smooth - 1 :] for each in (sums * counted, counted))
    return total / np.maximum(number, 1)
