"""What `inspect` shows of real artifacts, and what it says of files that are none."""

from __future__ import annotations

import contextlib
from functools import cache
from pathlib import Path

import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from networks import random_frames, random_network
from onnx import helper
from rich.console import Console

from edgernn.errors import InputError
from edgernn.inspect import inspect, table
from edgernn.quantize import quantize
from edgernn.targets import Combination, supported, target

FILES = {".tflite": Combination("tflite", "sequence", "int8"), ".onnx": Combination("onnx", "step", "int8")}


def exported(combination: Combination, folder: Path) -> Path:
    network = random_network(cells=[("gru", 4)], outputs=2)
    quantized = quantize(network, (random_frames(network) - network.mean) / network.std)
    return target(combination.target).export(network, quantized, combination.form, combination.precision, folder)


@cache
def bytes_of(suffix: str, folder: Path) -> bytes:
    return exported(FILES[suffix], folder).read_bytes()


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        inspect(path)
    message = str(caught.value)
    assert path.name in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("combination", sorted(supported()), ids="-".join)
def test_every_artifact_can_be_inspected(combination: Combination, tmp_path: Path) -> None:
    path = exported(combination, tmp_path)
    found = inspect(path)
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    assert found["bytes"] == sum(len(file.read_bytes()) for file in files)
    assert found["target"] == combination.target
    assert sum(operator["count"] for operator in found["operators"]) > 5
    assert bool(found["float_weight_bytes"]) == (combination.precision == "float32")
    assert bool(found["integer_weight_bytes"]) == (combination.precision != "float32")


def test_the_table_starts_with_the_artifact_on_one_line(tmp_path: Path) -> None:
    path = exported(FILES[".onnx"], tmp_path)
    console = Console(width=200, color_system=None)
    with console.capture() as capture:
        console.print(table(inspect(path)))
    lines = capture.get().splitlines()
    assert lines[0].startswith(f"{path}: {path.stat().st_size} bytes, weights ")
    assert any("Sigmoid" in line and "integer" in line for line in lines)


@pytest.mark.parametrize("suffix", FILES)
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(suffix: str, share: float, tmp_path: Path) -> None:
    whole = bytes_of(suffix, tmp_path)
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(whole[: int(share * len(whole))])
    refusal(path)


@pytest.mark.parametrize("suffix", FILES)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_refused_or_read(
    suffix: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    content = bytearray(bytes_of(suffix, folder))
    places = st.integers(0, len(content) - 1)
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=8)):
        content[place] = value
    path = folder / f"damaged{suffix}"
    path.write_bytes(content[: data.draw(st.one_of(st.just(len(content)), places))])
    with contextlib.suppress(InputError):
        assert inspect(path)["target"] == suffix[1:]


def test_a_folder_without_c_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "holds 0 models" in refusal(tmp_path / "empty")


def test_a_model_that_edgernn_did_not_write_is_refused(tmp_path: Path) -> None:
    ports = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Softsign", ["x"], ["y"])], "g", ports[:1], ports[1:])
    onnx.save(helper.make_model(graph), tmp_path / "other.onnx")
    assert refusal(tmp_path / "other.onnx") == "other.onnx holds Softsign, which edgernn does not write"


@pytest.mark.parametrize("name", ["model.txt", "model"])
def test_a_file_of_another_kind_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("x")
    assert "is no artifact" in refusal(tmp_path / name)
