"""The build folder: where everything of one build lies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgernn import __version__, archive
from edgernn import recipe as recipes
from edgernn.recipe import Recipe
from edgernn.stages import digest

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class BuildFolder:
    """Paths below `root`. What a user ships and reads lies on top; what stages hand on lies in `cache`."""

    root: Path

    @classmethod
    def prepare(cls, root: Path, recipe: Recipe) -> BuildFolder:
        """The folder, made and writable, with the resolved recipe in it and no leavings of a killed build.

        Raises InputError when it cannot be written.
        """
        folder = cls(root)
        archive.write_text(folder.recipe, recipes.dump(recipe))
        for leaving in root.rglob(f"*{archive.PARTIAL}"):
            leaving.unlink(missing_ok=True)
        return folder

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
    def baseline(self) -> Path:
        return self.cache / "baseline.json"

    @property
    def trained(self) -> Path:
        return self.cache / "trained.npz"

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
    def artifacts(self) -> Path:
        return self.root / "artifacts"

    @property
    def verified(self) -> Path:
        return self.cache / "verify.json"

    @property
    def benchmarked(self) -> Path:
        return self.cache / "benchmark.json"

    @property
    def reports(self) -> tuple[Path, ...]:
        return tuple(self.root / name for name in ("report.json", "report.html", "report.md", MANIFEST))

    def write_manifest(self, recipe: Recipe, tools: Mapping[str, str]) -> None:
        """manifest.json: size and sha256 of every file that the build made, versions and seed."""
        top = [path for path in self.root.iterdir() if path.is_file() and path.name != MANIFEST]
        shipped = [*top, *self.artifacts.rglob("*")]
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
