"""The generated C against the integer reference, bit for bit, through its public API."""

from __future__ import annotations

import ctypes
import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from networks import Options, random_frames, random_network

import edgernn
from edgernn import reference
from edgernn.engines import compiler
from edgernn.errors import InputError
from edgernn.features import normalize
from edgernn.lowering import native
from edgernn.network import IntegerPrecision, QuantizedNetwork
from edgernn.quantize import quantize
from edgernn.reference import sum_shift
from edgernn.targets.c.write import render

RUNTIME = Path(edgernn.__file__).parent / "runtime"
STEPS = 16  # a multiple of the strides of four convolutions
INPUTS = 5
Cells = list[tuple[str, Options]]

STACKS: dict[str, Cells] = {
    "gru": [("gru", 9)],
    "gru_reset_before": [("gru", {"units": 9, "reset_after": False})],
    "gru_without_bias": [("gru", {"units": 9, "bias": False})],
    "gru_of_one": [("gru", 1)],
    "gru_of_many": [("gru", 67)],
    "gru_larger_than_a_cache": [("gru", 93)],
    "lstm": [("lstm", 7)],
    "lstm_without_bias": [("lstm", {"units": 7, "bias": False})],
    "simple_rnn": [("simple_rnn", 7)],
    "simple_rnn_relu": [("simple_rnn", {"units": 7, "activation": "relu", "bias": False})],
    "mixed": [("gru", 7), ("lstm", 5), ("simple_rnn", 6)],
    "embedding": [("embedding", {"entries": 20, "units": 5}), ("gru", 7)],
    "embedding_conv": [
        ("embedding", {"entries": 20, "units": 5}),
        ("conv", {"units": 4, "kernel": 3}),
        ("lstm", 4),
    ],
    "conv": [
        ("conv", {"units": 5, "kernel": 4, "stride": 2, "activation": "relu", "batch_norm": True}),
        ("gru", 7),
    ],
    "gru_conv": [("gru", 7), ("conv", {"units": 5, "kernel": 3, "stride": 3})],
    "conv_skips": [("conv", {"units": 5, "kernel": 2, "stride": 3, "activation": "tanh"}), ("gru", 7)],
    "conv_conv": [
        ("conv", {"units": 5, "kernel": 7, "stride": 2, "activation": "sigmoid"}),
        ("conv", {"units": 4, "kernel": 3, "stride": 2, "bias": False}),
        ("gru", 7),
    ],
    "layer_norm": [("dense", 8), ("layer_norm", {}), ("gru", 7), ("layer_norm", {})],
    "pool_mean": [("gru", 7), ("pool", {"over": "mean"})],
    "pool_max": [("gru", 7), ("pool", {"over": "max"})],
    "pool_frames": [("pool", {"over": "max"}), ("gru", 3)],
    "pool_last_of_frames": [("pool", {"over": "last"})],
    "pool_last": [("gru", 7), ("pool", {"over": "last"})],
    "attention": [("gru", 7), ("attention", {"score": "additive", "units": 5})],
    "attention_dot": [("lstm", 7), ("attention", {"score": "dot"})],
    "dense": [
        ("dense", {"units": 7, "activation": "relu"}),
        ("dense", {"units": 8, "activation": "sigmoid", "batch_norm": True}),
        ("dense", {"units": 5, "activation": "tanh"}),
        ("dense", {"units": 6}),
        ("gru", 4),
        ("dense", {"units": 6, "bias": False}),
    ],
    "softmax": [("gru", 6), ("dense", {"units": 5, "activation": "softmax"})],
    "bidirectional_gru": [("gru", {"units": 5, "bidirectional": True})],
    "bidirectional_lstm": [("lstm", {"units": 5, "bidirectional": True})],
    "bidirectional_stack": [
        ("gru", {"units": 5, "bidirectional": True}),
        ("lstm", {"units": 4, "bidirectional": True}),
    ],
    "bidirectional_of_three": [
        (kind, {"units": 4, "bidirectional": True}) for kind in ("gru", "simple_rnn", "lstm")
    ],
    "bidirectional_pool": [("gru", {"units": 5, "bidirectional": True}), ("pool", {"over": "mean"})],
    "bidirectional_conv": [
        ("conv", {"units": 5, "kernel": 4, "stride": 2, "activation": "relu"}),
        ("gru", {"units": 5, "bidirectional": True}),
        ("conv", {"units": 5, "kernel": 3, "stride": 2}),
    ],
    "bidirectional_then_gru": [("lstm", {"units": 5, "bidirectional": True}), ("gru", 6)],
    "bidirectional_tokens": [
        ("embedding", {"entries": 20, "units": 5}),
        ("gru", {"units": 5, "bidirectional": True}),
        ("attention", {"score": "additive", "units": 3}),
    ],
}
EVERY_STEP = ("gru", "conv", "pool_mean", "bidirectional_gru", "bidirectional_conv")  # in both forms
PRECISIONS = ("int8", "int16x8", "mixed")
CASES = [(stack, precision, False) for stack in STACKS for precision in PRECISIONS]
CASES += [(stack, precision, True) for stack in EVERY_STEP for precision in PRECISIONS]


def quantized_network(
    name: str, cells: Cells, precision: str, seed: int, gain: float = 1.0, every_step: bool = False
) -> QuantizedNetwork:
    """`mixed` is int16x8 in every second layer."""
    inputs = 1 if cells[0][0] == "embedding" else INPUTS
    drawn = random_network(seed, inputs, cells, 4, STEPS, every_step)
    layers = tuple(
        dataclasses.replace(one, weights=tuple(np.float32(gain) * weight for weight in one.weights))
        if one.kind in ("gru", "lstm", "dense", "conv")  # a simple_rnn with relu would grow without end
        else one
        for one in drawn.layers
    )
    network = dataclasses.replace(drawn, name=name, layers=layers)
    streams = normalize.apply(random_frames(network, 6, seed), network.mean, network.std)
    precisions: Mapping[str, IntegerPrecision] = {layer.name: "int16x8" for layer in network.layers[1::2]}
    quantized = quantize(network, streams, precisions=precisions if precision == "mixed" else None)
    return quantized.at("int16x8") if precision == "int16x8" else quantized


def table() -> dict[str, QuantizedNetwork]:
    """Some of them with weights so large that gates and sums saturate."""
    found = {}
    for index, (stack, precision, every_step) in enumerate(CASES):
        name = f"{stack}_{precision}{'_every' if every_step else ''}"
        gain = (1.0, 4.0, 0.3, 16.0)[index % 4]
        found[name] = quantized_network(name, STACKS[stack], precision, index, gain, every_step)
    return found


NAMES = [f"{stack}_{precision}{'_every' if every_step else ''}" for stack, precision, every_step in CASES]


def integer_windows(quantized: QuantizedNetwork, seed: int) -> np.ndarray:
    """Windows as they come, random ones, and the ends of the input's type throughout, in turn and by channel."""
    network = quantized.network
    real = reference.quantize_input(quantized, random_frames(network, 2, seed))
    low, high = np.iinfo(real.dtype).min, np.iinfo(real.dtype).max
    rng = np.random.default_rng(seed)
    shape = real.shape[1:]
    lowest, highest = np.full(shape, low), np.full(shape, high)
    turns = np.where(np.arange(shape[0])[:, None] % 2, lowest, highest)
    channels = np.where(np.arange(shape[1]) % 2, lowest, highest)
    drawn = rng.integers(low, high + 1, (2, *shape))
    return np.stack([*real, *drawn, lowest, highest, turns, channels]).astype(real.dtype)


def pointer(array: np.ndarray) -> ctypes.c_void_p:
    assert array.flags.c_contiguous
    return ctypes.c_void_p(array.ctypes.data)


class Model:
    """A generated model in a library, with memory of exactly the size that its header gives, and a fence behind."""

    def __init__(self, library: ctypes.CDLL, quantized: QuantizedNetwork, header: str) -> None:
        self.library, self.network = library, quantized.network
        sizes = dict(re.findall(rf"#define {self.network.name.upper()}_(\w+) (\d+)", header))
        self.size = int(sizes["STATE_BYTES"])
        self.frames = int(sizes["FRAMES_PER_STEP"])
        assert int(sizes["INPUTS"]) == self.frames * self.network.inputs
        self.results = int(sizes.get("RESULTS", 0))
        self.memory = np.full(self.size + 64, 0x5A, np.uint8)

    def call(self, function: str, *arguments: object) -> None:
        getattr(self.library, f"{self.network.name}_{function}")(*arguments)
        assert (self.memory[self.size :] == 0x5A).all()

    def reset(self) -> None:
        self.call("reset", pointer(self.memory))

    def step(self, frames: np.ndarray) -> np.ndarray:
        y = np.zeros(self.network.outputs, np.int16)
        self.call("step", pointer(self.memory), pointer(np.ascontiguousarray(frames)), pointer(y))
        return y

    def sequence(self, window: np.ndarray) -> np.ndarray:
        """The outputs of all steps, or the last ones; [results, outputs]."""
        window = np.ascontiguousarray(window)
        steps = len(window) // self.frames
        y = np.zeros((self.results or (steps if self.network.every_step else 1), self.network.outputs), np.int16)
        count = () if self.results else (ctypes.c_size_t(steps),)
        self.call("sequence", pointer(self.memory), pointer(window), *count, pointer(y))
        return y


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """All networks of the table in one library: their kernels are there once."""
    folder = tmp_path_factory.mktemp("models")
    networks = table()
    files = {name: text for quantized in networks.values() for name, text in render(quantized).items()}
    for name, text in files.items():
        (folder / name).write_text(text)
    path = folder / "models.so"
    compiler.shared_library(compiler.find(), sorted(folder.glob("*.c")), path, ["-O0"])
    library = ctypes.CDLL(str(path))
    models = {name: Model(library, quantized, files[f"{name}.h"]) for name, quantized in networks.items()}
    return SimpleNamespace(networks=networks, models=models)


def check_streaming(quantized: QuantizedNetwork, model: Model, x: np.ndarray) -> None:
    frames = model.frames
    for window, outputs in zip(x, reference.integer_outputs(quantized, x), strict=True):
        model.reset()
        steps = [model.step(window[t * frames : (t + 1) * frames]) for t in range(len(window) // frames)]
        np.testing.assert_array_equal(steps, outputs)
        after = model.memory.tobytes()
        np.testing.assert_array_equal(model.sequence(window), outputs if model.network.every_step else outputs[-1:])
        assert model.memory.tobytes() == after


def check_windows(quantized: QuantizedNetwork, model: Model, x: np.ndarray) -> None:
    for window, outputs in zip(x, reference.integer_outputs(quantized, x), strict=True):
        np.testing.assert_array_equal(model.sequence(window), outputs if model.network.every_step else outputs[-1:])


def check(quantized: QuantizedNetwork, model: Model, x: np.ndarray) -> None:
    (check_streaming if quantized.network.streams else check_windows)(quantized, model, x)


@pytest.mark.parametrize("name", NAMES)
def test_all_kinds_equal_the_integer_reference(built: SimpleNamespace, name: str) -> None:
    quantized = built.networks[name]
    check(quantized, built.models[name], integer_windows(quantized, 3))


def test_some_of_these_networks_shift_their_sums(built: SimpleNamespace) -> None:
    """Gates whose terms leave [-8, 8) are what the larger weights are for."""
    programs = [typed for q in built.networks.values() for one in native(q) for typed in one.programs]
    shifts = {sum_shift(op, typed) for typed in programs for op in typed.program.ops if op.primitive == "add"}
    assert min(shifts) == 0
    assert max(shifts) >= 3


UNITS = st.integers(1, 9)
BOTH_WAYS = st.booleans()
CELL = st.one_of(
    st.tuples(
        st.just("gru"),
        st.fixed_dictionaries(
            {"units": UNITS, "bias": st.booleans(), "reset_after": st.booleans(), "bidirectional": BOTH_WAYS}
        ),
    ),
    st.tuples(
        st.just("lstm"), st.fixed_dictionaries({"units": UNITS, "bias": st.booleans(), "bidirectional": BOTH_WAYS})
    ),
    st.tuples(
        st.just("simple_rnn"),
        st.fixed_dictionaries(
            {"units": UNITS, "activation": st.sampled_from(["tanh", "relu"]), "bidirectional": BOTH_WAYS}
        ),
    ),
    st.tuples(
        st.just("dense"),
        st.fixed_dictionaries(
            {"units": UNITS, "activation": st.sampled_from(["linear", "relu", "sigmoid", "tanh", "softmax"])}
        ),
    ),
    st.tuples(
        st.just("conv"),
        st.fixed_dictionaries(
            {"units": UNITS, "kernel": st.integers(1, 5), "stride": st.integers(1, 2), "batch_norm": st.booleans()}
        ),
    ),
    st.tuples(st.just("layer_norm"), st.just({})),
    st.tuples(st.just("pool"), st.fixed_dictionaries({"over": st.sampled_from(["last", "mean", "max"])})),
    st.tuples(st.just("attention"), st.fixed_dictionaries({"score": st.sampled_from(["additive", "dot"])})),
)


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """All kernels, for models that are compiled by themselves."""
    path = tmp_path_factory.mktemp("kernels") / "kernels.so"
    compiler.shared_library(compiler.find(), sorted(RUNTIME.glob("ernn_*.c")), path, ["-O1"])
    return ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)


@settings(max_examples=25)
@given(
    cells=st.lists(CELL, min_size=1, max_size=4),
    precision=st.sampled_from(PRECISIONS),
    every_step=st.booleans(),
    gain=st.sampled_from([0.3, 1.0, 4.0]),
    seed=st.integers(0, 2**16),
)
def test_random_stacks_equal_the_integer_reference(
    kernels: ctypes.CDLL,
    tmp_path_factory: pytest.TempPathFactory,
    cells: Cells,
    precision: str,
    every_step: bool,
    gain: float,
    seed: int,
) -> None:
    try:
        quantized = quantized_network("drawn", cells, precision, seed, gain, every_step)
    except InputError:  # values that integers cannot hold are refused before anything is exported
        reject()
    folder = tmp_path_factory.mktemp("drawn")
    files = render(quantized)
    for name, text in files.items():
        (folder / name).write_text(text)
    compiler.shared_library(compiler.find(), [folder / "drawn.c"], folder / "drawn.so", ["-O0"])
    model = Model(ctypes.CDLL(str(folder / "drawn.so")), quantized, files["drawn.h"])
    check(quantized, model, integer_windows(quantized, seed)[:5])


def test_a_sequence_of_no_steps_resets_and_leaves_the_output(built: SimpleNamespace) -> None:
    model = built.models["gru_int8"]
    model.memory[: model.size] = 99
    y = np.full(4, 77, np.int16)
    model.call("sequence", pointer(model.memory), None, ctypes.c_size_t(0), pointer(y))
    assert (model.memory[: model.size].tolist(), y.tolist()) == ([0] * 18, [77] * 4)


def test_two_streams_in_turn_do_not_disturb_each_other(built: SimpleNamespace) -> None:
    quantized, model = built.networks["mixed_int8"], built.models["mixed_int8"]
    x = integer_windows(quantized, 5)[:2]
    expected = reference.integer_outputs(quantized, x)
    memories = [np.copy(model.memory), np.copy(model.memory)]
    for memory in memories:
        model.memory = memory
        model.reset()
    for t in range(STEPS):
        for memory, stream, outputs in zip(memories, x, expected, strict=True):
            model.memory = memory
            np.testing.assert_array_equal(model.step(stream[t]), outputs[t])


def test_a_window_leaves_nothing_for_the_next_one(built: SimpleNamespace) -> None:
    quantized, model = built.networks["bidirectional_conv_int8"], built.models["bidirectional_conv_int8"]
    x = integer_windows(quantized, 2)
    first = model.sequence(x[0])
    model.sequence(x[2])
    np.testing.assert_array_equal(model.sequence(x[0]), first)


@pytest.mark.parametrize("name", ["gru_int8", "gru_int16x8", "conv_int8", "conv_conv_int16x8", "lstm_mixed"])
def test_raw_frames_are_quantised_as_by_the_reference(built: SimpleNamespace, name: str) -> None:
    quantized, model = built.networks[name], built.models[name]
    network = quantized.network
    rng = np.random.default_rng(1)
    frames = (network.mean + network.std * rng.normal(0, 3, (4000, network.inputs))).astype(np.float32)
    frames[:8] = np.array([np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-45, 0.0, -0.0], np.float32)[:, None]
    with np.errstate(all="ignore"):
        expected = reference.quantize_input(quantized, frames)
    q = np.zeros_like(expected)
    for start in range(0, len(frames), model.frames):  # 4000 is a multiple of all strides here
        step = slice(start, start + model.frames)
        model.call("quantize_input", pointer(frames[step]), pointer(q[step]))
    np.testing.assert_array_equal(q, expected)
    assert (q[0] == np.iinfo(q.dtype).min).all()


def test_tokens_are_rounded(built: SimpleNamespace) -> None:
    q = np.zeros(1, np.int16)
    for token, expected in [(0.0, 0), (7.0, 7), (6.6, 7), (19.4, 19), (40000.0, 32767)]:
        built.models["embedding_int8"].call("quantize_input", pointer(np.array([token], np.float32)), pointer(q))
        assert q[0] == expected


def test_outputs_become_real_as_by_their_type(built: SimpleNamespace) -> None:
    output = native(built.networks["gru_int8"])[-1].output
    q = np.array([-32768, -1, 1234, 32767], np.int16)
    y = np.zeros(4, np.float32)
    built.models["gru_int8"].call("dequantize_output", pointer(q), pointer(y))
    np.testing.assert_array_equal(y, output.dequantize(q))
