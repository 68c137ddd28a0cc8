"""What the user sees of a long training: a bar with the time left, or a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

SECONDS_A_LINE = 10.0


class Meter(Protocol):
    """Told after every step how many are done, and how it goes."""

    def __call__(self, done: int, text: str) -> None: ...


@contextmanager
def meter(stage: str, total: int, quiet: bool) -> Iterator[Meter]:
    """On a terminal a bar, elsewhere a line every ten seconds, both on the standard error; quiet: nothing."""
    if quiet:
        yield _nothing
    elif sys.stderr.isatty():
        yield from _bar(stage, total)
    else:
        yield _Lines(stage, total)


def _nothing(done: int, text: str) -> None:
    pass


def _bar(stage: str, total: int) -> Iterator[Meter]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn(stage),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda done, text: progress.update(task, completed=done, description=text)


class _Lines:
    def __init__(self, stage: str, total: int) -> None:
        self.stage, self.total = stage, total
        self.first: int | None = None  # steps done before this process
        self.began = self.told = time.monotonic()

    def __call__(self, done: int, text: str) -> None:
        if self.first is None:
            self.first = done
        now = time.monotonic()
        if now - self.told < SECONDS_A_LINE or done == self.first:
            return
        left = (now - self.began) / (done - self.first) * (self.total - done)
        print(
            f"{self.stage}: {100 * done // self.total} %, {text}, {left:.0f} s left",
            file=sys.stderr,
            flush=True,
        )
        self.told = now
