"""The log-mel kernels against their definition in `features.log_mel`, bit for bit."""

from __future__ import annotations

import ctypes
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from vector_paths import builds, library

import edgernn
from edgernn.errors import MissingToolError
from edgernn.features import log_mel
from edgernn.features.log_mel import FFT_SIZES, LogMel
from edgernn.firmware import BOARDS, measure
from edgernn.targets.c import kernels
from edgernn.targets.c.log_mel import tables

RUNTIME = Path(edgernn.__file__).parent / "runtime"
HERE = Path(__file__).parent
STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror", f"-I{RUNTIME}")
COMPILERS = {  # distributions have clang without its sanitizers' libraries
    "gcc": ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g"),
    "clang": ("-O2",),
}
SOURCES = [RUNTIME / f"{name}.c" for name in sorted(kernels.FEATURES)]
INSTRUCTIONS = {  # a frame of the default, at most: -O3
    "cortex-m0plus": 130_000,
    "cortex-m4": 37_500,
    "cortex-m55": 37_500,
    "riscv32": 62_000,
}
STACK_BYTES = 2500
SMALL = LogMel(8000, 101, 33, 128, 9, 50, 3900)


class Tables(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("window", "twiddle", "weight", "count")),
        *((name, ctypes.c_size_t) for name in ("frame", "hop", "fft", "mels", "first")),
    )


class Stream:
    """One of the C kernels, with buffers of the sizes that the header states and marks around them."""

    def __init__(self, runtime: ctypes.CDLL, mel: LogMel) -> None:
        self.runtime, self.mel = runtime, mel
        twiddles = np.minimum(mel.twiddles, 32767)
        arrays = ((mel.window, "i2"), (twiddles, "i2"), (mel.weights, "u2"), (mel.counts, "u2"))
        self.arrays = [np.ascontiguousarray(values, dtype) for values, dtype in arrays]
        sizes = (mel.frame, mel.hop, mel.fft, mel.mels, mel.first)
        self.tables = Tables(*(array.ctypes.data for array in self.arrays), *sizes)
        self.samples, self.work = Marked(mel.frame, np.int16), Marked(mel.fft, np.int32)
        self.filled = ctypes.c_uint16(0)

    def frame(self, samples: np.ndarray) -> np.ndarray:
        y, x = Marked(self.mel.mels, np.int16), np.ascontiguousarray(samples)
        kernel = self.runtime.ernn_log_mel_s16
        kernel(ctypes.byref(self.tables), ctypes.c_void_p(x.ctypes.data), y.pointer, self.work.pointer)
        return y.values()

    def push(self, x: np.ndarray) -> list[np.ndarray]:
        """The frames that became complete."""
        kernel, found, x = self.runtime.ernn_log_mel_push_s16, [], np.ascontiguousarray(x)
        kernel.restype = ctypes.c_size_t
        while x.size:
            y, ready = Marked(self.mel.mels, np.int16), ctypes.c_int(-1)
            stream = (self.samples.pointer, ctypes.byref(self.filled))
            given = (ctypes.c_void_p(x.ctypes.data), ctypes.c_size_t(x.size))
            results = (y.pointer, ctypes.byref(ready), self.work.pointer)
            taken = kernel(ctypes.byref(self.tables), *stream, *given, *results)
            assert 0 < taken <= x.size
            assert ready.value == 1 or (ready.value == 0 and taken == x.size and y.untouched())
            found += [y.values()] if ready.value else []
            x = x[taken:]
        self.samples.values()
        self.work.values()
        return found


class Marked:
    """An array for C, between values that must stay."""

    def __init__(self, size: int, dtype: type) -> None:
        self.all = np.full(size + 16, 12345, dtype)
        self.pointer = ctypes.c_void_p(self.all[8:].ctypes.data)

    def values(self) -> np.ndarray:
        assert (self.all[:8] == 12345).all()
        assert (self.all[-8:] == 12345).all()
        return self.all[8:-8].copy()

    def untouched(self) -> bool:
        return bool((self.all == 12345).all())


@pytest.fixture(scope="module", params=builds())
def runtime(request: pytest.FixtureRequest) -> ctypes.CDLL:
    """By every vector path of this machine; undefined behaviour stops the process."""
    return library(request.param)


@st.composite
def parameters(draw: st.DrawFn) -> LogMel:
    fft = draw(st.sampled_from(FFT_SIZES))
    frame = draw(st.integers(2, fft) | st.just(fft))
    hop = draw(st.integers(1, frame) | st.just(frame))
    rate = draw(st.sampled_from([8000, 11025, 16000, 48000]))
    low = draw(st.floats(0, 0.4)) * rate
    high = draw(st.floats(0.05, 0.5) | st.just(0.5)) * rate
    try:
        return LogMel(rate, frame, hop, fft, draw(st.integers(1, 60)), low, high)
    except ValueError:
        assume(False)
        raise


@st.composite
def signals(draw: st.DrawFn, samples: int) -> np.ndarray:
    """int16: silence, impulses, constants and waves at both ends of the type, noise of every loudness."""
    rng, t = np.random.default_rng(draw(st.integers(0, 2**32 - 1))), np.arange(samples)
    wave = np.cos(2 * np.pi * (draw(st.floats(0, 0.5)) * t + draw(st.floats(0, 1))))
    level = 2.0 ** draw(st.floats(0, 15))
    kinds = {
        "silence": np.zeros(samples),
        "impulse": level * (t == draw(st.integers(0, samples))),
        "constant": np.full(samples, draw(st.sampled_from([-32768, -32767, -1, 1, 32767]))),
        "square": np.where(wave > 0, 32767, -32768),
        "sine": level * wave,
        "noise": level * rng.normal(size=samples),
        "uniform": rng.integers(-32768, 32768, samples),
        "ends": rng.choice([-32768, 32767], samples),
    }
    return np.clip(np.rint(kinds[draw(st.sampled_from(sorted(kinds)))]), -32768, 32767).astype(np.int16)


@settings(max_examples=60)
@given(mel=parameters(), data=st.data())
def test_a_stream_in_pieces_is_the_definition(runtime: ctypes.CDLL, mel: LogMel, data: st.DataObject) -> None:
    x = data.draw(signals(mel.frame + data.draw(st.integers(0, 4)) * mel.hop + data.draw(st.integers(0, 5))))
    ends = sorted(data.draw(st.lists(st.integers(0, x.size), max_size=6)))
    stream = Stream(runtime, mel)
    found = [frame for piece in np.split(x, ends) for frame in stream.push(piece)]
    expected = mel.features(x)
    np.testing.assert_array_equal(np.array(found).reshape(expected.shape), expected)


@pytest.mark.parametrize("mel", [LogMel(), LogMel(hop=320), SMALL], ids=lambda mel: f"{mel.fft}, {mel.hop}")
def test_a_long_stream_sample_by_sample_and_at_once(runtime: ctypes.CDLL, mel: LogMel) -> None:
    rng = np.random.default_rng(0)
    loudness = 2.0 ** rng.uniform(0, 15, 40).repeat(100)
    x = np.clip(rng.normal(size=loudness.size) * loudness, -32768, 32767).astype(np.int16)
    single, whole = Stream(runtime, mel), Stream(runtime, mel)
    expected = mel.features(x)
    np.testing.assert_array_equal([frame for one in x for frame in single.push(np.array([one]))], expected)
    np.testing.assert_array_equal(whole.push(x), expected)
    np.testing.assert_array_equal(whole.frame(x[mel.hop : mel.hop + mel.frame]), expected[1])


@pytest.mark.parametrize("fft", FFT_SIZES)
def test_the_fft_alone(runtime: ctypes.CDLL, fft: int) -> None:
    """With what no frame has: every bit of 31, and all at both ends."""
    rng, mel = np.random.default_rng(fft), LogMel(frame=fft, hop=1, fft=fft, mels=1)
    twiddles = np.ascontiguousarray(np.minimum(mel.twiddles, 32767), np.int16)
    waves = np.where(np.cos(2 * np.pi * np.outer(np.arange(fft // 2 + 1), np.arange(fft)) / fft) > 0, 1, -1)
    for x in (*rng.integers(-(2**30) + 1, 2**30, (20, fft)), *(waves * (2**30 - 1))):
        work = Marked(fft, np.int32)
        work.all[8:-8] = x.reshape(-1, 2)[log_mel._reversed_bits(fft // 2)].ravel()
        runtime.ernn_rfft_s32(work.pointer, ctypes.c_void_p(twiddles.ctypes.data), ctypes.c_size_t(fft))
        re, im = log_mel.real_fft(x, mel.twiddles)
        found = work.values().reshape(-1, 2).astype(np.int64)
        np.testing.assert_array_equal(found[:, 0], re)
        np.testing.assert_array_equal(found[1:, 1], im[1:])
        assert abs(int(found[0, 1]) - (x[0::2].sum() - x[1::2].sum()) / fft) <= 16  # half the rate


def test_the_table_of_log2_is_that_of_the_definition() -> None:
    source = (RUNTIME / "ernn_log_mel_s16.c").read_text()
    numbers = source.partition("log_mel_table[33] = {")[2].partition("}")[0]
    assert [int(n) for n in numbers.split(",") if n.strip()] == log_mel.log2_table().tolist()


def test_models_without_features_have_none_of_it() -> None:
    names = ("ernn_gru_s16", "ernn_matvec_s8_s16")
    assert not {"edgernn_features.h", *(path.name for path in SOURCES)} & set(kernels.sources(names))
    found = set(kernels.sources(("ernn_log_mel_push_s16",))) - set(kernels.sources(()))
    assert found == {"edgernn_features.h", *(path.name for path in SOURCES)}


def test_the_kernels_with_features_are_those_of_their_header() -> None:
    header = (RUNTIME / "edgernn_features.h").read_text()
    assert set(re.findall(r"^(?:void|size_t) (ernn_\w+)\(", header, re.MULTILINE)) == kernels.FEATURES


@pytest.mark.toolchain
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("mel", [LogMel(), SMALL, LogMel(frame=2, hop=1, fft=64, mels=1)], ids=str)
def test_strict_compilers_and_sanitizers_have_nothing_to_say(compiler: str, mel: LogMel, tmp_path: Path) -> None:
    """With the tables as they are written into a model, and no byte more memory than the header asks for."""
    (tmp_path / "tables.h").write_text(tables(mel))
    program, sources = tmp_path / "program", [*map(str, SOURCES), str(HERE / "log_mel.c")]
    command = (compiler, "-std=c99", *COMPILERS[compiler], *STRICT, f"-I{tmp_path}", *sources, "-o", str(program))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    rng = np.random.default_rng(0)
    x = rng.integers(-32768, 32768, 3000).astype(np.int16)
    pieces = np.split(x, np.sort(rng.integers(0, x.size, 20)))
    told = b"".join(np.uint16(piece.size).tobytes() + piece.tobytes() for piece in pieces)
    ran = subprocess.run([program], input=told, capture_output=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, b"")
    np.testing.assert_array_equal(np.frombuffer(ran.stdout, np.int16).reshape(-1, mel.mels), mel.features(x))


@pytest.mark.toolchain
def test_the_header_is_strict_cpp() -> None:
    command = ["g++", "-std=c++11", *STRICT, "-fsyntax-only", "-xc++", "-"]
    source = f'#include "edgernn_features.h"\n{tables(LogMel())}const ernn_log_mel *used = &log_mel;\n'
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.board
@pytest.mark.parametrize("board", INSTRUCTIONS)
def test_boards_give_the_same_bits_within_their_instructions(board: str, tmp_path: Path) -> None:
    mel, rng = LogMel(), np.random.default_rng(0)
    for file in (*RUNTIME.glob("edgernn_*.h"), *SOURCES, HERE / "mel.c", HERE / "mel.h"):
        (tmp_path / file.name).write_text(file.read_text())
    (tmp_path / "tables.h").write_text(tables(mel))
    x = np.clip(rng.normal(size=(1, 12, mel.hop)) * 2.0 ** np.arange(4, 16)[:, None], -32768, 32767).astype(
        np.int16
    )
    expected = mel.features(np.concatenate([np.zeros(mel.frame - mel.hop, np.int16), x.ravel()]))
    try:
        found = measure(tmp_path, BOARDS[board], "speed", x, "step")
    except MissingToolError as missing:
        pytest.skip(str(missing))
    np.testing.assert_array_equal(found.outputs[0], expected)
    assert found.instructions is not None
    assert found.stack_bytes is not None
    assert found.instructions <= INSTRUCTIONS[board]
    assert found.stack_bytes <= STACK_BYTES
