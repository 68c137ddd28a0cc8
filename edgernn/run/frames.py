"""Decisions on frames, as a sensor gives them: a CSV file with the network's channels as columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count, groupby, islice, tee
from pathlib import Path
from typing import Any

import numpy as np

from edgernn import network as networks
from edgernn.datasets import csv_windows
from edgernn.decide import AlarmRule, alarm
from edgernn.folder import BuildFolder
from edgernn.lowering import native
from edgernn.network import Network
from edgernn.run import rows
from edgernn.run.meaning import told
from edgernn.run.model import streams
from edgernn.run.rows import Frame


def decisions(paths: BuildFolder, network: Network, source: Path) -> Iterator[dict[str, Any]]:
    """What the network says after every step; with a rule for alarms, how abnormal that is, and if it is one."""
    with csv_windows.opened(source) as read:
        yield from after_every_step(paths, network, read)


def after_every_step(paths: BuildFolder, network: Network, read: csv_windows.Rows) -> Iterator[dict[str, Any]]:
    """What `decisions` says on the rows of a file.

    Where frames are not simply the rows, `row` tells the last one that an answer is of; `missing` is true of one
    that was not there. After a gap in time the network begins anew.
    """
    number, by_row = count(1), rows.by_row(network)
    run = streams(paths, network.frames_per_step)
    for _, stretch in groupby(rows.frames(read, network), lambda frame: frame.stretch):
        for frame, decision in _of_stretch(paths, network, run, stretch):
            about = {"row": frame.row} if by_row else {}
            yield about | ({"missing": True} if frame.missing else {}) | {"step": next(number)} | decision


def _of_stretch(
    paths: BuildFolder,
    network: Network,
    run: Callable[[Iterator[np.ndarray]], Iterator[np.ndarray]],
    stretch: Iterator[Frame],
) -> Iterator[tuple[Frame, dict[str, Any]]]:
    """What the network says after every step of frames without a gap, and the last frame of the step."""
    read, kept = tee(stretch)
    found = run(frame.values for frame in read)
    ends = islice(kept, network.frames_per_step - 1, None, network.frames_per_step)
    steps = zip(found, ends, strict=False)
    if isinstance(network.decide, AlarmRule):
        return _alarms(paths, network, network.decide, steps)
    return ((frame, told(network, output)) for output, frame in steps)


def _alarms(
    paths: BuildFolder, network: Network, rule: AlarmRule, steps: Iterable[tuple[np.ndarray, Frame]]
) -> Iterator[tuple[Frame, dict[str, Any]]]:
    """The mean distance of the last frames from their forecasts after each step, and whether that is an alarm."""
    qtype = native(networks.load_quantized(paths.quantized))[-1].output
    alarms = alarm.Alarms(network.outputs, qtype.scale, rule)
    unit = qtype.scale / (rule.smooth * network.outputs)
    for output, frame in steps:
        value = int(alarm.integers(frame.values[[rule.channel]], qtype.scale)[0])
        total, given = alarms.push(value, qtype.quantize(output))
        yield frame, {"distance": total * unit, "alarm": given}
