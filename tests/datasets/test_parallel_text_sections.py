"""Recipes of parallel text, and what is refused when one is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgernn import recipe
from edgernn.datasets.parallel_text_sections import CatalogParallelText, FileParallelText
from edgernn.errors import InputError

RECIPE = """
name: french
data: {source: parallel_text, path: x.csv, text: en, becomes: fr, vocabulary: 90}
network: {layers: [embedding: {units: 4}, lstm: {units: 4}, dense: {}]}
"""
REFUSED = {
    "no path": ((", path: x.csv", ""), "data.path is missing"),
    "no side": ((", becomes: fr", ""), "data.becomes is missing"),
    "one column": (("becomes: fr", "becomes: en"), "has en as text and as becomes"),
    "no room": (("vocabulary: 90", "vocabulary: 3"), "data.vocabulary must be at least 4"),
    "no steps": (("vocabulary: 90", "steps: 2"), "data.steps must be at least 3"),
    "items": (("vocabulary: 90", "tokens: items"), "data.tokens must be 'words' or 'characters'"),
    "long": (("vocabulary: 90", "long: cut"), "data.long must be 'refuse' or 'skip', not 'cut'"),
    "a label": (("vocabulary: 90", "label: a"), "data.label is not a known key"),
    "few entries": (("{units: 4}, lstm", "{units: 4, entries: 20}, lstm"), "entries for 20; leave entries out"),
    "no embedding": (("embedding: {units: 4}, lstm", "lstm"), "has texts as data and lstm as its first layer"),
    "both directions": (("lstm: {units: 4}", "lstm: {units: 4, bidirectional: true}"), "remove bidirectional"),
    "a stride": (("lstm: {", "conv: {units: 4, kernel: 2, stride: 2}, lstm: {"), "conv has a stride"),
    "a metric of classes": (("name: french", "name: french\nverify: {metric: accuracy}"), "bits_per_character"),
    "items' baseline": (("name: french", "name: french\nverify: {baseline: most_popular}"), "kneser_ney"),
    "a list": (("name: french", "name: french\ndecide: {rule: top}"), "which is for baskets of items"),
}


def written(folder: Path, old: str = "", new: str = "") -> Path:
    assert old in RECIPE
    (folder / "r.yaml").write_text(RECIPE.replace(old, new, 1) if old else RECIPE)
    return folder / "r.yaml"


def test_a_recipe_of_parallel_text_has_its_defaults(tmp_path: Path) -> None:
    found = recipe.load(written(tmp_path))
    assert isinstance(found.data, FileParallelText)
    assert (found.data.tokens, found.data.case, found.data.long) == ("characters", "keep", "refuse")
    assert found.baselines == ("kneser_ney",)
    assert found.judge.metric.name == "bits per character"
    (tmp_path / "again.yaml").write_text(recipe.dump(found))
    assert recipe.load(tmp_path / "again.yaml") == found


def test_the_catalog_has_parallel_text(tmp_path: Path) -> None:
    own = "source: parallel_text, path: x.csv, text: en, becomes: fr"
    found = recipe.load(written(tmp_path, own, "source: jupyter_french"))
    assert isinstance(found.data, CatalogParallelText)
    assert found.data.long == "skip"


@pytest.mark.parametrize("fault", REFUSED)
def test_what_does_not_fit_is_refused(fault: str, tmp_path: Path) -> None:
    (old, new), message = REFUSED[fault]
    with pytest.raises(InputError) as caught:
        recipe.load(written(tmp_path, old, new))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
