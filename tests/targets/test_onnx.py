"""The ONNX target, held to the float reference, to a simulation of QDQ and to what its files declare."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgernn import reference, targets
from edgernn.engines import onnxruntime as engine
from edgernn.errors import ExportError, InputError
from edgernn.fixed_point import LIMITS
from edgernn.lowering import QType, TypedProgram, operators
from edgernn.network import Form, Granularity, Layer, Network, Precision, QuantizedNetwork, StateType
from edgernn.program import Op
from edgernn.quantize import quantize
from edgernn.targets import Combination, Operator, audit
from edgernn.targets import onnx as target
from edgernn.targets.onnx import _sequence

# float32 against a float64 reference: some 100 roundings of 6e-8 each, relative to the largest output
FLOAT_TOLERANCE = 1e-5
# onnxruntime computes in float32: a result beside a tie may round the other way, and the state keeps it.
# Counted in integers of 8 bits; a 16-bit state resolves 256 times what the gates do that move it.
SIMULATION_LSB = 2
SIMULATION_EQUAL = 0.95
INT8_LSB = {"int8": 1, "int16": 256}
# of the range of the float outputs: int8 resolves 0.4 % of it, the gates and the state add their own
INT8_MEAN_DRIFT = 0.02


def network(inputs: int, kinds: list[tuple[str, int]], steps: int = 20, seed: int = 0) -> Network:
    rng = np.random.default_rng(seed)

    def normal(scale: float, *shape: int) -> np.ndarray:
        return rng.normal(0, scale, shape).astype(np.float32)

    layers: list[Layer] = []
    weights: tuple[np.ndarray, ...]
    size = inputs
    for i, (kind, units) in enumerate(kinds):
        if kind == "gru":
            recurrent = normal(1 / np.sqrt(units), units, 3 * units)
            weights = (normal(0.4, size, 3 * units), recurrent, normal(0.2, 2, 3 * units))
        else:
            weights = (normal(0.7, size, units), normal(0.2, units))
        layers.append(Layer(f"{kind}_{i}", kind, size, units, weights))
        size = units
    return Network(
        name="walk",
        steps=steps,
        rate_hz=25.0,
        channels=tuple(f"channel {i}" for i in range(inputs)),
        labels=tuple(f"label {i}" for i in range(size)),
        mean=normal(1.0, inputs),
        std=rng.uniform(0.5, 2, inputs).astype(np.float32),
        layers=tuple(layers),
    )


def walks(net: Network, count: int = 8, seed: int = 1) -> np.ndarray:
    """Normalised frames, float32 [count, steps, inputs]."""
    rng = np.random.default_rng(seed)
    return (rng.normal(0, 0.5, (count, net.steps, net.inputs)).cumsum(1) * 0.5).astype(np.float32)


def raw(net: Network, frames: np.ndarray) -> np.ndarray:
    return frames * net.std + net.mean


def run(net: Network, quantized: QuantizedNetwork, form: Form, precision: Precision, folder: Path) -> np.ndarray:
    path = target.export(net, quantized, form, precision, folder)
    return engine.open(path, form, 1).outputs(raw(net, walks(net)))


def assert_close(actual: np.ndarray, wanted: np.ndarray) -> None:
    np.testing.assert_allclose(actual, wanted, rtol=0, atol=FLOAT_TOLERANCE * max(1, np.abs(wanted).max()))


SHAPES = {
    "gru": [("gru", 16), ("dense", 5)],
    "stacked": [("gru", 12), ("gru", 7), ("dense", 3)],
    "dense first": [("dense", 8), ("gru", 9), ("dense", 4), ("dense", 2)],
    "no head": [("gru", 6)],
    "no memory": [("dense", 4)],
}
each_shape = pytest.mark.parametrize("kinds", SHAPES.values(), ids=SHAPES)
each_state = pytest.mark.parametrize("state", ["int8", "int16"])
each_granularity = pytest.mark.parametrize("granularity", ["tensor", "row"])


@each_shape
def test_float_artifacts_compute_the_float_network(kinds: list[tuple[str, int]], tmp_path: Path) -> None:
    net = network(6, kinds)
    quantized = quantize(net, walks(net))
    wanted = reference.float_outputs(net, walks(net))
    assert_close(run(net, quantized, "step", "float32", tmp_path), wanted)
    assert_close(run(net, quantized, "sequence", "float32", tmp_path), wanted[:, -1])


NETWORKS = st.builds(
    lambda inputs, units, outputs, steps, seed: network(
        inputs, [*(("gru", size) for size in units), ("dense", outputs)], steps, seed
    ),
    inputs=st.integers(1, 9),
    units=st.lists(st.integers(1, 40), min_size=1, max_size=2),
    outputs=st.integers(1, 12),
    steps=st.integers(1, 20),
    seed=st.integers(0, 99),
)


@settings(max_examples=15, deadline=None)
@given(net=NETWORKS)
def test_float_artifacts_of_any_size(net: Network, tmp_path_factory: pytest.TempPathFactory) -> None:
    quantized = quantize(net, walks(net))
    wanted = reference.float_outputs(net, walks(net))
    folder = tmp_path_factory.mktemp("onnx")
    assert_close(run(net, quantized, "step", "float32", folder), wanted)
    assert_close(run(net, quantized, "sequence", "float32", folder), wanted[:, -1])


@each_shape
@each_granularity
def test_dynamic_computes_the_network_of_the_dequantised_weights(
    kinds: list[tuple[str, int]], granularity: Granularity, tmp_path: Path
) -> None:
    net = network(6, kinds)
    quantized = quantize(net, walks(net), granularity=granularity)
    stored = {name: w * quantized.scales[name][:, None] for name, w in quantized.weights.items()}
    wanted = reference.run_float(net.program(), net.constants() | stored, walks(net))[:, -1]
    assert_close(run(net, quantized, "sequence", "dynamic", tmp_path), wanted)


@pytest.mark.parametrize("precision", ["float32", "dynamic"])
def test_scan_over_the_step_program_equals_the_whole_cell(
    precision: Precision, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = network(6, SHAPES["stacked"])
    quantized = quantize(net, walks(net))
    whole = run(net, quantized, "sequence", precision, tmp_path)
    monkeypatch.setattr(_sequence, "WHOLE_CELLS", {})
    assert_close(run(net, quantized, "sequence", precision, tmp_path), whole)
    operators_in_file = {op.name for op in target.content(tmp_path / f"model.{precision}.onnx").operators}
    assert "Scan" in operators_in_file
    assert "GRU" not in operators_in_file


def simulate(typed: TypedProgram, frames: np.ndarray) -> np.ndarray:
    """What a QDQ graph means: every operator in real numbers, every result rounded to its type's integers."""
    program = typed.program
    states = {s.name: np.zeros((len(frames), program.sizes[s.name]), np.int64) for s in program.states}
    outputs = []
    for frame in quantize_linear(typed.types[program.input], frames).swapaxes(0, 1):
        values: dict[str, np.ndarray] = {program.input: frame, **states}
        for op in program.ops:
            values[op.output] = simulate_op(op, typed, values)
        states = {s.name: values[s.next] for s in program.states}
        outputs.append(values[program.output].astype(np.int64))
    return np.stack(outputs, axis=1)


def simulate_op(op: Op, typed: TypedProgram, values: dict[str, np.ndarray]) -> np.ndarray:
    x = [typed.types[name].dequantize(values[name]) for name in op.inputs]
    match op.primitive:
        case "matvec":
            scales = typed.scales[op.weight]
            bias = typed.biases[op.bias] * scales * typed.types[op.inputs[0]].scale
            y = x[0] @ (typed.weights[op.weight] * scales[:, None]).T + bias
        case "add":
            y = x[0] + x[1]
        case "sub":
            y = x[0] - x[1]
        case "mul":
            y = x[0] * x[1]
        case "sigmoid":
            y = 1 / (1 + np.exp(-x[0]))
        case "tanh":
            y = np.tanh(x[0])
        case "slice":
            y = x[0][:, op.start : op.start + typed.program.sizes[op.output]]
        case _:
            y = x[0]
    return quantize_linear(typed.types[op.output], y)


def quantize_linear(qtype: QType, real: np.ndarray) -> np.ndarray:
    """ONNX's QuantizeLinear, which rounds ties to even."""
    return np.clip(np.rint(real / qtype.scale) + qtype.zero_point, *LIMITS[qtype.dtype]).astype(np.int64)


def output_type(typed: TypedProgram) -> QType:
    return typed.types[typed.program.output]


@each_shape
@each_state
@each_granularity
def test_int8_step_computes_the_typed_program(
    kinds: list[tuple[str, int]], state: StateType, granularity: Granularity, tmp_path: Path
) -> None:
    net = network(6, kinds)
    quantized = quantize(net, walks(net), state=state, granularity=granularity)
    typed = operators(quantized)
    actual = run(net, quantized, "step", "int8", tmp_path) / output_type(typed).scale
    wanted = simulate(typed, walks(net)) - output_type(typed).zero_point
    differences = np.abs(np.round(actual) - wanted)
    assert differences.max() <= SIMULATION_LSB * INT8_LSB[output_type(typed).dtype]
    assert (differences == 0).mean() > SIMULATION_EQUAL


@each_state
def test_int8_step_stays_near_the_float_network(state: StateType, tmp_path: Path) -> None:
    net = network(6, SHAPES["gru"], steps=100)
    quantized = quantize(net, walks(net), state=state)
    wanted = reference.float_outputs(net, walks(net))
    drift = np.abs(run(net, quantized, "step", "int8", tmp_path) - wanted).mean()
    assert drift < INT8_MEAN_DRIFT * (wanted.max() - wanted.min())


@each_state
def test_int8_step_is_the_same_with_and_without_graph_optimisation(state: StateType, tmp_path: Path) -> None:
    net = network(6, SHAPES["gru"])
    path = target.export(net, quantize(net, walks(net), state=state), "step", "int8", tmp_path)
    sessions = []
    for level in ("ORT_DISABLE_ALL", "ORT_ENABLE_ALL"):
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
        sessions.append(onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]))
    rng = np.random.default_rng(0)
    for _ in range(50):
        feed = {
            "input": rng.integers(-128, 128, (1, 6)).astype(np.int8),
            "gru_0.h": (rng.uniform(-1, 1, (1, 16)) * np.iinfo(state).max).astype(state),
        }
        for plain, optimised in zip(*(session.run(None, feed) for session in sessions), strict=True):
            assert np.abs(plain.astype(int) - optimised).max() <= INT8_LSB[str(plain.dtype)]


def test_a_sequence_takes_a_window_of_any_length(tmp_path: Path) -> None:
    net = network(6, SHAPES["gru"], steps=20)
    quantized = quantize(net, walks(net))
    path = target.export(net, quantized, "sequence", "float32", tmp_path)
    wanted = reference.float_outputs(net, walks(net))
    session = engine.open(path, "sequence", 1)
    for steps in (1, 7, 20):
        assert_close(session.outputs(raw(net, walks(net)[:, :steps])), wanted[:, steps - 1])


def ports(path: Path) -> dict[str, tuple[str, list[int | str]]]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return {port.name: (port.type, port.shape) for port in [*session.get_inputs(), *session.get_outputs()]}


def test_tensor_names_types_and_shapes(tmp_path: Path) -> None:
    net = network(6, SHAPES["stacked"])
    quantized = quantize(net, walks(net), state="int16")
    assert ports(target.export(net, quantized, "sequence", "float32", tmp_path)) == {
        "input": ("tensor(float)", [1, "steps", 6]),
        "output": ("tensor(float)", [1, 3]),
    }
    assert ports(target.export(net, quantized, "step", "int8", tmp_path)) == {
        "input": ("tensor(int8)", [1, 6]),
        "gru_0.h": ("tensor(int16)", [1, 12]),
        "gru_1.h": ("tensor(int16)", [1, 7]),
        "output": ("tensor(int8)", [1, 3]),
        "gru_0.h.next": ("tensor(int16)", [1, 12]),
        "gru_1.h.next": ("tensor(int16)", [1, 7]),
    }


def metadata(path: Path) -> dict[str, object]:
    properties = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    return dict(json.loads(properties["edgernn"]))


@pytest.mark.parametrize(("form", "precision"), sorted(target.SUPPORTED))
def test_files_carry_the_metadata(form: Form, precision: Precision, tmp_path: Path) -> None:
    net = network(6, SHAPES["gru"])
    path = target.export(net, quantize(net, walks(net)), form, precision, tmp_path)
    carried = metadata(path)
    carried.pop("quantization", None)
    assert carried == targets.metadata(net, form, precision)


@each_state
def test_int8_files_carry_the_types_of_their_ports(state: StateType, tmp_path: Path) -> None:
    net = network(6, SHAPES["gru"])
    quantized = quantize(net, walks(net), state=state)
    types = operators(quantized).types
    carried = metadata(target.export(net, quantized, "step", "int8", tmp_path))["quantization"]

    def described(value: str) -> dict[str, object]:
        kind = types[value]
        return {"dtype": kind.dtype, "scale": float(np.float32(kind.scale)), "zero_point": kind.zero_point}

    assert carried == {
        "input": described("input"),
        "gru_0.h": described("gru_0/h"),
        "gru_0.h.next": described("gru_0/h"),
        "output": described("dense_1/output"),
    }


@pytest.mark.parametrize(("state", "opset", "ir"), [("int8", 13, 7), ("int16", 21, 10)])
def test_only_an_int16_state_needs_a_new_opset(state: StateType, opset: int, ir: int, tmp_path: Path) -> None:
    net = network(6, SHAPES["gru"])
    path = target.export(net, quantize(net, walks(net), state=state), "step", "int8", tmp_path)
    model = onnx.load(path)
    assert ([entry.version for entry in model.opset_import], model.ir_version) == ([opset], ir)


@pytest.mark.parametrize(("form", "precision"), sorted(target.SUPPORTED))
def test_the_same_network_gives_the_same_bytes(form: Form, precision: Precision, tmp_path: Path) -> None:
    written = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        net = network(6, SHAPES["stacked"])
        path = target.export(net, quantize(net, walks(net)), form, precision, folder)
        written.append(path.read_bytes())
        assert list(folder.iterdir()) == [path]
    assert written[0] == written[1]


def test_dynamic_is_a_third_of_the_float_file(tmp_path: Path) -> None:
    net = network(6, [("gru", 64), ("dense", 7)])
    quantized = quantize(net, walks(net))
    dynamic, wide = (
        target.export(net, quantized, "sequence", precision, tmp_path).stat().st_size
        for precision in ("dynamic", "float32")
    )
    assert dynamic < 0.35 * wide


def export_and_audit(form: Form, precision: Precision, folder: Path) -> targets.Content:
    net = network(6, SHAPES["gru"])
    path = target.export(net, quantize(net, walks(net)), form, precision, folder)
    return audit(Combination("onnx", form, precision), path)


WEIGHTS = 6 * 48 + 16 * 48 + 16 * 5  # of the kernels of SHAPES["gru"]


def test_content_of_a_float_sequence(tmp_path: Path) -> None:
    assert export_and_audit("sequence", "float32", tmp_path) == (
        (
            Operator("GRU", 1, "float"),
            Operator("Gather", 1, "none"),
            Operator("Gemm", 1, "float"),
            Operator("Squeeze", 3, "none"),
            Operator("Unsqueeze", 1, "none"),
        ),
        4 * WEIGHTS,
        0,
    )


def test_content_of_a_dynamic_sequence(tmp_path: Path) -> None:
    assert export_and_audit("sequence", "dynamic", tmp_path) == (
        (
            Operator("DequantizeLinear", 3, "none"),
            Operator("GRU", 1, "float"),
            Operator("Gather", 1, "none"),
            Operator("Gemm", 1, "float"),
            Operator("Squeeze", 3, "none"),
            Operator("Unsqueeze", 1, "none"),
        ),
        0,
        WEIGHTS,
    )


def test_content_of_a_float_step(tmp_path: Path) -> None:
    operators_in_file, *weights = export_and_audit("step", "float32", tmp_path)
    assert {op.name: op.arithmetic for op in operators_in_file} == {
        "Add": "float",
        "Gemm": "float",
        "Mul": "float",
        "Sigmoid": "float",
        "Slice": "none",
        "Sub": "float",
        "Tanh": "float",
    }
    assert weights == [4 * WEIGHTS, 0]


def test_content_of_an_int8_step_has_nothing_float(tmp_path: Path) -> None:
    operators_in_file, *weights = export_and_audit("step", "int8", tmp_path)
    unpacked = Operator("DequantizeLinear", 6, "none")  # three matrices and their biases
    assert unpacked in operators_in_file
    arithmetic = {op.name: op.arithmetic for op in operators_in_file if op != unpacked}
    assert arithmetic.pop("Slice") == "none"
    assert set(arithmetic.values()) == {"integer"}
    assert weights == [0, WEIGHTS]


def tampered(folder: Path) -> tuple[onnx.ModelProto, Path]:
    net = network(6, SHAPES["gru"])
    path = target.export(net, quantize(net, walks(net)), "step", "int8", folder)
    return onnx.load(path), path


def test_audit_finds_float_weights(tmp_path: Path) -> None:
    model, path = tampered(tmp_path)
    product = next(node for node in model.graph.node if node.op_type == "Gemm")
    product.input[1] = "float"
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones((48, 6), np.float32), "float"))
    onnx.save(model, path)
    with pytest.raises(ExportError, match=r"step\.int8\.onnx is not int8.*Gemm.* 1152 bytes of float weights"):
        audit(Combination("onnx", "step", "int8"), path)


def test_audit_finds_a_product_that_stays_in_float(tmp_path: Path) -> None:
    model, path = tampered(tmp_path)
    product = next(node for node in model.graph.node if node.op_type == "Gemm")
    model.graph.node.append(onnx.helper.make_node("Tanh", [product.output[0]], ["float"]))
    onnx.save(model, path)
    with pytest.raises(ExportError, match=r"float operators \['Gemm', 'Tanh'\]"):
        audit(Combination("onnx", "step", "int8"), path)


def test_content_refuses_an_operator_it_does_not_know(tmp_path: Path) -> None:
    model, path = tampered(tmp_path)
    next(node for node in model.graph.node if node.op_type == "Tanh").op_type = "Softsign"
    onnx.save(model, path)
    with pytest.raises(ExportError, match=r"step\.int8\.onnx holds Softsign, which edgernn does not write"):
        target.content(path)


def test_audit_finds_any_operator_that_stays_in_float(tmp_path: Path) -> None:
    """Not only products: the value of a sigmoid that leaves the file unquantised was computed in float."""
    model, path = tampered(tmp_path)
    sigmoid = next(node for node in model.graph.node if node.op_type == "Sigmoid")
    model.graph.output.append(onnx.helper.make_tensor_value_info(sigmoid.output[0], onnx.TensorProto.FLOAT, None))
    onnx.save(model, path)
    with pytest.raises(ExportError, match=r"float operators \['Sigmoid'\], 0 bytes of float weights"):
        audit(Combination("onnx", "step", "int8"), path)


@pytest.mark.parametrize(
    ("damaged", "message"),
    [(b"not a model", r"is damaged, or no \.onnx file"), (b"", "holds no ONNX graph"), (None, "No such file")],
)
def test_content_refuses_what_is_not_onnx(damaged: bytes | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "model.int8.onnx"
    if damaged is not None:
        path.write_bytes(damaged)
    with pytest.raises(InputError, match=message):
        target.content(path)


def test_export_refuses_an_integer_sequence(tmp_path: Path) -> None:
    net = network(6, SHAPES["gru"])
    with pytest.raises(ExportError, match="no int8 artifact in sequence form"):
        target.export(net, quantize(net, walks(net)), "sequence", "int8", tmp_path)
