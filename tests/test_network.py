from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from networks import STACKS, random_network, stack_network

from edgernn import archive
from edgernn import network as networks
from edgernn.decide import WordRule
from edgernn.errors import InputError
from edgernn.features.log_mel import LogMel
from edgernn.network import KINDS, Channel, Form, Times
from edgernn.quantize import quantize
from edgernn.targets import metadata, target
from edgernn.targets.tflite.content import describe


def test_a_network_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    network = random_network(cells=[("gru", 5), ("gru", 3)])
    networks.save(network, tmp_path / "n.npz")
    loaded = networks.load(tmp_path / "n.npz")
    assert loaded.program() == network.program()
    assert (loaded.name, loaded.labels, loaded.channels, loaded.steps) == (
        "sample",
        network.labels,
        network.channels,
        20,
    )
    for a, b in zip(loaded.layers, network.layers, strict=True):
        for left, right in zip(a.weights, b.weights, strict=True):
            np.testing.assert_array_equal(left, right)


def test_what_channels_mean_travels_with_the_network_and_its_files(tmp_path: Path) -> None:
    encoding = (
        Channel("heat", "value", "heat", missing=2.5),
        Channel("heat known", "mask", "heat"),
        Channel("mode=a */", "category", "mode", "a */"),
        Channel("gap", "gap", "", unit="days"),
        Channel("known sick=yes", "answer", "sick", "yes", unit="days", after=14.0),
    )
    names = tuple(one.name for one in encoding)
    network = replace(random_network(inputs=5), channels=names, encoding=encoding)
    networks.save(network, tmp_path / "n.npz")
    assert networks.load(tmp_path / "n.npz").encoding == encoding

    quantized = quantize(network, np.random.default_rng(0).normal(size=(4, 20, 5)))
    told = [asdict(one) for one in encoding]
    lite = target("tflite").export(network, quantized, "step", "int8", tmp_path)
    assert describe(lite).metadata["encoding"] == told
    graph = onnx.load(target("onnx").export(network, quantized, "step", "int8", tmp_path))
    assert json.loads(graph.metadata_props[0].value)["encoding"] == told
    header = (target("c").export(network, quantized, "step", "int8", tmp_path) / "sample.h").read_text()
    assert " *   [0] heat: heat; where missing the last known one, before any 2.5\n" in header
    assert " *   [2] mode=a * /: 1 where mode is a * /, else 0\n" in header
    assert " *   [3] gap: log(1 + days since the event before), 0 for the first\n" in header
    assert "sick was yes at the latest event 14 days ago or longer, else 0\n" in header


def test_what_a_series_and_a_recording_become_travels_with_the_network_and_its_files(tmp_path: Path) -> None:
    encoding = (
        Channel("load", "measured", "load"),
        Channel("heat", "measured", "T*/"),
        Channel("week_cos", "calendar", "when", cycle="week", wave="cos"),
        Channel("load 144 before", "lag", "load", frames=144),
    )
    names = tuple(one.name for one in encoding)
    made = {"encoding": encoding, "times": Times("when", 3600.0), "every": 3, "hold": 2}
    network = replace(random_network(inputs=4), channels=names, **made)
    networks.save(network, tmp_path / "n.npz")
    loaded = networks.load(tmp_path / "n.npz")
    assert (loaded.encoding, loaded.times, loaded.every, loaded.hold) == (*made.values(),)

    quantized = quantize(network, np.random.default_rng(0).normal(size=(4, 20, 4)))
    told = made | {"encoding": [asdict(one) for one in encoding], "times": asdict(network.times or Times(""))}
    lite = describe(target("tflite").export(network, quantized, "step", "int8", tmp_path)).metadata
    graph = onnx.load(target("onnx").export(network, quantized, "step", "int8", tmp_path))
    for about in (lite, json.loads(graph.metadata_props[0].value)):
        assert {name: about[name] for name in told} == told
    header = (target("c").export(network, quantized, "step", "int8", tmp_path) / "sample.h").read_text()
    assert " *   [0] load: as measured\n" in header
    assert " *   [1] heat: as measured, the column T* /\n" in header
    meaning = "cos(2 pi p), p the part of the week of when that has gone by since Monday 0:00"
    assert f" *   [2] week_cos: {meaning}\n" in header
    assert " *   [3] load 144 before: load 144 frames before\n" in header
    assert " * Frames are 3600 s apart. None in training reached across a gap: after one, reset" in header
    assert (
        "#define SAMPLE_EVERY 3 /* one frame in 3 of the recording is a step's frame, from the first on */"
        in header
    )
    assert " * A missing value or frame takes what was there before, for up to 2 frames; more of them are" in header
    assert "#define SAMPLE_HOLD 2 /* frames for which a missing value takes the one before */" in header


def test_older_files_say_nothing_of_a_series_or_a_recording(tmp_path: Path) -> None:
    network = random_network()
    networks.save(network, tmp_path / "n.npz")
    assert not {"encoding", "times", "every", "hold"} & archive.load(tmp_path / "n.npz")[0].keys()
    loaded = networks.load(tmp_path / "n.npz")
    assert (loaded.encoding, loaded.times, loaded.every, loaded.hold) == ((), None, 1, 0)
    quantized = quantize(network, np.random.default_rng(0).normal(size=(4, 20, 6)))
    header = (target("c").export(network, quantized, "step", "int8", tmp_path) / "sample.h").read_text()
    assert "_EVERY " not in header
    assert "_HOLD " not in header


def test_a_quantised_network_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    network = random_network()
    quantized = quantize(network, np.random.default_rng(0).normal(size=(4, 20, 6)), "int8", "row")
    networks.save_quantized(quantized, tmp_path / "q.npz")
    loaded = networks.load_quantized(tmp_path / "q.npz")
    networks.save_quantized(loaded, tmp_path / "again.npz")
    assert (tmp_path / "q.npz").read_bytes() == (tmp_path / "again.npz").read_bytes()
    assert loaded.ranges == quantized.ranges
    assert loaded.calibration == quantized.calibration


def test_parameters_are_counted_as_keras_counts_them() -> None:
    network = random_network(inputs=6, cells=[("gru", 16)], outputs=4)
    assert network.parameters == 3 * 16 * (6 + 16 + 2) + 16 * 4 + 4
    assert network.macs_per_step == 3 * 16 * (6 + 16) + 16 * 4


def test_sparsity_is_the_share_of_zeros_in_matrices() -> None:
    network = random_network()
    for layer in network.layers:
        for weight in layer.weights[:-1]:
            weight[: weight.shape[0] // 2] = 0
    assert network.sparsity == pytest.approx(0.5)


@pytest.mark.parametrize("name", STACKS)
def test_every_network_comes_back_as_it_was_saved(name: str, tmp_path: Path) -> None:
    network = stack_network(name)
    networks.save(network, tmp_path / "n.npz")
    loaded = networks.load(tmp_path / "n.npz")
    assert loaded.passes() == network.passes()
    assert {k: v.tobytes() for k, v in loaded.constants().items()} == {
        k: v.tobytes() for k, v in network.constants().items()
    }


def test_stacks_use_every_kind() -> None:
    assert {kind for stack in STACKS.values() for kind, _ in stack} == set(KINDS)


@pytest.mark.parametrize("name", STACKS)
def test_programs_read_every_constant(name: str) -> None:
    network = stack_network(name)
    ops = [op for one in network.passes() for program in one.programs for op in program.ops]
    assert {constant for op in ops for constant in (op.weight, op.bias) if constant} == set(network.constants())


def test_strides_multiply_to_the_frames_of_a_step() -> None:
    assert stack_network("two convs").frames_per_step == 2
    cells = [
        ("conv", {"units": 3, "kernel": 2, "stride": 2}),
        ("gru", 2),
        ("conv", {"units": 2, "kernel": 1, "stride": 3}),
    ]
    network = random_network(cells=cells)
    assert network.frames_per_step == 6
    assert network.program().sizes["input"] == 6 * network.inputs


def test_a_bidirectional_network_has_no_step() -> None:
    network = stack_network("gru, bidirectional")
    assert not network.streams
    with pytest.raises(ValueError, match="it needs the whole window"):
        network.program()


@pytest.mark.parametrize("load", [networks.load, networks.load_quantized])
@pytest.mark.parametrize(
    "header",
    [
        {},
        {"layers": None},
        {"layers": [{}]},
        {"layers": [{"kind": "gruu"}]},
        {"layers": [3]},
        {"layers": []},
        [],
        7,
    ],
)
def test_an_archive_with_another_header_is_refused(
    load: Callable[[Path], object], header: Any, tmp_path: Path
) -> None:
    archive.save(tmp_path / "n.npz", header, {"mean": np.ones(2)})
    with pytest.raises(
        InputError, match=r"n\.npz is not a .*network of this version .*; delete it and build again"
    ):
        load(tmp_path / "n.npz")


def test_a_float_network_is_no_quantised_one(tmp_path: Path) -> None:
    networks.save(random_network(), tmp_path / "n.npz")
    with pytest.raises(InputError, match=r"is not a quantised network of this version .it has no 'precisions'"):
        networks.load_quantized(tmp_path / "n.npz")


@pytest.mark.parametrize("change", ["weight:gru_0:1", "weight:dense_1:0", "mean"])
def test_a_network_that_lacks_an_array_is_refused(change: str, tmp_path: Path) -> None:
    networks.save(random_network(), tmp_path / "n.npz")
    header, arrays = archive.load(tmp_path / "n.npz")
    without = {name: value for name, value in arrays.items() if name != change}
    archive.save(tmp_path / "n.npz", header, without)
    with pytest.raises(InputError, match=f"it has no '{change}'"):
        networks.load(tmp_path / "n.npz")
    archive.save(tmp_path / "n.npz", header, {**arrays, change: np.ones(7, np.float32)})
    with pytest.raises(InputError, match="shape"):
        networks.load(tmp_path / "n.npz")


def test_another_npz_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.ones(2))
    with pytest.raises(InputError, match="cannot be read"):
        networks.load(tmp_path / "x.npz")


def test_features_and_the_rule_for_decisions_come_back(tmp_path: Path) -> None:
    constants = {"log_mel": asdict(LogMel(hop=320, mels=6))}
    network = replace(random_network(), features=constants, decide=WordRule(8, 0.7, 20))
    quantized = quantize(network, np.random.default_rng(0).normal(size=(4, 20, 6)), "int16", "row")
    networks.save(network, tmp_path / "n.npz")
    networks.save_quantized(quantized, tmp_path / "q.npz")
    for loaded in (networks.load(tmp_path / "n.npz"), networks.load_quantized(tmp_path / "q.npz").network):
        assert loaded.features is not None
        assert LogMel(**loaded.features["log_mel"]) == LogMel(hop=320, mels=6)  # type: ignore[arg-type]
        assert loaded.decide == WordRule(8, 0.7, 20)


def test_a_file_without_them_is_as_it_was_before_there_were_any(tmp_path: Path) -> None:
    networks.save(random_network(), tmp_path / "n.npz")
    header, _ = archive.load(tmp_path / "n.npz")
    assert not {"features", "decide"} & set(header)
    loaded = networks.load(tmp_path / "n.npz")
    assert (loaded.features, loaded.decide) == (None, None)


@pytest.mark.parametrize("form", ["sequence", "step"])
def test_every_artifact_tells_how_its_frames_are_made(form: Form) -> None:
    constants = {"log_mel": asdict(LogMel(hop=320, mels=6))}
    network = replace(random_network(), features=constants, decide=WordRule(8, 0.7, 20))
    told = metadata(network, form, "float32")
    assert told["features"] == constants
    assert told["decide"] == {"rule": "words", "smooth": 8, "threshold": 0.7, "refractory": 20}
    assert not {"features", "decide"} & set(metadata(random_network(), form, "float32"))
