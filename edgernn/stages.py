"""Stages that read files and write files, and are left out when nothing they depend on has changed."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

from edgernn import archive
from edgernn.progress import Progress

RECORDS = "cache/stages"
PACKAGE = Path(__file__).parent
PRESENTATION = (
    "cli.py",
    "terminal.py",
    "inspect.py",
    "doctor.py",
    "compare.py",
    "new.py",
    "run",
    "report",
    "templates",
)


@dataclass(frozen=True)
class Stage:
    """One stage: its `work`, and what decides whether it must run.

    `on` are settings and versions (as JSON or text), `reads` and `writes` files or folders. Work that returns False
    is not settled (an engine failed, say): it runs again in the next build even if nothing changes.
    """

    name: str
    work: Callable[[], bool | None]
    on: object
    reads: Sequence[Path]
    writes: Sequence[Path]


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

    def run(self, stage: Stage) -> None:
        """Run a stage unless its files are there and all that decides is as it was."""
        key = _key(stage, {str(path.relative_to(self.folder)): digest(path) for path in stage.reads})
        record = None if stage.name in self.fresh else self._finished(stage.name, key, stage.writes)
        self.records.append(record or self._execute(stage, key))

    def all_records(self, names: Sequence[str]) -> list[StageRecord]:
        """The records of stages in this order: those of this run, and those of an earlier one for the others."""
        own = {record.name: record for record in self.records}
        found = (own.get(name) or self._record(name) for name in names)
        return [record for record in found if record]

    def _execute(self, stage: Stage, key: str) -> StageRecord:
        path = self._record_path(stage.name)
        path.unlink(missing_ok=True)
        started = time.monotonic()
        with self.progress.stage(stage.name):
            settled = stage.work() is not False
        written = {str(out.relative_to(self.folder)): digest(out) for out in stage.writes}
        record = StageRecord(stage.name, key, written, round(time.monotonic() - started, 2))
        if settled:
            archive.write_text(path, json.dumps(asdict(record), indent=1))
        return record

    def _finished(self, name: str, key: str, writes: Sequence[Path]) -> StageRecord | None:
        """The record of an earlier run, if it had the same key and all that it wrote is still as it was."""
        record = self._record(name)
        now = {str(path.relative_to(self.folder)): digest(path) for path in writes}
        return record if record and record.key == key and record.written == now else None

    def _record(self, name: str) -> StageRecord | None:
        try:
            return StageRecord(**json.loads(self._record_path(name).read_text()) | {"cached": True})
        except (OSError, ValueError, TypeError):
            return None

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


@cache
def sources() -> str:
    """The sha256 of edgernn's own code and data, but for what only shows results."""
    total = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*")):
        own = path.relative_to(PACKAGE)
        if path.is_file() and own.parts[0] not in PRESENTATION and "__pycache__" not in own.parts:
            total.update(str(own).encode() + path.read_bytes())
    return total.hexdigest()


def _key(stage: Stage, files: Mapping[str, str]) -> str:
    text = json.dumps([sources(), stage.name, stage.on, files], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
