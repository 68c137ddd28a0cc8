"""Decisions on frames, as a sensor gives them: a CSV file with the network's channels as columns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import tee
from pathlib import Path
from typing import Any

import numpy as np

from edgernn import network as networks
from edgernn.datasets import csv_windows
from edgernn.decide import AlarmRule, alarm
from edgernn.folder import BuildFolder
from edgernn.lowering import native
from edgernn.network import Network
from edgernn.run.meaning import told
from edgernn.run.model import outputs


def decisions(paths: BuildFolder, network: Network, source: Path) -> Iterator[dict[str, Any]]:
    """What the network says after every step; with a rule for alarms, how abnormal that is, and if it is one."""
    with closing(csv_windows.frames(source, network.channels)) as frames:
        if isinstance(network.decide, AlarmRule):
            yield from _alarms(paths, network, network.decide, frames)
            return
        yield from after_every_step(paths, network, frames)


def after_every_step(
    paths: BuildFolder, network: Network, frames: Iterator[np.ndarray]
) -> Iterator[dict[str, Any]]:
    """What the network says after every step of frames float32 [channels] each."""
    for step, output in enumerate(outputs(paths, frames, network.frames_per_step), start=1):
        yield {"step": step} | told(network, output)


def _alarms(
    paths: BuildFolder, network: Network, rule: AlarmRule, frames: Iterator[np.ndarray]
) -> Iterator[dict[str, Any]]:
    """The mean distance of the last frames from their forecasts after each step, and whether that is an alarm."""
    qtype = native(networks.load_quantized(paths.quantized))[-1].output
    alarms = alarm.Alarms(network.outputs, qtype.scale, rule)
    unit = qtype.scale / (rule.smooth * network.outputs)
    read, kept = tee(frames)
    found = outputs(paths, read, network.frames_per_step)
    for step, (output, frame) in enumerate(zip(found, kept, strict=False), 1):
        value = int(alarm.integers(frame[[rule.channel]], qtype.scale)[0])
        total, given = alarms.push(value, qtype.quantize(output))
        yield {"step": step, "distance": total * unit, "alarm": given}
