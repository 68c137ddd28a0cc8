"""From forecasts after every step to alarms: what comes is far from what was expected.

The error of a frame is the sum of its distances from all forecasts that were made for it, one at each of the
`horizon` steps before it. The errors of the last `smooth` frames are added up. When the sum reaches the threshold
there is an alarm, and no other one until it has been below for `refractory` steps: what lasts is told once.
Forecasts of the first `warm_up` steps, when a network has seen too little, do not count. `sums` and `detect` are
the definition, in integers; the C kernel `ernn_alarm_s16` repeats it bit for bit.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from edgernn import fixed_point

LONGEST = 65_535  # forecasts in a sum, at most: it fits an int32
FARTHEST = 32_767  # as far from a forecast as a frame can be


@dataclass(frozen=True)
class AlarmRule:
    """Forecasts are of the channel number `channel`; `threshold` is a mean distance, in that channel's unit."""

    NAME: ClassVar[str] = "alarm"

    channel: int
    smooth: int
    threshold: float
    refractory: int
    warm_up: int

    def total(self, horizon: int, scale: float) -> int:
        """What the sum of `smooth` errors must reach, where an integer is `scale`."""
        terms = self.smooth * horizon
        return max(1, min(math.ceil(self.threshold / scale * terms), terms * FARTHEST))

    def complete(self, horizon: int) -> int:
        """The first step, counted from 0, whose sum is of `smooth` frames with all their forecasts."""
        return self.warm_up + horizon + self.smooth - 1


def integers(real: np.ndarray, scale: float) -> np.ndarray:
    """Raw values as integers of this scale, int16, in float32 as the C runtime does it."""
    return fixed_point.quantize_real(real.astype(np.float32) * np.float32(1 / scale), "int16").astype(np.int16)


def sums(values: np.ndarray, outputs: np.ndarray, rule: AlarmRule) -> np.ndarray:
    """The sum of the last `smooth` errors after each step, int64 [steps].

    `values` int16 [steps] are what came, `outputs` int16 [steps, horizon] what each step expects of the next
    frames; both have one scale.
    """
    steps, horizon = outputs.shape
    errors = np.zeros(steps, np.int64)
    for ahead in range(1, horizon + 1):
        made = slice(rule.warm_up, max(rule.warm_up, steps - ahead))
        about = values[rule.warm_up + ahead :].astype(np.int64)
        errors[rule.warm_up + ahead :] += np.minimum(np.abs(about - outputs[made, ahead - 1]), FARTHEST)
    total = np.cumsum(np.concatenate([np.zeros(rule.smooth, np.int64), errors]))
    return total[rule.smooth :] - total[: -rule.smooth]


def detect(values: np.ndarray, outputs: np.ndarray, rule: AlarmRule, scale: float) -> np.ndarray:
    """Whether each step gives an alarm, bool [steps]; arrays as in `sums`, whose integers are `scale`."""
    reached = sums(values, outputs, rule) >= rule.total(outputs.shape[1], scale)
    steps = np.flatnonzero(reached)
    first = np.diff(steps, prepend=-rule.refractory - 1) > rule.refractory
    return np.isin(np.arange(len(values)), steps[first])


class Alarms:
    """`sums` and `detect`, step by step, for a stream that has no end."""

    def __init__(self, horizon: int, scale: float, rule: AlarmRule) -> None:
        self.horizon, self.rule, self.total = horizon, rule, rule.total(horizon, scale)
        self.values: deque[int] = deque(maxlen=rule.smooth + horizon)  # what a sum takes
        self.outputs: deque[np.ndarray] = deque(maxlen=rule.smooth + horizon)
        self.forgotten = self.wait = 0

    def push(self, value: int, output: np.ndarray) -> tuple[int, bool]:
        """The sum after the next step, and whether it gives an alarm; `output` int16 [horizon]."""
        self.forgotten += len(self.values) == self.values.maxlen
        self.values.append(value)
        self.outputs.append(output)
        left = max(0, self.rule.warm_up - self.forgotten)
        rule = replace(self.rule, warm_up=min(left, len(self.values)))
        found = int(sums(np.array(self.values, np.int16), np.array(self.outputs, np.int16), rule)[-1])
        reached = found >= self.total
        alarm = reached and self.wait == 0
        self.wait = self.rule.refractory if reached else max(0, self.wait - 1)
        return found, alarm
