"""A commented recipe to start from."""

from __future__ import annotations

from pathlib import Path

from edgernn import archive
from edgernn.errors import InputError
from edgernn.section import nearest, recipe_name

TEMPLATES = Path(__file__).parent / "templates"


def tasks() -> list[str]:
    """The tasks that there is a template for."""
    return sorted(path.stem for path in TEMPLATES.glob("*.yaml"))


def write(name: str, task: str, folder: Path) -> Path:
    """Write `<folder>/<name>.yaml` and return its path.

    Raises InputError for a name that no recipe may have, an unknown task, and a file that is already there.
    """
    try:
        recipe_name(name)
    except ValueError as error:
        raise InputError(f"NAME {error}") from None
    if task not in tasks():
        raise InputError(f"--task {task}: no such task{nearest(task, tasks())}")
    path = folder / f"{name}.yaml"
    if path.exists():
        raise InputError(f"{path} is already there; choose another name")
    archive.write_text(path, (TEMPLATES / f"{task}.yaml").read_text().replace("{name}", name))
    return path
