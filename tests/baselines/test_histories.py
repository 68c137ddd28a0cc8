"""Baselines on events: real frames alone count, and the last event alone is what it says."""

from __future__ import annotations

import numpy as np
import pytest

from edgernn import baselines
from edgernn.baselines import histories
from edgernn.datasets.event_sections import EventsData
from edgernn.datasets.splits import Split, Splits
from edgernn.metric import METRICS

STEPS, CHANNELS = 9, 3
SECTION = EventsData.model_validate(
    {
        "source": "events",
        "path": "e",
        "entity": "a",
        "time": "b",
        "columns": ["c"],
        "target": "d",
        "predict": "class",
    }
    | {"steps": STEPS}
)


def sequences(seed: int, count: int, padding: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((count, STEPS, CHANNELS)).astype(np.float32)
    lengths = rng.integers(1, STEPS + 1, count).astype(np.int32)
    x[np.arange(STEPS) >= lengths[:, None]] = padding
    return x, lengths


def test_a_summary_is_that_of_each_sequence_alone() -> None:
    x, lengths = sequences(0, 40)
    found = histories.summary(x, lengths).reshape(40, -1)
    for row, own, length in zip(found, x.astype(np.float64), lengths, strict=True):
        real = own[:length]
        slope = np.polyfit(np.arange(length), real, 1)[0] if length > 1 else np.zeros(CHANNELS)
        weight = 0.8 ** np.arange(length)[::-1]
        wanted = [
            *(real[-1], real[max(0, length - 2)], real.mean(axis=0), real.std(axis=0), real.min(axis=0)),
            *(real.max(axis=0), real[-1] - real[0], slope, np.average(real, axis=0, weights=weight), [length]),
        ]
        np.testing.assert_allclose(row, np.concatenate(wanted), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("features", [histories.summary, histories.last])
def test_padding_counts_nowhere(features: object) -> None:
    (x, lengths), (other, _) = sequences(1, 30), sequences(1, 30, padding=1e6)
    assert callable(features)
    np.testing.assert_array_equal(features(x, lengths), features(other, lengths))


def splits(tells: str) -> Splits:
    """Two classes that the first event tells, or the last one."""
    parts = []
    for seed, count in ((0, 300), (1, 100), (2, 200)):
        x, lengths = sequences(seed, count)
        place = np.zeros(count, int) if tells == "first" else lengths - 1
        y = (x[np.arange(count), place, 0] > 0).astype(np.int64)
        parts.append(Split(x, y, np.full(count, "a"), lengths))
    train, validation, test = parts
    return Splits(train, validation, train, test, ("no", "yes"), ("a", "b", "c"))


@pytest.mark.parametrize(("tells", "history", "last"), [("last", 0.95, 0.95), ("first", 0.85, 0.0)])
def test_what_each_can_see(tells: str, history: float, last: float) -> None:
    names = ["boosted_history", "boosted_last_event"]
    found = dict(baselines.evaluate(names, splits(tells), SECTION, METRICS["accuracy"], 0))
    assert found["boosted_history"] > history
    assert found["boosted_last_event"] > last
    assert tells == "last" or found["boosted_last_event"] < 0.7


def test_quantities() -> None:
    whole = splits("last")
    parts = [
        Split(p.x, p.x[np.arange(len(p)), p.real - 1, :1] * 3, p.group, p.lengths)
        for p in (whole.train, whole.test)
    ]
    data = Splits(parts[0], parts[1], parts[0], parts[1], ("q",), whole.channels, task="regress")
    found = dict(baselines.evaluate(["boosted_last_event", "mean"], data, SECTION, METRICS["rmse"], 0))
    assert found["boosted_last_event"] < 0.2 * found["mean"]
