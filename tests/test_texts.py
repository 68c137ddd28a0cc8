"""Networks that read texts, from end to end: their vocabulary in every file, and padding that counts nowhere."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from networks import random_frames, random_network

from edgernn import archive, datasets, recipe, reference
from edgernn import network as networks
from edgernn.datasets import texts
from edgernn.datasets.sections import FileText
from edgernn.datasets.texts import Text
from edgernn.engines import compiler, engine
from edgernn.errors import InputError
from edgernn.features import tokens
from edgernn.metric import final
from edgernn.network import Network, QuantizedNetwork, Vocabulary
from edgernn.quantize import quantize
from edgernn.targets import Combination, artifact_name, target
from edgernn.targets.tflite.content import describe

WORDS = ("<unk>", "a", "film", "!", "the", "good", "naïve", "it's", "?", "\"'")
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
LINES = ("A naïve film!", "It's GOOD? the\tgood,good", "nothing known", "ÉTÉ \x01 a'b \"' !?")
ARTIFACTS = {
    "c": Combination("c", "step", "int8"),
    "litert": Combination("tflite", "step", "int8"),
    "onnxruntime": Combination("onnx", "sequence", "float32"),
}
MAIN = r"""
#include <stdio.h>
#include <string.h>
#include "sample.h"
int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *end = argv[i] + strlen(argv[i]);
        size_t length;
        for (const char *word = NEXT(argv[i], end, &length); word; word = NEXT(word + length, end, &length)) {
            printf("%d ", sample_token(word, length));
        }
        printf("\n");
    }
    return 0;
}
"""


def reader(vocabulary: Vocabulary | None, every_step: bool = True) -> QuantizedNetwork:
    layers = [("embedding", {"entries": len(WORDS), "units": 6}), ("gru", 8), ("pool", {"over": "mean"})]
    network = replace(random_network(3, 1, layers, 3, 12, every_step), vocabulary=vocabulary)  # type: ignore[arg-type]
    return quantize(network, random_frames(network))


@pytest.mark.parametrize("kind", ["words", "characters"])
def test_c_finds_the_numbers_that_python_finds(kind: str, tmp_path: Path) -> None:
    entries = WORDS if kind == "words" else ("<unk>", "a", "i", "ï", '"', "?", "\\", "\t", "é")
    quantized = reader(Vocabulary(kind, entries))  # type: ignore[arg-type]
    assert quantized.network.vocabulary is not None
    folder = target("c").export(quantized.network, quantized, "step", "int8", tmp_path)
    (tmp_path / "main.c").write_text(MAIN)
    files = [str(path) for path in (tmp_path / "main.c", *folder.glob("*.c"))]
    following = f"-DNEXT=ernn_next_{kind.removesuffix('s')}"
    command = [*compiler.find().command, *STRICT, following, f"-I{folder}", *files, "-o", str(tmp_path / "main")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    printed = subprocess.run([tmp_path / "main", *LINES], capture_output=True, text=True, check=True).stdout
    found = [list(map(int, line.split())) for line in printed.splitlines()]
    split = [tokens.split(line, quantized.network.vocabulary.kind) for line in LINES]
    assert found == [tokens.encode(quantized.network.vocabulary, words, 99).tolist() for words in split]


def test_the_vocabulary_is_in_every_file(tmp_path: Path) -> None:
    vocabulary = Vocabulary("words", WORDS, "end")
    quantized = reader(vocabulary)
    wanted = {"kind": "words", "entries": list(WORDS), "keep": "end", "case": "fold", "padded": False}
    for form in ("step", "sequence"):
        path = target("tflite").export(quantized.network, quantized, form, "int8", tmp_path)  # type: ignore[arg-type]
        assert describe(path).metadata["vocabulary"] == wanted
        path = target("onnx").export(quantized.network, quantized, form, "float32", tmp_path)  # type: ignore[arg-type]
        (found,) = (one.value for one in onnx.load(path).metadata_props if one.key == "edgernn")
        assert json.loads(found)["vocabulary"] == wanted
    networks.save(quantized.network, tmp_path / "n.npz")
    networks.save_quantized(quantized, tmp_path / "q.npz")
    assert networks.load(tmp_path / "n.npz").vocabulary == vocabulary
    assert networks.load_quantized(tmp_path / "q.npz").network.vocabulary == vocabulary


def test_a_file_of_before_vocabularies_had_a_case_still_loads(tmp_path: Path) -> None:
    """Its texts are read in lower case, as they were then."""
    networks.save(reader(Vocabulary("words", WORDS)).network, tmp_path / "n.npz")
    header, arrays = archive.load(tmp_path / "n.npz")
    del header["vocabulary"]["case"]
    archive.save(tmp_path / "n.npz", header, arrays)
    assert networks.load(tmp_path / "n.npz").vocabulary == Vocabulary("words", WORDS, case="fold")


def test_a_network_without_a_vocabulary_keeps_its_files(tmp_path: Path) -> None:
    quantized = reader(None)
    folder = target("c").export(quantized.network, quantized, "step", "int8", tmp_path)
    assert not [path.name for path in folder.iterdir() if "token" in path.name or "text" in path.name]
    assert "ernn_token" not in (folder / "sample.c").read_text() + (folder / "sample.h").read_text()
    path = target("tflite").export(quantized.network, quantized, "step", "int8", tmp_path)
    assert "vocabulary" not in describe(path).metadata


@pytest.mark.parametrize(
    ("engine_name", "exact"), [("float", 1e-14), ("integer", 0), ("c", 0), ("litert", 0), ("onnxruntime", 1e-5)]
)
def test_a_text_alone_is_what_it_is_in_a_padded_batch(engine_name: str, exact: float, tmp_path: Path) -> None:
    """Every text of a batch, whatever follows it there, and by itself; in float64 but for the last bits."""
    quantized = reader(Vocabulary("words", WORDS))
    said = [f"the {'film ' * (i % 9)}{WORDS[1 + i % 9]} w{i}" for i in range(30)]
    rows = [Text(text, ("x", "y", "z")[i % 3], "", "") for i, text in enumerate(said)]
    section = FileText(source="text", path="x.csv", text="t", label="l", steps=12, vocabulary=len(WORDS))
    train = texts.split(rows, section, 0).train
    assert train.lengths is not None
    assert len(set(train.lengths.tolist())) > 3
    whole = run(engine_name, quantized, train.x, tmp_path / "whole")
    dirty = np.where(np.arange(12)[None, :, None] < train.lengths[:, None, None], train.x, 5).astype(np.float32)
    for batch in (whole, run(engine_name, quantized, dirty, tmp_path / "dirty")):
        for index, length in enumerate(train.lengths):
            alone = run(engine_name, quantized, train.x[index : index + 1, :length], tmp_path / "alone")
            np.testing.assert_allclose(final(batch, train.ends())[index], alone[0, -1], rtol=exact)


def run(name: str, quantized: QuantizedNetwork, x: np.ndarray, folder: Path) -> np.ndarray:
    """Outputs after every step, [texts, steps, outputs]."""
    network: Network = quantized.network
    if name == "float":
        return reference.float_outputs(network, x)
    if name == "integer":
        return reference.integer_outputs(quantized, reference.quantize_input(quantized, x))
    artifact = ARTIFACTS[name]
    path = folder / artifact_name(artifact)
    if not path.exists():
        target(artifact.target).export(network, quantized, artifact.form, artifact.precision, folder)
    return engine(name).open(path, artifact.form, 1).outputs(x)


RECIPE = """
name: said
data: {source: text, path: x.csv, text: t, label: l, vocabulary: 500}
network: {layers: [embedding: {units: 4}, gru: {units: 4}, dense: {}]}
"""
REFUSED = {
    "few entries": (("{units: 4}, gru", "{units: 4, entries: 100}, gru"), "entries for 100; leave entries out"),
    "no embedding": (("embedding: {units: 4}, gru", "gru"), "begin with an embedding"),
    "both directions": (("gru: {units: 4}", "gru: {units: 4, bidirectional: true}"), "add data.pad: true"),
    "a column twice": (("label: l", "label: t"), "has t twice"),
    "a misspelt key": (("vocabulary", "vocabluary"), "did you mean data.vocabulary"),
    "shares": (("vocabulary: 500", "split: {test: 0.6, validation: 0.4}"), "leave train too little"),
    "a forest": (("name: said", "name: said\nverify: {baseline: random_forest}"), "tfidf_logistic"),
    "no texts": (
        ("{source: text, path: x.csv, text: t, label: l, vocabulary: 500}", "{source: npz, path: x.npz}"),
        "needs entries in network.layers.0.embedding",
    ),
    "a forecast of words": (("name: said", "name: said\nverify: {metric: rmse}"), "accuracy"),
}


def written(folder: Path, old: str = "", new: str = "") -> Path:
    assert old in RECIPE
    (folder / "r.yaml").write_text(RECIPE.replace(old, new, 1) if old else RECIPE)
    return folder / "r.yaml"


def test_a_recipe_of_texts_has_its_defaults(tmp_path: Path) -> None:
    found = recipe.load(written(tmp_path))
    assert found.baselines == ("tfidf_logistic",)
    assert found.network.stack(2, 321)[0].options.entries == 321
    (tmp_path / "again.yaml").write_text(recipe.dump(found))
    assert recipe.load(tmp_path / "again.yaml") == found


@pytest.mark.parametrize("fault", REFUSED)
def test_what_does_not_fit_texts_is_refused(fault: str, tmp_path: Path) -> None:
    (old, new), message = REFUSED[fault]
    with pytest.raises(InputError) as caught:
        recipe.load(written(tmp_path, old, new))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("told", "least", "most"), [(True, 0.9, 1.0), (False, 0.35, 0.65)], ids=["true", "shuffled"]
)
def test_labels_that_say_nothing_are_not_learned(told: bool, least: float, most: float, tmp_path: Path) -> None:
    """Texts say their label in one word; when labels are shuffled, what is learned is no better than chance."""
    from edgernn import train

    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 800)
    said = labels if told else rng.permutation(labels)
    rows = []
    for i, label in enumerate(labels):
        words = [str(word) for word in rng.choice(["film", "plot", "star", f"own{i}"], 8)]
        words[rng.integers(8)] = ("bad", "good")[label]
        rows.append(Text(" ".join(words), ("no", "yes")[said[i]], "", ""))
    path = written(tmp_path, "name: said", "name: said\ntrain: {epochs: 6, learning_rate: 0.02, made_texts: 0.5}")
    plan = recipe.load(path)
    splits = texts.split(rows, plan.data, 0)  # type: ignore[arg-type]
    network = train.fit(plan, splits, tmp_path / "out", True)
    outputs = final(reference.float_outputs(network, splits.test.x), splits.test.ends())
    assert least <= np.mean(outputs.argmax(axis=1) == splits.test.y) <= most


def test_a_prepared_token_survives_many_runs(tmp_path: Path) -> None:
    """The arena of TFLM reuses the memory of inputs: what a run leaves there names no row of the table."""
    pytest.importorskip("tflite_micro")
    quantized = reader(Vocabulary("words", WORDS))
    path = target("tflite").export(quantized.network, quantized, "step", "int8", tmp_path)
    session = engine("tflm").open(path, "step", 1)
    session.prepare(np.full((1, 1), 9, np.float32))
    for _ in range(5):
        session.invoke()
    fresh = engine("tflm").open(path, "step", 1).outputs(np.full((1, 1, 1), 9, np.float32))
    np.testing.assert_array_equal(session.outputs(np.full((1, 1, 1), 9, np.float32)), fresh)


def test_a_linker_drops_the_words_that_nobody_asks_for(tmp_path: Path) -> None:
    quantized = reader(Vocabulary("words", WORDS))
    folder = target("c").export(quantized.network, quantized, "step", "int8", tmp_path)
    held = {}
    for name, call in (("asks", 'sample_token("film", 4)'), ("asks_not", "1")):
        main = f'#include "sample.h"\nint main(void) {{ return {call}; }}\n'
        (tmp_path / f"{name}.c").write_text(main)
        command = [*compiler.find().command, "-Os", "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"]
        files = [str(path) for path in (tmp_path / f"{name}.c", *folder.glob("*.c"))]
        subprocess.run([*command, f"-I{folder}", *files, "-o", str(tmp_path / name)], check=True)
        held[name] = b"na\xc3\xafve\0" in (tmp_path / name).read_bytes()
    assert held == {"asks": True, "asks_not": False}


def test_padded_texts_have_one_length_and_a_network_in_both_directions(tmp_path: Path) -> None:
    """What it says of a text depends on that text alone: all are padded to the same steps."""
    path = written(tmp_path, "vocabulary: 500}", "vocabulary: 500, pad: true, steps: 7}")
    path.write_text(path.read_text().replace("gru: {units: 4}", "gru: {units: 4, bidirectional: true}"))
    rows = [f"{'good' if i % 2 else 'bad'} film{' really' * (i % 5)} n{i},{'yn'[i % 2]}" for i in range(40)]
    (tmp_path / "x.csv").write_text("\n".join(["t,l", *rows]))
    plan = recipe.load(path)
    splits = datasets.load(plan.data, tmp_path, 0)
    assert splits.train.lengths is None
    assert splits.vocabulary is not None
    assert splits.vocabulary.padded
    known = splits.vocabulary.numbers
    for row, text in zip(splits.test.x[:, :, 0], splits.test.text.tolist(), strict=True):
        words = [known.get(word, 0) for word in text.split()]
        assert row.tolist() == [*[0] * (7 - len(words)), *words]
