from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from networks import random_frames, random_network

from edgernn.errors import ExportError, InputError
from edgernn.network import Network, QuantizedNetwork
from edgernn.quantize import quantize
from edgernn.targets import Combination, audit, tflite

ALL = sorted(tflite.SUPPORTED)


def built(
    state: str = "int16", cells: tuple[tuple[str, int], ...] = (("gru", 16),)
) -> tuple[Network, QuantizedNetwork]:
    network = random_network(cells=cells)
    frames = random_frames(network)
    return network, quantize(network, (frames - network.mean) / network.std, state)  # type: ignore[arg-type]


@pytest.mark.parametrize(("form", "precision"), ALL)
def test_the_same_network_gives_the_same_bytes(tmp_path: Path, form: str, precision: str) -> None:
    network, quantized = built()
    first = tflite.export(network, quantized, form, precision, tmp_path / "a")  # type: ignore[arg-type]
    second = tflite.export(network, quantized, form, precision, tmp_path / "b")  # type: ignore[arg-type]
    assert first.read_bytes() == second.read_bytes()


def test_a_step_model_names_its_states(tmp_path: Path) -> None:
    network, quantized = built(cells=(("gru", 5), ("gru", 3)))
    found = tflite.describe(tflite.export(network, quantized, "step", "int8", tmp_path))
    assert [port.name for port in found.inputs] == ["input", "gru_0.h", "gru_1.h"]
    assert [port.name for port in found.outputs] == ["output", "gru_0.h.next", "gru_1.h.next"]
    assert [port.shape for port in found.inputs] == [(1, 6), (1, 5), (1, 3)]
    assert [port.qtype for port in found.inputs[1:]] == [port.qtype for port in found.outputs[1:]]


def test_metadata_carries_labels_and_preprocessing(tmp_path: Path) -> None:
    network, quantized = built()
    found = tflite.describe(tflite.export(network, quantized, "sequence", "int8", tmp_path)).metadata
    assert found["labels"] == list(network.labels)
    np.testing.assert_array_equal(np.array(found["mean"], np.float32), network.mean)
    np.testing.assert_array_equal(np.array(found["std"], np.float32), network.std)
    assert (found["form"], found["precision"], found["steps"]) == ("sequence", "int8", 20)


@pytest.mark.parametrize("state", ["int8", "int16"])
@pytest.mark.parametrize("form", ["sequence", "step"])
def test_an_int8_file_is_integer_throughout(tmp_path: Path, form: str, state: str) -> None:
    network, quantized = built(state)
    path = tflite.export(network, quantized, form, "int8", tmp_path)  # type: ignore[arg-type]
    content = audit(Combination("tflite", form, "int8"), path)  # type: ignore[arg-type]
    assert {op.arithmetic for op in content.operators} == {"integer", "none"}
    assert content.float_weight_bytes == 0
    assert content.integer_weight_bytes == network.macs_per_step  # one byte a weight, no weight twice


def test_float_in_an_int8_file_is_an_error(tmp_path: Path) -> None:
    network, quantized = built()
    path = tflite.export(network, quantized, "step", "float32", tmp_path)
    with pytest.raises(ExportError, match="is not int8: float operators"):
        audit(Combination("tflite", "step", "int8"), path)


def test_a_dynamic_file_without_integer_weights_is_an_error(tmp_path: Path) -> None:
    network, quantized = built()
    path = tflite.export(network, quantized, "sequence", "float32", tmp_path)
    with pytest.raises(ExportError, match="has no int8 weights"):
        audit(Combination("tflite", "sequence", "dynamic"), path)


def test_an_operator_that_is_not_in_the_list_is_an_error(tmp_path: Path) -> None:
    network, quantized = built()
    path = tflite.export(network, quantized, "step", "float32", tmp_path)
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes()))
    model.operatorCodes[0].builtinCode = model.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.COS
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    with pytest.raises(ExportError, match="holds COS, which edgernn does not write"):
        tflite.content(path)


def test_tensor_data_is_aligned_to_16_bytes(tmp_path: Path) -> None:
    network, quantized = built()
    path = tflite.export(network, quantized, "sequence", "int8", tmp_path)
    content = path.read_bytes()
    model = schema.Model.GetRootAs(content)
    for index in range(model.BuffersLength()):
        data = model.Buffers(index).DataAsNumpy()
        if isinstance(data, np.ndarray) and len(data):
            start = (
                data.__array_interface__["data"][0]
                - np.frombuffer(content, np.uint8).__array_interface__["data"][0]
            )
            assert start % 16 == 0


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.tflite").write_bytes(json.dumps({}).encode() * 9)
    with pytest.raises(InputError, match="is not a TFLite file"):
        tflite.content(tmp_path / "x.tflite")
    with pytest.raises(InputError, match="No such file"):
        tflite.content(tmp_path / "y.tflite")
