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
from edgernn.baselines import BASELINES
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
            "features.q is not a known key; known: log_mel, normalize",
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
            f"verify.baseline has 'none', which is not a baseline; known: {', '.join(sorted(BASELINES))}",
        ),
        (
            "verify.baseline=[majority, random_fores]",
            "verify.baseline has 'random_fores', which is not a baseline; did you mean random_forest?",
        ),
        (
            "verify.baseline=[[majority]]",
            "verify.baseline has ['majority'], which is not a baseline; did you mean majority?",
        ),
        (
            "verify.baseline=",
            f"verify.baseline has None, which is not a baseline; known: {', '.join(sorted(BASELINES))}",
        ),
        (
            "verify.baseline=mean",
            "the recipe has verify.baseline mean; data like this has: random_forest, span_forest, majority, "
            "gradient_boosting",
        ),
        ("verify.metric=acuracy", "verify.metric is 'acuracy', which is not a metric; did you mean accuracy?"),
        (
            "verify.metric=rmse",
            "the recipe has verify.metric rmse; data like this has: accuracy, auc, average_precision",
        ),
        ("verify.metric=3", "verify.metric must be text, not 3"),
        ("verify.tolerance=0", "verify.tolerance must be greater than 0, not 0"),
        ("verify.tolerance=1.5", "verify.tolerance must be at most 1, not 1.5"),
        (
            "verify.gates.metric_drop_share_max=1",
            "verify.gates.metric_drop_share_max must be less than 1, not 1",
        ),
        ("train.class_weights=equal", "train.class_weights must be 'none' or 'balanced', not 'equal'"),
        (
            "train.regression_loss=mse",
            "train.regression_loss must be 'squared', 'absolute' or 'huber', not 'mse'",
        ),
        (
            "train.regression_loss=huber",
            "the recipe has train.regression_loss, and its data asks for no quantity; remove it",
        ),
        ("decide={rule: tip}", "decide has the rule 'tip', which is not known; did you mean top?"),
        ("decide={rule: sample, temperature: 0}", "decide.temperature must be at least 0.05, not 0"),
        (
            "decide={rule: sample, temperatur: 1}",
            "decide.temperatur is not a known key; did you mean decide.temperature?",
        ),
        ("train.loss_from=1", "train.loss_from must be less than 1, not 1"),
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


SERIES = "source: series, path: a.csv, window: 24, columns: [load, heat], forecast: load"


ITEMS = "source: items, path: a.csv, basket: b, time: t, item: i, vocabulary: 50"
ITEM_LAYERS = "[{embedding: {units: 4}}, {gru: {units: 4}}, {dense: {}}]"
OF_ITEMS = (f"data={{{ITEMS}}}", f"network.layers={ITEM_LAYERS}", "decide={rule: top}")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "network.layers=[{gru: {units: 4}}, {dense: {}}]",
            "the recipe has items as data and gru as its first layer; begin with an embedding: {units: 32}",
        ),
        (
            "network.layers.0.embedding.entries=49",
            "the recipe has data.vocabulary 50, and network.layers.0.embedding has entries for 49; leave entries "
            "out, or set it to 50",
        ),
        ("data.vocabulary=4097", "data.vocabulary must be at most 4096, not 4097"),
        ("data.item=b", "data has b twice in basket, time and item; each is a column of its own"),
        (
            "data.repeats=keep",
            "the recipe has data.repeats: keep and decide.exclude_seen: true; what comes again is a candidate, "
            "what does not is none",
        ),
        (
            "decide.exclude_seen=false",
            "the recipe has data.repeats: drop and decide.exclude_seen: false; what comes again is a candidate, "
            "what does not is none",
        ),
        (
            "decide.count=50",
            "the recipe has decide.count 50 and data.vocabulary 50, which has no more; lower the count",
        ),
        (
            "verify.metric=accuracy",
            "the recipe has verify.metric accuracy; data like this has: recall_at_20",
        ),
        (
            "verify.baseline=majority",
            "the recipe has verify.baseline majority; data like this has: item_to_item, most_popular",
        ),
        (
            "network.layers.1.gru.bidirectional=true",
            "the recipe asks what comes next, and a bidirectional layer has seen it; remove bidirectional",
        ),
    ],
)
def test_faults_of_items(tmp_path: Path, override: str, message: str) -> None:
    assert fault(tmp_path, *OF_ITEMS, override) == message


def test_lists_are_judged_by_their_recall(tmp_path: Path) -> None:
    found = recipe.load(write(tmp_path, MINIMAL), OF_ITEMS)
    assert (found.judge.metric.name, found.baselines) == ("recall@20", ("item_to_item",))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("verify.metric=auc", "the recipe has verify.metric auc; data like this has: mae, rmse, mse"),
        (
            "train.class_weights=balanced",
            "the recipe has train.class_weights, and its data asks for no class; remove it",
        ),
        (
            "decide={rule: top}",
            "the recipe has decide.rule: top, which is for data that asks what comes next; remove it",
        ),
        (
            "verify.baseline=majority",
            "the recipe has verify.baseline majority; data like this has: gradient_boosting, mean, persistence, "
            "seasonal_naive, ridge",
        ),
        (
            "verify.baseline=[mean, seasonal_naive]",
            "the recipe has verify.baseline seasonal_naive and no data.season; "
            "say after how many frames it repeats",
        ),
        *(
            (
                f"network.layers.1.dense.{option}",
                "the recipe has a last layer that gives no quantities; of a regression it is linear, with a bias",
            )
            for option in ("activation=softmax", "activation=relu", "batch_norm=true", "bias=false")
        ),
        (
            "data.season=25",
            "data has season 25, which is longer than window 24; lengthen the window, or add 24 to lags",
        ),
        ("data.season=0", "data.season must be greater than 0, not 0"),
        ("data.window=1", "data.window must be greater than 1, not 1"),
        ("data.horizon=0", "data.horizon must be greater than 0, not 0"),
        ("data.tme=at", "data.tme is not a known key; did you mean data.time?"),
        ("data.forecast=lod", "data has forecast lod, which is not in columns; did you mean load?"),
        ("data.columns=[load, load]", "data has the column load twice in columns"),
        ("data.calendar=[day]", "data has calendar and no time; name the column of times"),
        (
            "data.across_gaps=true",
            "data has across_gaps and no time, which tells where gaps are; name the column of times",
        ),
        (
            f"data={{{SERIES.replace('heat', 'day_cos')}, time: t, calendar: [day]}}",
            "data has the column day_cos, and makes a channel of that name; rename the column",
        ),
        (
            f"data={{{SERIES.replace('heat', 'load 3 before')}, lags: [3]}}",
            "data has the column load 3 before, and makes a channel of that name; rename the column",
        ),
        ("data.calendar=[hour]", "data.calendar.0 must be 'day', 'week' or 'year', not 'hour'"),
        (
            f"data={{{SERIES}, time: t, calendar: [day, week, day]}}",
            "data has a cycle twice in calendar: day, week, day",
        ),
        (
            "data.split={validation: 0.5, test: 0.45}",
            "data.split has validation 0.5 and test 0.45, which leave train too little",
        ),
        ("data.split.test=0", "data.split.test must be greater than 0, not 0"),
        ("data.split.test=[a]", "data.split.test must be a number, not ['a']"),
        (
            "data={source: sine, window: 24, calendar: [day]}",
            "data has calendar, and a sine has no times; remove it",
        ),
        ("data={source: sine, window: 24, frames: 999}", "data.frames must be at least 1000, not 999"),
        (
            "data={source: electricity, window: 24, path: a.csv}",
            "data.path is not a known key; known: calendar, hop, horizon, lags, season, source, split, train_hop, "
            "window",
        ),
        (
            "data={source: electricty, window: 24}",
            "data has the source 'electricty', which is not known; did you mean electricity?",
        ),
    ],
)
def test_faults_of_a_forecast(tmp_path: Path, override: str, message: str) -> None:
    assert fault(tmp_path, f"data={{{SERIES}}}", override) == message


def test_defaults_of_a_forecast_and_of_a_classifier(tmp_path: Path) -> None:
    forecast = recipe.load(write(tmp_path, MINIMAL), [f"data={{{SERIES}, hop: 6}}"])
    assert (forecast.data.task, forecast.data.horizon, forecast.data.train_hop) == ("regress", 1, 6)  # type: ignore[union-attr]
    assert (forecast.judge.metric.name, forecast.judge.tolerance) == ("MAE", 0.1)
    assert forecast.baselines == ("gradient_boosting",)
    classifier = recipe.load(write(tmp_path, MINIMAL))
    assert (classifier.data.task, classifier.judge.metric.name) == ("classify", "accuracy")
    assert classifier.baselines == ("random_forest",)


@pytest.mark.parametrize(
    ("value", "names"), [("ridge", ("ridge",)), ("[seasonal_naive, mean]", ("seasonal_naive", "mean"))]
)
def test_a_baseline_is_one_name_or_a_list(tmp_path: Path, value: str, names: tuple[str, ...]) -> None:
    overrides = [f"data={{{SERIES}, season: 24}}", f"verify.baseline={value}"]
    loaded = recipe.load(write(tmp_path, MINIMAL), overrides)
    assert loaded.baselines == names
    dumped = tmp_path / "dumped.yaml"
    dumped.write_text(recipe.dump(loaded))
    assert recipe.load(dumped) == loaded


def test_a_loss_share_alone_lets_the_state_be_chosen(tmp_path: Path) -> None:
    overrides = ["quantize.state=auto", "verify.gates.metric_drop_share_max=0.01"]
    assert recipe.load(write(tmp_path, MINIMAL), overrides).quantize.state == "auto"


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


def test_units_of_a_forecast_must_be_its_horizon(tmp_path: Path) -> None:
    overrides = [f"data={{{SERIES}, horizon: 3}}", "network.layers.1.dense.units=2"]
    loaded = recipe.load(write(tmp_path, MINIMAL), overrides)
    with pytest.raises(InputError, match="is 2, but the data asks for 3, one a class or a quantity; remove it"):
        loaded.network.stack(3)


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
