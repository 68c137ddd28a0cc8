"""A commented recipe to start from."""

from __future__ import annotations

from pathlib import Path

from edgernn import archive
from edgernn.errors import InputError
from edgernn.section import nearest

TEMPLATES = Path(__file__).parent / "templates"


def tasks() -> list[str]:
    """The tasks that there is a template for."""
    return sorted(path.stem for path in TEMPLATES.glob("*.yaml"))


def write(name: str, task: str, folder: Path) -> Path:
    """Write `<folder>/<name>.yaml` and return its path.

    Raises InputError for an unknown task, and for a file that is already there.
    """
    if task not in tasks():
        raise InputError(f"--task {task}: no such task{nearest(task, tasks())}; there are: {', '.join(tasks())}")
    path = folder / f"{name}.yaml"
    if path.exists():
        raise InputError(f"{path} is already there; choose another name")
    archive.write_text(path, (TEMPLATES / f"{task}.yaml").read_text().replace("{name}", name))
    return path
