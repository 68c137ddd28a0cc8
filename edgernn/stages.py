"""Stages that read files and write files, and are left out when nothing they depend on has changed."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edgernn import __version__, archive
from edgernn.progress import Progress

RECORDS = "cache/stages"


@dataclass(frozen=True)
class StageRecord:
    """One finished stage: the hash of what it depended on, the hash of what it wrote, and how long it took."""

    name: str
    key: str
    written: Mapping[str, str]
    seconds: float
    cached: bool = False


@dataclass
class Stages:
    """Runs the stages of one build folder in order.

    `fresh` names the stages to run even if nothing changed. Every file is written whole or not at all and a
    stage's record comes last, so a build that was killed goes on from its last finished stage.
    """

    folder: Path
    progress: Progress
    fresh: frozenset[str] = frozenset()
    records: list[StageRecord] = field(default_factory=list)

    def run(
        self,
        name: str,
        work: Callable[[], None],
        on: object = None,
        reads: Sequence[Path] = (),
        writes: Sequence[Path] = (),
    ) -> None:
        """Run `work` unless its files are there and `on` (JSON) and the files it `reads` are as they were."""
        key = _key(name, on, {str(path.relative_to(self.folder)): digest(path) for path in reads})
        record = None if name in self.fresh else self._finished(name, key, writes)
        if record is None:
            record = self._execute(name, key, work, writes)
        self.records.append(record)

    def _execute(self, name: str, key: str, work: Callable[[], None], writes: Sequence[Path]) -> StageRecord:
        path = self._record_path(name)
        path.unlink(missing_ok=True)
        started = time.monotonic()
        with self.progress.stage(name):
            work()
        written = {str(out.relative_to(self.folder)): digest(out) for out in writes}
        record = StageRecord(name, key, written, round(time.monotonic() - started, 2))
        archive.write_text(path, json.dumps(asdict(record), indent=1))
        return record

    def _finished(self, name: str, key: str, writes: Sequence[Path]) -> StageRecord | None:
        """The record of an earlier run, if it had the same key and all that it wrote is still as it was."""
        try:
            record = StageRecord(**json.loads(self._record_path(name).read_text()) | {"cached": True})
        except (OSError, ValueError, TypeError):
            return None
        now = {str(path.relative_to(self.folder)): digest(path) for path in writes}
        return record if record.key == key and record.written == now else None

    def _record_path(self, name: str) -> Path:
        return self.folder / RECORDS / f"{name}.json"


def digest(path: Path) -> str:
    """The sha256 of a file, or of the names and contents of all files of a folder; empty when there is none."""
    if path.is_dir():
        parts = [(str(p.relative_to(path)), digest(p)) for p in sorted(path.rglob("*")) if p.is_file()]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _key(name: str, on: Any, files: Mapping[str, str]) -> str:
    text = json.dumps([__version__, name, on, files], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
