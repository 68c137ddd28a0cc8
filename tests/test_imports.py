"""The architecture, held by a test: imports point one way, and TensorFlow stays out of what must be fast."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import edgernn

PACKAGE = Path(edgernn.__file__).parent

# From the bottom to the top. A module may import those of its own line and of lines above it in this list.
LAYERS = (
    {"errors"},
    {"archive", "program", "section", "strict_yaml", "fixed_point", "terminal"},
    {"kinds", "expand", "profiles", "decide"},
    {"cells", "layers"},
    {"network"},
    {"lowering", "sparsity", "metric"},
    {"reference"},
    {"calibrate", "progress", "features", "datasets", "targets", "engines", "firmware", "devices"},
    {"baselines"},
    {"board_tools", "decide_sections", "network_section", "target_sections", "train_sections"},
    {"support"},
    {"recipe", "misfits", "stages"},
    {"cases", "folder", "provenance", "quantize", "train", "new", "doctor", "inspect"},
    {"audit"},
    {"prune", "qat", "drift", "detection", "generation", "recommendations", "verify", "benchmark", "gates"},
    {"choose", "trial"},
    {"deployment"},
    {"report"},
    {"compare", "run"},
    {"build"},
    {"pipeline"},
    {"cli"},
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.name != "__init__.py")


def part(dotted: str) -> str:
    return dotted.split(".")[1]


def imported(path: Path) -> set[str]:
    """The parts of edgernn that a module imports, anywhere in it, but for type checking."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "edgernn":
            found |= {alias.name for alias in node.names if alias.name in LEVEL}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("edgernn."):
            found.add(part(node.module or ""))
        elif isinstance(node, ast.Import):
            found |= {part(alias.name) for alias in node.names if alias.name.startswith("edgernn.")}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert own in LEVEL, f"{own} has no place in the order of imports"
    upward = {name for name in imported(path) if LEVEL[name] > LEVEL[own]}
    # a recipe's section is validated against the tables of targets and engines, which are names only
    assert upward == set()


def test_the_order_names_what_exists() -> None:
    there = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in MODULES}
    assert set(LEVEL) == there


@pytest.mark.parametrize(
    "module",
    [
        "cli",
        "pipeline",
        "recipe",
        "verify",
        "benchmark",
        "report",
        "reference",
        "quantize",
        "train",
        "baselines",
    ],
)
def test_tensorflow_is_not_imported(module: str) -> None:
    frameworks = ("tensorflow", "tf_keras", "keras")
    code = f"import sys, edgernn.{module}; sys.exit(any(m in sys.modules for m in {frameworks}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
