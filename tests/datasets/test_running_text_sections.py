"""Recipes of running text, and what is refused when one is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgernn import recipe
from edgernn.datasets.running_text_sections import CatalogRunningText, FileRunningText
from edgernn.decide import SampleRule
from edgernn.decide_sections import SampleSection
from edgernn.errors import InputError

RECIPE = """
name: tale
data: {source: running_text, path: x.txt, vocabulary: 90}
network: {layers: [embedding: {units: 4}, lstm: {units: 4}, dense: {}]}
decide: {rule: sample, temperature: 0.5, top_k: 7}
"""
REFUSED = {
    "no path": ((", path: x.txt", ""), "data.path is missing"),
    "a window of one": (("vocabulary: 90", "steps: 1"), "data.steps must be greater than 1"),
    "a label": (("vocabulary: 90", "label: a"), "data.label is not a known key"),
    "words": (("vocabulary: 90", "tokens: words"), "data.tokens is not a known key"),
    "case": (("vocabulary: 90", "case: upper"), "data.case must be 'fold' or 'keep', not 'upper'"),
    "shares": (("vocabulary: 90", "split: {test: 0.6, validation: 0.4}"), "leave train too little"),
    "few entries": (("{units: 4}, lstm", "{units: 4, entries: 20}, lstm"), "entries for 20; leave entries out"),
    "no embedding": (("embedding: {units: 4}, lstm", "lstm"), "begin with an embedding"),
    "both directions": (("lstm: {units: 4}", "lstm: {units: 4, bidirectional: true}"), "remove bidirectional"),
    "a stride": (("lstm: {", "conv: {units: 4, kernel: 2, stride: 2}, lstm: {"), "conv has a stride"),
    "a metric of classes": (("name: tale", "name: tale\nverify: {metric: accuracy}"), "bits_per_character"),
    "a forest": (("name: tale", "name: tale\nverify: {baseline: random_forest}"), "kneser_ney"),
    "made texts": (("name: tale", "name: tale\ntrain: {made_texts: 0.5}"), "its data is no texts"),
    "cold": (("temperature: 0.5", "temperature: 0"), "decide.temperature must be at least 0.05"),
    "negative": (("top_k: 7", "top_k: -1"), "decide.top_k must be at least 0"),
    "a softmax": (("dense: {}", "dense: {activation: softmax}"), "takes the softmax itself"),
    "no length": (("top_k: 7", "length: 0"), "decide.length must be greater than 0"),
    "an unknown rule": (("rule: sample", "rule: sampel"), "did you mean sample?"),
}


def written(folder: Path, old: str = "", new: str = "") -> Path:
    assert old in RECIPE
    (folder / "r.yaml").write_text(RECIPE.replace(old, new, 1) if old else RECIPE)
    return folder / "r.yaml"


def test_a_recipe_of_running_text_has_its_defaults(tmp_path: Path) -> None:
    found = recipe.load(written(tmp_path))
    assert isinstance(found.data, FileRunningText)
    assert (found.data.case, found.data.task) == ("keep", "next")
    assert found.baselines == ("kneser_ney",)
    assert found.judge.metric.name == "bits per character"
    assert isinstance(found.decide, SampleSection)
    assert found.decide.chosen() == SampleRule(0.5, 7)
    (tmp_path / "again.yaml").write_text(recipe.dump(found))
    assert recipe.load(tmp_path / "again.yaml") == found


def test_the_catalog_has_running_text(tmp_path: Path) -> None:
    found = recipe.load(written(tmp_path, "source: running_text, path: x.txt", "source: shakespeare"))
    assert isinstance(found.data, CatalogRunningText)


@pytest.mark.parametrize("fault", REFUSED)
def test_what_does_not_fit_is_refused(fault: str, tmp_path: Path) -> None:
    (old, new), message = REFUSED[fault]
    with pytest.raises(InputError) as caught:
        recipe.load(written(tmp_path, old, new))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
