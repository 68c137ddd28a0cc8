"""What a C folder has of sound: samples in, the frames that the network reads out; nothing where it reads none."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import random_frames, stack_network

from edgernn import reference
from edgernn.engines import compiler
from edgernn.features import normalize
from edgernn.features.log_mel import FRACTION_BITS, LogMel
from edgernn.network import QuantizedNetwork
from edgernn.quantize import quantize
from edgernn.targets.c.kernels import FEATURES
from edgernn.targets.c.write import export, render

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")
SECOND = 8000  # samples


def quantized(name: str, sound: bool = True) -> QuantizedNetwork:
    """A network that reads as many bands as it has inputs."""
    network = stack_network(name)
    mel = LogMel(rate_hz=SECOND, frame=200, hop=80, fft=256, mels=network.inputs, high_hz=3800)
    network = replace(
        network,
        mean=np.full(network.inputs, -3.0, np.float32),
        std=np.full(network.inputs, 4.0, np.float32),
        features={"log_mel": asdict(mel)} if sound else None,
    )
    return quantize(network, normalize.apply(random_frames(network, 4), network.mean, network.std))


def extractor(model: QuantizedNetwork) -> LogMel:
    assert model.network.features is not None
    return LogMel(**model.network.features["log_mel"])  # type: ignore[arg-type]


def test_without_sound_there_is_nothing_of_it() -> None:
    with_sound, without = render(quantized("gru")), render(quantized("gru", sound=False))
    assert set(with_sound) - set(without) == {"edgernn_features.h", *(f"{name}.c" for name in FEATURES)}
    name = quantized("gru").network.name
    assert "sound" not in without[f"{name}.h"] + without[f"{name}.c"]
    own = (f"{name}.h", f"{name}.c")
    assert all(with_sound[file] == text for file, text in without.items() if file not in own)


@pytest.fixture(scope="module", params=["gru", "conv"])
def compiled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[QuantizedNetwork, Path]:
    model, folder = quantized(request.param), tmp_path_factory.mktemp("sound")
    sources = export(model.network, model, "step", "int8", folder)
    compiler.shared_library(compiler.find(), sorted(sources.glob("*.c")), folder / "model.so", STRICT)
    return model, folder / "model.so"


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), level=st.integers(1, 32767))
def test_samples_in_pieces_give_the_frames_of_the_definition(
    compiled: tuple[QuantizedNetwork, Path], seed: int, level: int
) -> None:
    model, library = compiled
    rng = np.random.default_rng(seed)
    pcm = rng.integers(-level, level + 1, SECOND).astype(np.int16)
    found = list(pushed(model, library, pcm, rng))
    frames = extractor(model).features(pcm).astype(np.float32) / np.float32(2**FRACTION_BITS)
    steps = len(frames) // model.network.frames_per_step
    wanted = reference.quantize_input(model, frames[: steps * model.network.frames_per_step])
    np.testing.assert_array_equal(np.stack(found), wanted.reshape(steps, -1))


def pushed(
    model: QuantizedNetwork, library: Path, pcm: np.ndarray, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """The inputs of every step, as the generated C gives them for pieces of drawn size."""
    network, mel = model.network, extractor(model)
    loaded = ctypes.CDLL(str(library))
    push = getattr(loaded, f"{network.name}_sound_push")
    push.restype, push.argtypes = (
        ctypes.c_size_t,
        [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p],
    )
    state = np.full(2 * mel.frame + 4 + network.inputs * network.frames_per_step, 0xFF, np.uint8)
    getattr(loaded, f"{network.name}_sound_reset")(ctypes.c_void_p(state.ctypes.data))
    ready, at = ctypes.c_int(-1), 0
    while at < len(pcm):
        piece = min(int(rng.integers(1, 700)), len(pcm) - at)
        taken = push(state.ctypes.data, pcm[at:].ctypes.data, piece, ctypes.byref(ready))
        assert taken == piece or ready.value == 1
        at += taken
        if ready.value:
            yield state[2 * mel.frame + 4 :].view(np.int8).copy()


def test_the_header_says_what_a_push_takes_of_the_stack() -> None:
    model = quantized("gru")
    header = render(model)[f"{model.network.name}.h"]
    (found,) = re.findall(r"SOUND_SCRATCH_BYTES (\d+)", header)
    mel = extractor(model)
    assert int(found) == 4 * mel.fft + (2 + 4) * mel.mels
