"""A recipe's profiles: what is merged, what is replaced, and who has the last word."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from edgernn import profiles, recipe
from edgernn.errors import InputError

RECIPE: dict[str, Any] = {
    "name": "wave",
    "data": {"source": "sine", "window": 20, "split": {"validation": 0.2, "test": 0.1}},
    "network": {"layers": [{"gru": {"units": 4}}, {"gru": {"units": 3}}, {"dense": {}}]},
    "train": {"epochs": 30, "batch_size": 64},
    "verify": {"baseline": ["mean", "ridge"], "stream": {"steps": 900}},
    "prune": {"sparsity": 0.5},
    "profiles": {
        "smoke": {
            "data": {"split": {"test": 0.3}},
            "network": {"layers": [{"gru": {"units": 2}}, {"dense": {}}]},
            "train": {"epochs": 2},
            "verify": {"baseline": ["persistence"]},
            "prune": None,
            "benchmark": {"runs": 3},
        },
        "long": {"train": {"epochs": 99}},
    },
}


def write(folder: Path, document: object = RECIPE) -> Path:
    path = folder / "r.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def fault(folder: Path, *overrides: str) -> str:
    path = write(folder)
    with pytest.raises(InputError) as caught:
        recipe.load(path, overrides)
    message = str(caught.value)
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def test_sections_are_merged_and_lists_replaced(tmp_path: Path) -> None:
    found = profiles.document(write(tmp_path), ["profile=smoke"])
    assert found == {
        "name": "wave",
        "data": {"source": "sine", "window": 20, "split": {"validation": 0.2, "test": 0.3}},
        "network": {"layers": [{"gru": {"units": 2}}, {"dense": {}}]},
        "train": {"epochs": 2, "batch_size": 64},
        "verify": {"baseline": ["persistence"], "stream": {"steps": 900}},
        "prune": None,
        "benchmark": {"runs": 3},
    }


def test_limits_at_steps_are_replaced(tmp_path: Path) -> None:
    """Those of a long stream mean nothing in the short one of a profile."""
    overrides = [
        "verify.gates.max_state_error_at={900: 0.1}",
        "profiles.smoke.verify={stream: {steps: 50}, gates: {max_state_error_at: {50: 1.0}}}",
        "profile=smoke",
    ]
    document = {**RECIPE, "verify": {"stream": {"steps": 900}, "gates": {"max_state_error_at": {900: 0.1}}}}
    loaded = recipe.load(write(tmp_path, document), overrides[1:])
    assert (loaded.verify.stream.steps, loaded.verify.gates.max_state_error_at) == (50, {50: 1.0})
    with pytest.raises(InputError, match="has a limit at step 900"):  # an override has the last word
        recipe.load(write(tmp_path, document), overrides)


@pytest.mark.parametrize(
    ("told", "found"), [("own/x.csv", "{here}/own/x.csv"), ("'own: x'", "{here}/own: x"), ("/y.csv", "/y.csv")]
)
def test_a_path_that_is_set_is_relative_to_where_one_is(
    told: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    path = write(tmp_path, {**RECIPE, "data": {"source": "npz", "path": "x.npz"}})
    monkeypatch.chdir(here)

    assert profiles.document(path, [])["data"]["path"] == "x.npz"
    document = profiles.document(path, [f"data.path={told}", "profile=smoke"])
    assert document["data"]["path"] == found.format(here=here)


def test_without_a_profile_the_recipe_is_as_it_stands(tmp_path: Path) -> None:
    own = {key: value for key, value in RECIPE.items() if key != "profiles"}
    assert profiles.document(write(tmp_path), []) == own
    assert profiles.document(write(tmp_path, own), []) == own
    assert profiles.document(write(tmp_path, {**RECIPE, "profile": "smoke"}), ["profile="]) == own


def test_a_recipe_may_name_its_profile_itself(tmp_path: Path) -> None:
    named = {**RECIPE, "profile": "long"}
    assert recipe.load(write(tmp_path, named)).train.epochs == 99
    assert recipe.load(write(tmp_path, named), ["profile=smoke"]).train.epochs == 2


@pytest.mark.parametrize(
    "overrides",
    [("train.epochs=7", "profile=smoke"), ("profile=smoke", "train.epochs=7")],
    ids=["before", "after"],
)
def test_an_override_has_the_last_word(tmp_path: Path, overrides: tuple[str, ...]) -> None:
    loaded = recipe.load(write(tmp_path), overrides)
    assert (loaded.train.epochs, loaded.train.batch_size, loaded.benchmark.runs) == (7, 64, 3)


def test_an_override_finds_its_way_through_what_the_profile_put_there(tmp_path: Path) -> None:
    loaded = recipe.load(write(tmp_path), ["profile=smoke", "network.layers.0.gru.units=5"])
    assert [choice.options.units for choice in loaded.network.stack(1)] == [5, 1]


def test_a_profile_may_be_changed_or_made_by_overrides(tmp_path: Path) -> None:
    assert recipe.load(write(tmp_path), ["profile=smoke", "profiles.smoke.train.epochs=4"]).train.epochs == 4
    assert recipe.load(write(tmp_path), ["profile=own", "profiles.own={seed: 8}"]).seed == 8


def test_the_resolved_recipe_has_neither_key_and_reads_back_as_the_same(tmp_path: Path) -> None:
    loaded = recipe.load(write(tmp_path), ["profile=smoke"])
    text = recipe.dump(loaded)
    assert not {"profile", "profiles"} & set(yaml.safe_load(text))
    (tmp_path / "recipe.yaml").write_text(text)
    assert recipe.load(tmp_path / "recipe.yaml") == loaded
    assert loaded.train.epochs == 2


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["profile=smok"], "profile is 'smok', which is not a profile; did you mean smoke?"),
        (["profile=quick"], "profile is 'quick', which is not a profile; known: long, smoke"),
        (["profile=3"], "profile is 3, which is not a profile; known: long, smoke"),
        (["profile=[a]"], "profile is ['a'], which is not a profile; known: long, smoke"),
        (["profile={smoke: 1}"], "profile is {'smoke': 1}, which is not a profile; known: long, smoke"),
        (["profile=smoke", "profiles="], "profile is 'smoke', which is not a profile; the recipe has no profiles"),
        (
            ["profile=smoke", "profiles={}"],
            "profile is 'smoke', which is not a profile; the recipe has no profiles",
        ),
        (["profile=x", "profiles={1: {}, b: {}}"], "profile is 'x', which is not a profile; known: 1, b"),
        (["profile=smoke", "profiles=[smoke]"], "profiles must be a section with keys, not ['smoke']"),
        (["profiles=5"], "profiles must be a section with keys, not 5"),
        (["profile=smoke", "profiles.smoke="], "profiles.smoke must be a section with keys, not None"),
        (["profile=smoke", "profiles.smoke=[1]"], "profiles.smoke must be a section with keys, not [1]"),
        (["profile=smoke", "profiles.smoke.trian.epochs=3"], "trian is not a known key; did you mean train?"),
        (["profile=smoke", "profiles.smoke.train.epochs=no"], "train.epochs must be a whole number, not 'no'"),
        (["profile=smoke", "profiles.smoke.train=3"], "train must be a section with keys, not 3"),
    ],
)
def test_faults(tmp_path: Path, overrides: list[str], message: str) -> None:
    assert fault(tmp_path, *overrides) == message


VALUES = st.recursive(
    st.none() | st.integers() | st.lists(st.integers(), max_size=2),
    lambda below: st.dictionaries(st.sampled_from("abc"), below, max_size=3),
    max_leaves=8,
)
SECTIONS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


def paths(value: Any, at: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Whatever is no section, and empty sections, by where they are."""
    if not isinstance(value, dict) or not value:
        return {at: value}
    return {path: leaf for key, below in value.items() for path, leaf in paths(below, (*at, key)).items()}


@given(own=SECTIONS, change=SECTIONS)
def test_a_merge_is_the_profile_and_what_it_does_not_touch(
    own: dict[str, Any], change: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = deepcopy(own)
    path = write(tmp_path_factory.mktemp("merge"), {**own, "profile": "p", "profiles": {"p": change}})
    found, asked = paths(profiles.document(path, [])), paths(change)
    for at, leaf in asked.items():
        assert leaf == {} or found[at] == leaf
    for at, leaf in paths(before).items():
        if not any(at[: len(other)] == other or other[: len(at)] == at for other in asked):
            assert found[at] == leaf
