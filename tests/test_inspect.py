"""What `inspect` shows of real artifacts, and what it says of files that are none."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from ai_edge_litert.interpreter import Interpreter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from networks import random_frames, random_network
from onnx import helper, numpy_helper
from rich.console import Console

from edgernn import inspect as inspection
from edgernn.cells import CELLS
from edgernn.errors import InputError
from edgernn.inspect import inspect, table
from edgernn.inspect.anatomy import Constant
from edgernn.inspect.layers import gates_of
from edgernn.network import Network, QuantizedNetwork, save, save_quantized
from edgernn.quantize import quantize
from edgernn.targets import Combination, supported, target

COMBINATIONS = sorted(supported())
INTEGER_TFLITE = [c for c in COMBINATIONS if c.target == "tflite" and c.precision not in ("float32", "dynamic")]
FILES = {
    ".tflite": Combination("tflite", "sequence", "int8"),
    ".onnx": Combination("onnx", "step", "int8"),
    ".npz": None,
}
SMALLEST = 0.1  # weights below it are zeros: the others are far from zero in any integer type too


@cache
def networks(granularity: str = "row") -> tuple[Network, QuantizedNetwork]:
    """A network of all cells with zeros in its matrices."""
    network = random_network(cells=[(kind, 8) for kind in CELLS], outputs=3)
    for layer in network.layers:
        for weight in layer.weights:
            weight[np.abs(weight) < SMALLEST] = 0
    frames = (random_frames(network) - network.mean) / network.std
    return network, quantize(network, frames, granularity=granularity)


@cache
def artifact(combination: Combination, folder: Path) -> Path:
    return target(combination.target).export(*networks(), combination.form, combination.precision, folder)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("artifacts")


@cache
def bytes_of(suffix: str, folder: Path) -> bytes:
    combination = FILES[suffix]
    if combination is not None:
        return artifact(combination, folder).read_bytes()
    save_quantized(networks()[1], folder / "quantized.npz")
    return (folder / "quantized.npz").read_bytes()


def matrices(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in found["constants"] if row["role"] == "weight" and len(row["shape"]) > 1]


def share_of_zeros(arrays: list[np.ndarray]) -> float:
    return sum(int((array == 0).sum()) for array in arrays) / sum(array.size for array in arrays)


def by_gate(network: Network, layer: str, name: str) -> dict[str, float]:
    """The share of numbers other than zero in the gates of a matrix in Keras's layout, [inputs, gates x units]."""
    found = next(each for each in network.layers if each.name == layer)
    gates = CELLS[found.kind].GATES
    parts = np.split(found.weights["recurrent" in name], len(gates), axis=1)
    return {gate: float((part != 0).mean()) for gate, part in zip(gates, parts, strict=True)}


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        inspect(path)
    message = str(caught.value)
    assert path.name in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("combination", COMBINATIONS, ids="-".join)
def test_the_sections_are_the_whole_artifact(combination: Combination, folder: Path) -> None:
    path = artifact(combination, folder)
    found = inspect(path)
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    assert found["bytes"] == sum(file.stat().st_size for file in files)
    assert sum(found["sections"].values()) == found["bytes"]
    assert min(found["sections"].values()) >= 0
    assert (found["target"], found["name"]) == (combination.target, "sample")
    assert found["precision"] == combination.precision
    assert found["form"] == ("both" if combination.target == "c" else combination.form)
    if not path.is_dir():
        assert found["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert sum(operator["count"] for operator in found["operators"]) > 5
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize("combination", COMBINATIONS, ids="-".join)
def test_every_layer_is_there_with_its_zeros(combination: Combination, folder: Path) -> None:
    network, _ = networks()
    found = inspect(artifact(combination, folder))
    rows = {row["name"]: row for row in found["layers"]}
    assert list(rows) == [layer.name for layer in network.layers]
    for layer in network.layers:
        own = [value for value in layer.constants().values() if value.ndim == 2]
        assert rows[layer.name]["sparsity"] == pytest.approx(share_of_zeros(own))
        assert rows[layer.name]["parameters"] >= sum(value.size for value in own)
    everything = [value for value in network.constants().values() if value.ndim == 2]
    assert found["sparsity"] == pytest.approx(share_of_zeros(everything))
    weights = found["float_weight_bytes"], found["integer_weight_bytes"]
    size = sum(value.size for value in everything)
    assert weights == ((4 * size, 0) if combination.precision == "float32" else (0, size))


@pytest.mark.parametrize("combination", COMBINATIONS, ids="-".join)
def test_the_density_is_that_of_each_gate(combination: Combination, folder: Path) -> None:
    network, _ = networks()
    dense = [row for row in inspect(artifact(combination, folder))["constants"] if row["density"]]
    for row in dense:
        truth = by_gate(network, row["layer"], row["name"])
        assert row["density"] == pytest.approx({gate: truth[gate] for gate in row["density"]})
    gates = {(row["layer"], gate) for row in dense for gate in row["density"]}
    known = {(layer.name, gate) for layer in network.layers if layer.recurrent for gate in CELLS[layer.kind].GATES}
    assert gates == {(layer, gate) for layer, gate in known if gate}


@pytest.mark.parametrize(
    ("name", "gates"),
    [
        ("kernel_zr", "zr"),
        ("forward/recurrent_kernel_g", "g"),
        ("recurrent_kernel_ifo", "ifo"),
        ("kernel", ""),
        ("recurrent_kernel", ""),
        ("score", ""),
        ("bias_zr", ""),
    ],
)
def test_gates_are_read_off_the_names_of_matrices(name: str, gates: str) -> None:
    assert "".join(gates_of(Constant("rnn", name, np.ones((12, 4))))) == gates


@pytest.mark.parametrize("combination", INTEGER_TFLITE, ids="-".join)
def test_litert_sees_the_same_tensors(combination: Combination, folder: Path) -> None:
    path = artifact(combination, folder)
    interpreter = Interpreter(model_path=str(path))
    signature = interpreter.get_signature_runner()
    details = signature.get_output_details() | signature.get_input_details()
    tensors = [row for row in inspect(path)["tensors"] if row["role"] != "carried"]
    assert {row["name"] for row in tensors} == {name for name in details if not name.endswith(".next")}
    for row in tensors:
        truth = details[row["name"]]
        assert row["shape"] == list(truth["shape"])
        assert row["dtype"] == np.dtype(truth["dtype"]).name
        assert (row["scale"], row["zero_point"]) == truth["quantization"]


@pytest.mark.parametrize("combination", INTEGER_TFLITE, ids="-".join)
def test_scales_and_zeros_are_those_of_the_quantised_network(combination: Combination, folder: Path) -> None:
    _, quantized = networks()
    rows = {f"{row['layer']}/{row['name']}": row for row in inspect(artifact(combination, folder))["constants"]}
    for name, weight in quantized.weights.items():
        scales = quantized.scales[name].astype(np.float32)
        assert rows[name]["zeros"] == weight.size - np.count_nonzero(weight)
        assert rows[name]["scale"] == [scales.min(), scales.max()]
        assert rows[name]["shape"] == list(weight.shape)


def test_a_loop_carries_the_states(folder: Path) -> None:
    """Their types are those of the step model's states."""
    loop, step = (inspect(artifact(Combination("tflite", form, "int8"), folder)) for form in ("sequence", "step"))
    kept = ("shape", "dtype", "scale", "zero_point")
    carried = [[row[key] for key in kept] for row in loop["tensors"] if row["role"] == "carried"]
    states = [[row[key] for key in kept] for row in step["tensors"] if row["role"] == "state"]
    assert states
    assert carried[: len(states)] == states


@pytest.mark.parametrize("combination", [c for c in COMBINATIONS if c.target == "onnx"], ids="-".join)
def test_onnx_sees_the_same_ports_and_constants(combination: Combination, folder: Path) -> None:
    path = artifact(combination, folder)
    found, graph = inspect(path), onnx.load(path).graph
    ports = {port.name: port.type.tensor_type for port in (*graph.output, *graph.input)}
    assert {row["name"] for row in found["tensors"] if row["role"] in ("input", "state")} == {
        port.name for port in graph.input
    }
    for row in found["tensors"]:
        if row["role"] != "carried":
            own = ports[row["name"]]
            assert row["dtype"] == helper.tensor_dtype_to_np_dtype(own.elem_type).name
            assert row["shape"] == [d.dim_param or d.dim_value for d in own.shape.dim]
    bodies = [a.g for node in graph.node for a in node.attribute if a.HasField("g")]
    arrays = [numpy_helper.to_array(tensor) for own in (graph, *bodies) for tensor in own.initializer]
    for row in matrices(found):
        assert any(
            list(array.shape) == row["shape"]
            and np.count_nonzero(array == (128 if array.dtype == np.uint8 else 0)) == row["zeros"]
            for array in arrays
        )


def test_the_states_of_c_are_those_of_its_struct(folder: Path) -> None:
    path = artifact(Combination("c", "step", "int8"), folder)
    found = inspect(path)
    states = [row for row in found["tensors"] if row["role"] == "state"]
    size = re.search(r"_STATE_BYTES (\d+)", (path / "sample.h").read_text())
    assert size is not None
    assert sum(int(np.prod(row["shape"])) * np.dtype(row["dtype"]).itemsize for row in states) == int(size[1])
    types = {row["name"]: (row["scale"], row["zero_point"]) for row in found["tensors"]}
    header = (path / "sample.h").read_text()
    for port in ("input", "output"):
        scale = re.search(rf"_{port.upper()}_SCALE (\S+)f", header)
        assert scale is not None
        assert types[port][0] == float(scale[1])


@pytest.mark.toolchain
def test_the_constants_of_c_take_that_much_flash(folder: Path, tmp_path: Path) -> None:
    """The compiler's sizes of the arrays: all symbols of read-only data but the tables of labels and structs."""
    path = artifact(Combination("c", "step", "int8"), folder)
    subprocess.run(["gcc", "-c", "-O0", *map(str, sorted(path.glob("*.c")))], cwd=tmp_path, check=True)
    symbols = subprocess.run(
        ["nm", "-S", *map(str, sorted(tmp_path.glob("*.o")))], capture_output=True, text=True, check=True
    ).stdout
    sizes = re.findall(r"^\w+ (\w+) [rR] (\w+(?<!_labels))$", symbols, re.MULTILINE)
    arrays = sum(int(size, 16) for size, _ in sizes)
    flash = inspect(path)["flash_constants"]
    assert flash["total"] == sum(size for name, size in flash.items() if name != "total")
    labels = sum(len(label.encode()) + 1 for label in networks()[0].labels)
    assert flash["metadata"] == labels
    assert flash["total"] - labels == arrays


@pytest.mark.parametrize("quantised", [False, True], ids=["network", "quantized"])
def test_a_network_file_holds_its_arrays(quantised: bool, tmp_path: Path) -> None:
    network, quantized = networks()
    path = tmp_path / "file.npz"
    save_quantized(quantized, path) if quantised else save(network, path)
    found = inspect(path)
    assert json.loads(json.dumps(found)) == found
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files if name != "header.json"}
    layers = [(row["name"], row["kind"], row["units"]) for row in found["layers"]]
    assert layers == [(layer.name, layer.kind, layer.outputs) for layer in network.layers]
    assert [row["sparsity"] for row in found["layers"]] == pytest.approx([each.sparsity for each in network.layers])
    assert sum(found["sections"].values()) == found["bytes"] == path.stat().st_size
    weights = sum(array.nbytes for name, array in arrays.items() if name.startswith(("weight:", "int8:")))
    assert found["sections"]["weights"] + found["sections"]["biases"] == weights
    assert found["sections"]["scales"] == sum(a.nbytes for name, a in arrays.items() if name.startswith("scale:"))
    states = [row["name"] for row in found["tensors"] if row["role"] == "state"]
    assert states == [state.name for state in network.program().states]
    assert [row["range"] for row in found["tensors"]] == (
        [list(quantized.ranges[name]) for name in ("input", *states, network.program().output)]
        if quantised
        else [None] * (len(states) + 2)
    )


def test_the_docstring_names_every_key(folder: Path) -> None:
    found = inspect(artifact(Combination("c", "step", "int8"), folder))
    rows = [row[0] for row in found.values() if isinstance(row, list)]
    keys = {key for row in (found, *rows, found["sections"]) for key in row}
    assert {key for key in keys if f"`{key}`" not in (inspection.__doc__ or "")} == set()


def test_all_kinds_of_files_give_the_same_keys(folder: Path) -> None:
    bytes_of(".npz", folder)
    files = [artifact(Combination("c", "step", "int8"), folder), folder / "quantized.npz"]
    files += [artifact(combination, folder) for combination in FILES.values() if combination]
    found = [inspect(path) for path in files]
    assert len({tuple(each) for each in found}) == 1
    assert len({tuple(row) for each in found for row in each["constants"]}) == 1
    assert len({tuple(row) for each in found for row in each["tensors"]}) == 1
    assert len({tuple(sorted(each["sections"])) for each in found}) == 1


def test_the_tables_show_all_parts(folder: Path) -> None:
    path = artifact(FILES[".onnx"] or COMBINATIONS[0], folder)
    console = Console(width=200, color_system=None)
    with console.capture() as capture:
        console.print(table(inspect(path)))
    lines = capture.get().splitlines()
    assert lines[0].startswith(f"{path}: sample, step, int8, {path.stat().st_size} bytes, ")
    assert any("Sigmoid" in line and "integer" in line for line in lines)
    titles = ("Layers", "Weights and biases", "Inputs, outputs, states", "Operators", "Size by section")
    assert [line for line in lines if line in titles] == list(titles)
    last = next(line for line in reversed(lines) if line.strip())
    assert last.split() == ["total", str(path.stat().st_size)]


@pytest.mark.parametrize("suffix", FILES)
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(suffix: str, share: float, folder: Path, tmp_path: Path) -> None:
    whole = bytes_of(suffix, folder)
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(whole[: int(share * len(whole))])
    refusal(path)


@pytest.mark.parametrize("suffix", FILES)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_refused_or_read(
    suffix: str, data: st.DataObject, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytearray(bytes_of(suffix, folder))
    places = st.integers(0, len(content) - 1)
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=8)):
        content[place] = value
    path = tmp_path_factory.getbasetemp() / f"damaged{suffix}"
    path.write_bytes(content[: data.draw(st.one_of(st.just(len(content)), places))])
    with contextlib.suppress(InputError):
        assert inspect(path)["target"] == suffix[1:]


@pytest.mark.parametrize("share", [0.2, 0.6])
def test_a_truncated_source_is_refused_or_read(share: float, tmp_path: Path) -> None:
    path = target("c").export(*networks(), "step", "int8", tmp_path)
    header = (path / "sample.h").read_text()
    (path / "sample.h").write_text(header[: int(share * len(header))])
    with contextlib.suppress(InputError):
        assert sum(inspect(path)["sections"].values()) == inspect(path)["bytes"]


def test_a_folder_without_c_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "holds 0 models" in refusal(tmp_path / "empty")


def test_a_model_that_edgernn_did_not_write_is_refused(tmp_path: Path) -> None:
    ports = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in ("x", "y")]
    for operator, fault in (
        ("Softsign", "other.onnx holds Softsign, which edgernn does not write"),
        ("Tanh", f"{tmp_path / 'other.onnx'} was not written by edgernn: it has no edgernn metadata"),
    ):
        graph = helper.make_graph([helper.make_node(operator, ["x"], ["y"])], "g", ports[:1], ports[1:])
        onnx.save(helper.make_model(graph), tmp_path / "other.onnx")
        assert refusal(tmp_path / "other.onnx") == fault


def test_arrays_that_are_no_network_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    refusal(tmp_path / "other.npz")


@pytest.mark.parametrize("name", ["model.txt", "model", "model.c"])
def test_a_file_of_another_kind_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("x")
    assert "is no artifact" in refusal(tmp_path / name)
