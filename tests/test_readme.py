"""What README shows of a recipe is one."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from edgernn import recipe

README = Path(__file__).parent.parent / "README.md"


def test_the_sections_of_a_recipe_in_readme_are_valid(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    document = {
        "name": "sample",
        "data": {"source": "npz", "path": "x.npz"},
        "network": {"layers": [{"gru": {"units": 8}}, {"dense": {}}]},
        **yaml.safe_load(block),
    }
    (tmp_path / "sample.yaml").write_text(yaml.safe_dump(document))
    assert recipe.load(tmp_path / "sample.yaml").quantize.choose == "auto"
