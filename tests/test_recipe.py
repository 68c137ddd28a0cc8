"""Recipes: defaults, one line for every fault, and a dump that reads back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from networks import STACKS
from pydantic import ValidationError

from edgernn import recipe, strict_yaml
from edgernn.cells import CELLS
from edgernn.errors import InputError
from edgernn.recipe import Recipe

ACTIVITY = Path(__file__).parent.parent / "recipes" / "activity.yaml"
MINIMAL: dict[str, Any] = {
    "name": "wave",
    "data": {"source": "npz", "path": "wave.npz"},
    "network": {"layers": [{"gru": {"units": 4}}, {"dense": {}}]},
}


def write(folder: Path, document: object) -> Path:
    path = folder / "r.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def fault(folder: Path, *overrides: str) -> str:
    """What the minimal recipe with `overrides` is refused with, after the name of its file."""
    path = write(folder, MINIMAL)
    with pytest.raises(InputError) as caught:
        recipe.load(path, overrides)
    message = str(caught.value)
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def test_name_data_and_network_are_enough(tmp_path: Path) -> None:
    loaded = recipe.load(write(tmp_path, MINIMAL))
    assert loaded.train.epochs > 0
    assert loaded.prune is None
    assert loaded.quantize.state == "int16"
    assert loaded.verify.engines == "all"
    found = [(choice.name, choice.kind, choice.options.units) for choice in loaded.network.stack(3)]
    assert found == [("gru", "gru", 4), ("dense", "dense", 3)]


def test_sections_without_content_mean_their_defaults(tmp_path: Path) -> None:
    empty = dict.fromkeys(["features", "train", "quantize", "verify", "benchmark"])
    layers = {"layers": [{"gru": {"units": 4}}, {"dense": None}]}
    document = {**MINIMAL, **empty, "network": layers}
    assert recipe.load(write(tmp_path, document)) == recipe.load(write(tmp_path, MINIMAL))


def test_hops_default_to_the_window_and_to_each_other(tmp_path: Path) -> None:
    data = {"source": "watch_activity", "window": 40}
    plain = recipe.load(write(tmp_path, {**MINIMAL, "data": data})).data
    halved = recipe.load(write(tmp_path, {**MINIMAL, "data": {**data, "hop": 20}})).data
    assert (plain.hop, plain.train_hop) == (40, 40)  # type: ignore[union-attr]
    assert (halved.hop, halved.train_hop) == (20, 20)  # type: ignore[union-attr]


def test_groups_may_be_written_as_numbers(tmp_path: Path) -> None:
    loaded = recipe.load(write(tmp_path, MINIMAL), ["data.split={test: [8, '9'], validation: [07]}"])
    assert loaded.data.split.test == ("8", "9")
    assert loaded.data.split.validation == ("07",)


def test_a_recipe_cannot_be_changed(tmp_path: Path) -> None:
    loaded = recipe.load(write(tmp_path, MINIMAL))
    with pytest.raises(ValidationError, match="frozen"):
        loaded.seed = 3


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("quantize.stat=int8", "quantize.stat is not a known key; did you mean quantize.state?"),
        ("trian={}", "trian is not a known key; did you mean train?"),
        ("data.pth=a", "data.pth is not a known key; did you mean data.path?"),
        ("data.split.tst=[a]", "data.split.tst is not a known key; did you mean data.split.test?"),
        ("targets.c.form=[step]", "targets.c.form is not a known key; did you mean targets.c.forms?"),
        (
            "network.layers.0.gru.unit=4",
            "network.layers.0.gru.unit is not a known key; did you mean network.layers.0.gru.units?",
        ),
        (
            "features.q=1",
            "features.q is not a known key; known: normalize",
        ),
        ("train.epochs=many", "train.epochs must be a whole number, not 'many'"),
        ("train.epochs=3.0", "train.epochs must be a whole number, not 3.0"),
        ("train.epochs='3'", "train.epochs must be a whole number, not '3'"),
        ("train.epochs=true", "train.epochs must be a whole number, not True"),
        ("train.epochs=0", "train.epochs must be greater than 0, not 0"),
        ("train.dropout=1", "train.dropout must be less than 1, not 1"),
        ("train.dropout=true", "train.dropout must be a number, not True"),
        ("train.clip_norm=.inf", "train.clip_norm must be a finite number, not inf"),
        ("train.learning_rate=.nan", "train.learning_rate must be a finite number, not nan"),
        ("train=5", "train must be a section with keys, not 5"),
        ("train.schedule=step", "train.schedule must be 'cosine' or 'constant', not 'step'"),
        (
            "verify.gates.metric_above_baseline=yes",
            "verify.gates.metric_above_baseline must be true or false, not 'yes'",
        ),
        ("prune={}", "prune.sparsity is missing"),
        ("prune={sparsity: 1}", "prune.sparsity must be less than 1, not 1"),
        ("quantize.percentile=50", "quantize.percentile must be at least 99.9, not 50"),
        ("data.source=cvs", "data has the source 'cvs', which is not known; did you mean csv?"),
        ("data={}", "data.source is missing"),
        ("data=", "data must be a section with keys, not None"),
        ("data.window=3", "data has window, but the windows of an npz are already cut; remove it"),
        ("data.split.test=a", "data.split.test must be a list, not 'a'"),
        (
            "data.split={test: [a, b], validation: [b]}",
            "data.split has the group b in test and in validation; a group belongs to one split",
        ),
        ("data.split.calibration=0", "data.split.calibration must be greater than 0, not 0"),
        (
            "data={source: watch_activity, window: 5, every: 2}",
            "data has window 5, which is not a multiple of every 2; change one of them",
        ),
        (
            "data={source: csv, path: a, window: 5, columns: [x, x], label: y}",
            "data has the column x twice in columns",
        ),
        (
            "data={source: csv, path: a, window: 5, columns: [x], label: folder, group: folder}",
            "data has folder as label and as group; held-out groups would hold untrained classes",
        ),
        ("network.layers=[]", "network.layers must not be empty"),
        ("network.layers=[{dense: {}}]", f"network has no recurrent layer; add one of: {', '.join(CELLS)}"),
        (
            "network.layers=[{gru: {units: 3}}]",
            "network ends with gru; the last layer must be dense, one unit a class",
        ),
        (
            "network.layers=[{gru: {}}, {dense: {}}]",
            "network.layers.0.gru.units is missing",
        ),
        (
            "network.layers=[{gru: {units: 3}}, {dense: {}}, {dense: {}}]",
            "network needs units in layers.1.dense, as in dense: {units: 32}",
        ),
        (
            "network.layers=[{gru: {units: 3}}, {dense: {units: 3, activation: gelu}}, {dense: {}}]",
            "network.layers.1.dense.activation must be 'linear', 'relu', 'sigmoid', 'tanh' or 'softmax', "
            "not 'gelu'",
        ),
        (
            "network.layers=[{gru: {units: 3}}, {embedding: {entries: 9, units: 3}}, {dense: {}}]",
            "network has an embedding in layers.1; it reads tokens, so it must come first",
        ),
        (
            "quantize.layers={gruu: int16x8}",
            "the recipe has gruu in quantize.layers, which is not a layer; did you mean gru?",
        ),
        (
            "quantize.layers={gru: float32}",
            "quantize.layers.gru must be 'int8' or 'int16x8', not 'float32'",
        ),
        (
            "quantize.choose=auto",
            "quantize has choose: auto and no drift_max; say how much drift it may cost, as in 0.02",
        ),
        (
            "quantize.drift_max=0.1",
            "quantize has drift_max, which belongs to choose: auto; add that or remove drift_max",
        ),
        (
            "quantize.state=auto",
            "the recipe has quantize.state: auto and no gate on drift; set verify.gates.agreement_min",
        ),
        (
            "network.layers=[{grv: {units: 1}}, {dense: {}}]",
            "network has grv in layers.0, which is not a layer; did you mean gru?",
        ),
        (
            "network.layers=[{gru: {units: 1}, dense: {}}]",
            "network has 2 keys in layers.0; write one layer an item",
        ),
        ("network.layers=[gru]", "network.layers.0 must be a section with keys, not 'gru'"),
        ("targets={}", "targets must not be empty"),
        ("targets={onx: {}}", "targets.onx is not a known target; did you mean onnx?"),
        (
            "targets.c.precisions=[int4]",
            "targets.c.precisions.0 must be 'float32', 'dynamic', 'int8' or 'int16x8', not 'int4'",
        ),
        (
            "targets.onnx={forms: [sequence], precisions: [int8]}",
            "targets.onnx.forms asks for sequence, and onnxruntime runs an integer sequence as a slow Scan; "
            "ask for it with targets.onnx.integer_sequence: true",
        ),
        (
            "targets={c: {precisions: [float32]}}",
            "targets.c has nothing of what it asks for: "
            "C is for integers: float networks run on LiteRT or onnxruntime; "
            "it has: sequence int8, sequence int16x8, step int8, step int16x8",
        ),
        (
            "verify.engines=[]",
            "verify.engines must be all, or a list of: litert, litert-ref, tflm, onnxruntime, c",
        ),
        ("verify.engines=[lite]", "verify.engines has 'lite', which is not an engine; did you mean litert?"),
        (
            "verify.baseline=none",
            "verify.baseline has 'none', which is not a baseline; known: boosted_history, boosted_last_event, "
            "gradient_boosting, majority, mean, persistence, random_forest, ridge, seasonal_naive",
        ),
        ("name=int", "name is 'int', a keyword of C; choose another, as in my_int"),
        (
            "name=My-Net",
            "name is 'My-Net'; it names C symbols: a lowercase letter, then up to 47 of a-z, 0-9 and _",
        ),
        (
            'name="a\\n"',
            "name is 'a\\n'; it names C symbols: a lowercase letter, then up to 47 of a-z, 0-9 and _",
        ),
        ("name=3", "name must be text, not 3"),
        ("seed=-1", "seed must be at least 0, not -1"),
    ],
)
def test_faults(tmp_path: Path, override: str, message: str) -> None:
    assert fault(tmp_path, override) == message


@pytest.mark.parametrize("content", ["", "- a\n", "text"])
def test_a_recipe_is_a_mapping(tmp_path: Path, content: str) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        recipe.load(path)
    assert str(caught.value) == f"{path}: must be a mapping with at least name, data and network"


def test_units_of_the_last_layer_must_be_the_classes(tmp_path: Path) -> None:
    loaded = recipe.load(write(tmp_path, MINIMAL), ["network.layers.1.dense.units=5"])
    assert loaded.network.stack(5)[-1].options.units == 5
    with pytest.raises(
        InputError, match=r"^network\.layers\.1\.dense\.units is 5, but the data asks for 7, one a class"
    ):
        loaded.network.stack(7)


@pytest.mark.parametrize("name", STACKS)
def test_every_cell_and_layer_can_be_asked_for(name: str, tmp_path: Path) -> None:
    layers = [{kind: {"units": own} if isinstance(own, int) else dict(own)} for kind, own in STACKS[name]]
    document = {**MINIMAL, "network": {"layers": [*layers, {"dense": {}}]}}
    loaded = recipe.load(write(tmp_path, document))
    assert [choice.kind for choice in loaded.network.stack(2)] == [*(kind for kind, _ in STACKS[name]), "dense"]
    dumped = tmp_path / "dumped.yaml"
    dumped.write_text(recipe.dump(loaded))
    assert recipe.load(dumped) == loaded


def test_artifacts_are_the_asked_ones_that_exist(tmp_path: Path) -> None:
    everything = recipe.load(write(tmp_path, MINIMAL))
    assert everything.artifacts() == (
        *(
            ("tflite", form, precision)
            for form in ("sequence", "step")
            for precision in ("float32", "dynamic", "int8")
        ),
        ("onnx", "sequence", "float32"),
        ("onnx", "sequence", "dynamic"),
        *(("onnx", "step", precision) for precision in ("float32", "dynamic", "int8")),
        ("c", "step", "int8"),
    )
    some = recipe.load(
        write(tmp_path, MINIMAL), ["targets={c: , tflite: {forms: [sequence], precisions: [int16x8]}}"]
    )
    assert some.artifacts() == (("tflite", "sequence", "int16x8"), ("c", "step", "int8"))


def test_a_bidirectional_network_gets_its_sequence_forms(tmp_path: Path) -> None:
    layers = [{"gru": {"units": 3, "bidirectional": True}}, {"dense": {}}]
    loaded = recipe.load(write(tmp_path, {**MINIMAL, "network": {"layers": layers}}))
    assert {one.form for one in loaded.artifacts()} == {"sequence"}
    assert {one.target for one in loaded.artifacts()} == {"tflite", "onnx", "c"}
    for name in ("tflite", "onnx", "c"):
        with pytest.raises(
            InputError, match=f"targets.{name}.forms asks for step, and gru reads the window backwards"
        ):
            recipe.load(
                write(tmp_path, {**MINIMAL, "network": {"layers": layers}}),
                [f"targets={{{name}: {{forms: [step]}}}}"],
            )


@given(
    seed=st.integers(0, 2**32 - 1),
    rate=st.floats(1e-9, 1, exclude_min=True),
    path=st.text(min_size=1),
    groups=st.lists(st.text(min_size=1), unique=True),
    sparsity=st.none() | st.floats(0, 0.99),
)
def test_a_dump_is_an_equal_recipe(
    seed: int, rate: float, path: str, groups: list[str], sparsity: float | None
) -> None:
    document = {
        **MINIMAL,
        "seed": seed,
        "data": {"source": "npz", "path": path, "split": {"test": groups}},
        "train": {"learning_rate": rate},
        "prune": None if sparsity is None else {"sparsity": sparsity},
    }
    made = Recipe.model_validate(document)
    text = recipe.dump(made)
    again = Recipe.model_validate(strict_yaml.parse(text, "dump"))
    assert again == made
    assert recipe.dump(again) == text


def test_the_shipped_recipe(tmp_path: Path) -> None:
    loaded = recipe.load(ACTIVITY)
    dumped = tmp_path / "recipe.yaml"
    dumped.write_text(recipe.dump(loaded))
    assert recipe.load(dumped) == loaded
    assert ACTIVITY.read_text().startswith("# edgernn build recipes/activity.yaml\n")
