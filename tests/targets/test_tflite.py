from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import interpreter
from ai_edge_litert import schema_py_generated as schema
from networks import STACKS, normalised, random_frames, random_network, stack_network

from edgernn import reference
from edgernn.engines import engine
from edgernn.errors import ExportError, InputError
from edgernn.lowering import WIDE_GATE_INT16, QType
from edgernn.network import Form, IntegerPrecision, Network, Precision, QuantizedNetwork, StateType
from edgernn.program import Builder
from edgernn.quantize import quantize
from edgernn.targets import Combination, audit, tflite
from edgernn.targets.tflite.flatbuffer import ModelWriter
from edgernn.targets.tflite.plan import Plan, Scope
from edgernn.targets.tflite.primitives import emit

ALL = sorted(tflite.SUPPORTED)
ENGINES = ("litert", "litert-ref", "tflm")
PRECISIONS: tuple[Precision, ...] = ("float32", "dynamic", "int8", "int16x8")
EVERY_STEP = ("gru", "conv", "embedding", "gru, bidirectional", "bidirectional, stacked")

# Largest difference from the float network as a share of its largest output. Measured on these networks, worst of
# the engines: float32 2.9e-7, dynamic 0.026, int8 0.044 (layers of both integer precisions 0.051), int16x8 0.017.
BUDGETS = {"float32": 1e-6, "dynamic": 0.04, "int8": 0.075, "int16x8": 0.03}


@cache
def sample(name: str, state: StateType = "int8") -> tuple[Network, QuantizedNetwork, np.ndarray]:
    """A network of a stack (those that end in `, every step` give all outputs), quantised, and two windows."""
    stack = name.removesuffix(", every step")
    network = stack_network(stack, steps=12, every_step=name != stack)
    streams = random_frames(network, 16)
    return network, quantize(network, normalised(network, streams), state), streams[:2]


def outputs(
    network: Network,
    quantized: QuantizedNetwork,
    frames: np.ndarray,
    case: tuple[Form, Precision, str],
    folder: Path,
) -> np.ndarray:
    form, precision, runner = case
    path = tflite.export(network, quantized, form, precision, folder)
    audit(Combination("tflite", form, precision), path)
    return engine(runner).open(path, form, 1).outputs(frames)


def hold_to_the_float_network(
    network: Network, quantized: QuantizedNetwork, frames: np.ndarray, precision: Precision, folder: Path
) -> None:
    """Both forms on every engine that runs them: within budget, and equal to each other bit for bit."""
    wanted = reference.float_outputs(network, normalised(network, frames))
    limit = BUDGETS[precision] * np.abs(wanted).max()
    for runner in ENGINES:
        if engine(runner).refusal("sequence", precision):
            continue
        sequence = outputs(network, quantized, frames, ("sequence", precision, runner), folder)
        np.testing.assert_allclose(sequence, wanted if network.every_step else wanted[:, -1], rtol=0, atol=limit)
        if network.streams:
            steps = outputs(network, quantized, frames, ("step", precision, runner), folder)
            np.testing.assert_allclose(steps, wanted, rtol=0, atol=limit)
            np.testing.assert_array_equal(steps if network.every_step else steps[:, -1], sequence)


@pytest.mark.parametrize("name", [*STACKS, *(f"{name}, every step" for name in EVERY_STEP)])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_network_stays_within_its_budget(name: str, precision: Precision, tmp_path: Path) -> None:
    hold_to_the_float_network(*sample(name), precision, tmp_path)


@pytest.mark.parametrize("wide", [0, 1])
@pytest.mark.parametrize("name", ["three cells", "two convs", "attention, dot", "bidirectional, stacked"])
def test_layers_of_both_integer_precisions_work_together(name: str, wide: int, tmp_path: Path) -> None:
    network, _, frames = sample(name)
    precisions: dict[str, IntegerPrecision] = {layer.name: "int8" for layer in network.layers}
    precisions |= {layer.name: "int16x8" for layer in network.layers[wide::2]}
    streams = normalised(network, random_frames(network, 16))
    hold_to_the_float_network(network, quantize(network, streams, precisions=precisions), frames, "int8", tmp_path)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_weights_may_have_a_scale_a_row(precision: Precision, tmp_path: Path) -> None:
    network, _, frames = sample("three cells")
    quantized = quantize(network, normalised(network, random_frames(network, 16)), granularity="row")
    hold_to_the_float_network(network, quantized, frames, precision, tmp_path)


@pytest.mark.parametrize("name", ["gru", "bidirectional, stacked"])
def test_an_odd_number_of_steps(name: str, tmp_path: Path) -> None:
    network, quantized, frames = sample(name)
    hold_to_the_float_network(replace(network, steps=11), quantized, frames[:, :11], "int8", tmp_path)


def test_frames_that_do_not_fill_a_step_are_left_out(tmp_path: Path) -> None:
    network, quantized, frames = sample("conv")
    longer = replace(network, steps=network.steps + 1)
    more = np.concatenate([frames, frames[:, :1]], axis=1)
    case: tuple[Form, Precision, str] = ("sequence", "int8", "litert")
    wanted = outputs(network, quantized, frames, case, tmp_path)
    np.testing.assert_array_equal(outputs(longer, quantized, more, case, tmp_path), wanted)


def through_softplus(x: np.ndarray, qtype: QType | None) -> np.ndarray:
    """What LiteRT makes of softplus of `x` [rows]."""
    builder = Builder()
    value = builder.input(1)
    program = builder.finish(builder.softplus(value))
    plan = Plan(program, dict.fromkeys(program.sizes, qtype) if qtype else {}, {}, {}, {})
    writer = ModelWriter()
    scope = Scope(writer.subgraph("main"), plan, program.ops, {}, len(x))
    source = scope.define(program.input)
    emit(scope)
    writer.signature(scope.graph, {"x": source}, {"y": scope.tensors[program.output]})
    model = interpreter.Interpreter(model_content=writer.to_bytes())
    model.allocate_tensors()
    model.set_tensor(model.get_input_details()[0]["index"], x[:, None])
    model.invoke()
    return np.asarray(model.get_tensor(model.get_output_details()[0]["index"]))[:, 0]


def test_integer_softplus_is_within_three_steps_everywhere() -> None:
    x = np.arange(-32768, 32768).astype(np.int16)
    exact = np.minimum(np.logaddexp(WIDE_GATE_INT16.dequantize(x), 0) / WIDE_GATE_INT16.scale, 32767)
    error = through_softplus(x, WIDE_GATE_INT16) - exact
    assert np.abs(error).max() < 3
    assert abs(error.mean()) < 0.25  # what a mean over time adds up


def test_float_softplus_is_exact_to_float32() -> None:
    x = np.linspace(-60, 60, 2000, dtype=np.float32)
    wanted = np.logaddexp(x.astype(np.float64), 0)
    np.testing.assert_allclose(through_softplus(x, None), wanted, rtol=1e-6, atol=2.4e-7)  # two steps below 1


@pytest.mark.parametrize(("form", "precision"), ALL)
def test_the_same_network_gives_the_same_bytes(tmp_path: Path, form: Form, precision: Precision) -> None:
    network, quantized, _ = sample("attention")
    first = tflite.export(network, quantized, form, precision, tmp_path / "a")
    second = tflite.export(network, quantized, form, precision, tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()


def test_a_step_model_names_its_states(tmp_path: Path) -> None:
    network = random_network(cells=(("gru", 5), ("gru", 3)))
    quantized = quantize(network, normalised(network, random_frames(network)))
    found = tflite.describe(tflite.export(network, quantized, "step", "int8", tmp_path))
    assert [port.name for port in found.inputs] == ["input", "gru_0.h", "gru_1.h"]
    assert [port.name for port in found.outputs] == ["output", "gru_0.h.next", "gru_1.h.next"]
    assert [port.shape for port in found.inputs] == [(1, 6), (1, 5), (1, 3)]
    assert [port.qtype for port in found.inputs[1:]] == [port.qtype for port in found.outputs[1:]]


def test_a_step_model_says_what_its_states_start_from(tmp_path: Path) -> None:
    network, quantized, _ = sample("pool max")
    largest = tflite.describe(tflite.export(network, quantized, "step", "int8", tmp_path)).metadata["states"]
    assert largest["lstm_0.h"] == {"initial": 0}
    assert largest["pool_1.largest"] == {"initial": -128}
    network, quantized, _ = sample("attention")
    weight = tflite.describe(tflite.export(network, quantized, "step", "int8", tmp_path)).metadata["states"]
    assert weight["attention_1.weight"] == {"initial": 20480}  # 10, the end of its bounds, in Q4.11
    weight = tflite.describe(tflite.export(network, quantized, "step", "float32", tmp_path)).metadata["states"]
    assert weight["attention_1.weight"] == {"initial": 30.0}


@pytest.mark.parametrize(("form", "precision"), ALL)
def test_tokens_are_int32_in_every_precision(tmp_path: Path, form: Form, precision: Precision) -> None:
    network, quantized, _ = sample("embedding")
    port = tflite.describe(tflite.export(network, quantized, form, precision, tmp_path)).inputs[0]
    assert (port.shape, port.qtype) == ((1, 1) if form == "step" else (1, 12, 1), QType("int32", 1.0))


def test_a_step_of_several_frames_takes_them_side_by_side(tmp_path: Path) -> None:
    network, quantized, _ = sample("conv")
    step = tflite.describe(tflite.export(network, quantized, "step", "int8", tmp_path))
    sequence = tflite.describe(tflite.export(network, quantized, "sequence", "int8", tmp_path))
    assert (step.inputs[0].shape, sequence.inputs[0].shape) == ((1, 6), (1, 12, 3))


def test_metadata_carries_labels_and_preprocessing(tmp_path: Path) -> None:
    network, quantized, _ = sample("gru")
    found = tflite.describe(tflite.export(network, quantized, "sequence", "int8", tmp_path)).metadata
    assert found["labels"] == list(network.labels)
    np.testing.assert_array_equal(np.array(found["mean"], np.float32), network.mean)
    np.testing.assert_array_equal(np.array(found["std"], np.float32), network.std)
    assert (found["form"], found["precision"], found["steps"]) == ("sequence", "int8", 12)


@pytest.mark.parametrize("name", ["gru", "two convs", "embedding", "attention"])
@pytest.mark.parametrize("state", ["int8", "int16"])
@pytest.mark.parametrize("form", ["sequence", "step"])
def test_an_int8_file_is_integer_throughout(tmp_path: Path, name: str, form: Form, state: StateType) -> None:
    network, quantized, _ = sample(name, state)
    content = audit(Combination("tflite", form, "int8"), tflite.export(network, quantized, form, "int8", tmp_path))
    assert {op.arithmetic for op in content.operators} == {"integer", "none"}
    assert content.float_weight_bytes == 0
    assert content.integer_weight_bytes == sum(w.size for w in quantized.weights.values())  # no weight twice


def test_outputs_to_come_take_no_room_in_the_file(tmp_path: Path) -> None:
    network, quantized, _ = sample("gru, every step")
    sizes = [
        len(tflite.export(replace(network, steps=steps), quantized, "sequence", "float32", tmp_path).read_bytes())
        for steps in (10, 1000)
    ]
    assert sizes[1] - sizes[0] < 100


def test_float_in_an_int8_file_is_an_error(tmp_path: Path) -> None:
    network, quantized, _ = sample("gru")
    path = tflite.export(network, quantized, "step", "float32", tmp_path)
    with pytest.raises(ExportError, match="is not int8: float operators"):
        audit(Combination("tflite", "step", "int8"), path)


def test_a_dynamic_file_without_integer_weights_is_an_error(tmp_path: Path) -> None:
    network, quantized, _ = sample("gru")
    path = tflite.export(network, quantized, "sequence", "float32", tmp_path)
    with pytest.raises(ExportError, match="has no int8 weights"):
        audit(Combination("tflite", "sequence", "dynamic"), path)


def test_an_operator_that_is_not_in_the_list_is_an_error(tmp_path: Path) -> None:
    network, quantized, _ = sample("gru")
    path = tflite.export(network, quantized, "step", "float32", tmp_path)
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes()))
    model.operatorCodes[0].builtinCode = model.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.COS
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    with pytest.raises(ExportError, match="holds COS, which edgernn does not write"):
        tflite.content(path)


def test_tensor_data_is_aligned_to_16_bytes(tmp_path: Path) -> None:
    network, quantized, _ = sample("gru")
    path = tflite.export(network, quantized, "sequence", "int8", tmp_path)
    content = path.read_bytes()
    base = np.frombuffer(content, np.uint8).__array_interface__["data"][0]
    model = schema.Model.GetRootAs(content)
    for index in range(model.BuffersLength()):
        data = model.Buffers(index).DataAsNumpy()
        if isinstance(data, np.ndarray) and len(data):
            assert (data.__array_interface__["data"][0] - base) % 16 == 0


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.tflite").write_bytes(json.dumps({}).encode() * 9)
    with pytest.raises(InputError, match="is not a TFLite file"):
        tflite.content(tmp_path / "x.tflite")
    with pytest.raises(InputError, match="No such file"):
        tflite.content(tmp_path / "y.tflite")
