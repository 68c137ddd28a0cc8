"""The build folder: where everything of one build lies."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from edgernn import __version__, archive
from edgernn import recipe as recipes
from edgernn.errors import InputError
from edgernn.recipe import Recipe
from edgernn.stages import digest

MANIFEST = "manifest.json"
MARKER = ".edgernn"  # says that a folder is a build's; locked while one is at work in it


@dataclass(frozen=True)
class BuildFolder:
    """Paths below `root`. What a user ships and reads lies on top; what stages hand on lies in `cache`."""

    root: Path

    @contextmanager
    def opened(self, recipe: Recipe) -> Iterator[None]:
        """The folder made and locked, with the resolved recipe in it and no leavings of a killed build.

        Raises InputError when it cannot be written, when it holds something else than a build, and when another
        build is at work in it.
        """
        self._refuse_foreign()
        with self._marker() as marker:
            _lock(marker, self.root)
            for leaving in self.root.rglob(f"*{archive.PARTIAL}"):
                leaving.unlink(missing_ok=True)
            archive.write_text(self.recipe, recipes.dump(recipe))
            yield

    def _refuse_foreign(self) -> None:
        """A build overwrites and removes files; it must not do so in a folder of the user's own."""
        if self.root.is_dir() and any(self.root.iterdir()) and not (self.root / MARKER).exists():
            raise InputError(f"{self.root} is not empty and no build folder; name another with --out")

    def _marker(self) -> TextIO:
        """The marker, made if need be; never replaced, since a lock is on the file and not on its name."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            return (self.root / MARKER).open("a")
        except OSError as error:
            raise InputError(f"cannot write {self.root}: {error.strerror}; choose another with --out") from None

    @property
    def recipe(self) -> Path:
        return self.root / "recipe.yaml"

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def splits(self) -> Path:
        return self.cache / "splits.npz"

    @property
    def scenes(self) -> Path:
        """Long streams of speech, where the recipe has `decide`."""
        return self.cache / "scenes.npz"

    @property
    def baseline(self) -> Path:
        return self.cache / "baseline.json"

    @property
    def trained(self) -> Path:
        return self.cache / "trained.npz"

    @property
    def validated(self) -> Path:
        """The network before it learned from validation, too, where that split is to choose a threshold."""
        return self.cache / "validated.npz"

    def checkpoint(self, training: str) -> Path:
        """Where a training, `train`, `refit`, `prune` or `qat`, keeps what it needs to go on after a kill."""
        return self.root / "checkpoints" / f"{training}.npz"

    def forget(self, stage: str) -> None:
        """Remove the checkpoints of a stage's trainings."""
        for training in ("train", "refit") if stage == "train" else (stage,):
            self.checkpoint(training).unlink(missing_ok=True)

    @property
    def network(self) -> Path:
        return self.root / "network.npz"

    @property
    def keras(self) -> Path:
        return self.cache / "keras.json"

    @property
    def quantized(self) -> Path:
        return self.root / "quantized.npz"

    @property
    def chosen(self) -> Path:
        return self.cache / "chosen.json"

    @property
    def artifacts(self) -> Path:
        return self.root / "artifacts"

    @property
    def verified(self) -> Path:
        return self.cache / "verify.json"

    @property
    def benchmarked(self) -> Path:
        return self.cache / "benchmark.json"

    @property
    def firmware(self) -> Path:
        """What the stage `firmware` found on the recipe's board."""
        return self.cache / "firmware.json"

    @property
    def boards(self) -> Path:
        """What `edgernn firmware` found, on any board."""
        return self.cache / "boards.json"

    @property
    def images(self) -> Path:
        """A folder of images for each board."""
        return self.root / "firmware"

    @property
    def reports(self) -> tuple[Path, ...]:
        return tuple(self.root / name for name in ("report.json", "report.html", "report.md", MANIFEST))

    def write_manifest(self, recipe: Recipe, tools: Mapping[str, str]) -> None:
        """manifest.json: size and sha256 of every file that the build made, versions and seed."""
        top = [path for path in self.root.iterdir() if path.is_file() and path.name not in (MANIFEST, MARKER)]
        shipped = [*top, *self.artifacts.rglob("*"), *self.images.rglob("*")]
        files = {
            str(path.relative_to(self.root)): {"bytes": path.stat().st_size, "sha256": digest(path)}
            for path in sorted(shipped)
            if path.is_file()
        }
        content = {
            "edgernn": __version__,
            "name": recipe.name,
            "seed": recipe.seed,
            "tools": tools,
            "files": files,
        }
        archive.write_text(self.root / MANIFEST, json.dumps(content, indent=1))


def _lock(file: TextIO, root: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError(f"another build is at work in {root}; wait for it or name another with --out") from None
