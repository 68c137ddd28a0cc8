"""The board of a recipe: refused at the door, or what gates and images are made from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from edgernn import recipe
from edgernn.errors import InputError
from edgernn.firmware import BOARDS
from edgernn.recipe import Recipe


def loaded(folder: Path, targets: dict[str, Any]) -> Recipe:
    document = {
        "name": "wave",
        "data": {"source": "npz", "path": "wave.npz"},
        "network": {"layers": [{"gru": {"units": 4}}, {"dense": {}}]},
        "targets": targets,
    }
    path = folder / "r.yaml"
    path.write_text(yaml.safe_dump(document))
    return recipe.load(path)


@pytest.mark.parametrize("name", BOARDS)
def test_every_board_can_be_named(name: str, tmp_path: Path) -> None:
    found = loaded(tmp_path, {"c": {"board": {"name": name}}}).board
    assert found is not None
    assert (found.name, found.run, found.flash_max, found.ram_max) == (name, True, None, None)
    assert found.optimisations == ("size", "speed")


@pytest.mark.parametrize(
    ("board", "wanted"),
    [
        (
            {"name": "cortex-m3"},
            "targets.c.board.name is 'cortex-m3', which is not a board; did you mean cortex-m33?",
        ),
        ({"name": "pdp-11"}, "which is not a board; known: aarch64, cortex-m0plus"),
        ({}, "targets.c.board.name is missing"),
        ({"name": "host", "flash": 1}, "targets.c.board.flash is not a known key; did you mean targets.c.board."),
        ({"name": "host", "flash_max": 0}, "targets.c.board.flash_max must be greater than 0, not 0"),
        ({"name": "host", "flash_max": "256k"}, "targets.c.board.flash_max must be a whole number, not '256k'"),
        (
            {"name": "host", "optimise": "fast"},
            "targets.c.board.optimise must be 'size', 'speed' or 'both', not 'fast'",
        ),
        ({"name": "host", "ram_max": 4096, "run": False}, "targets.c.board has ram_max and run: false"),
    ],
)
def test_a_board_that_cannot_be_is_refused(board: dict[str, Any], wanted: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        loaded(tmp_path, {"c": {"board": board}})
    assert wanted in str(caught.value)
    assert "\n" not in str(caught.value)


def test_only_c_has_a_board(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"targets\.onnx\.board, and only C runs on boards; move it to targets\.c"):
        loaded(tmp_path, {"onnx": {"board": {"name": "host"}}})
    assert loaded(tmp_path, {"onnx": {}}).board is None


def test_a_board_is_dumped_and_read_back(tmp_path: Path) -> None:
    board = {"name": "cortex-m4", "flash_max": 262144, "ram_max": 65536, "optimise": "size"}
    first = loaded(tmp_path, {"c": {"board": board}})
    (tmp_path / "dumped.yaml").write_text(recipe.dump(first))
    assert recipe.load(tmp_path / "dumped.yaml") == first
    assert first.board is not None
    assert first.board.optimisations == ("size",)
