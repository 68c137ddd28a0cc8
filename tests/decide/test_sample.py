"""Drawn tokens: the distribution against scipy's softmax, random numbers against PCG32's own, C against both."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from scipy.stats import chisquare

import edgernn
from edgernn.decide import SampleRule, sample
from edgernn.engines import compiler

RUNTIME = Path(edgernn.__file__).parent / "runtime"
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
BITS = 11
DRAWS = 20_000


class CRule(ctypes.Structure):
    _fields_ = (
        ("classes", ctypes.c_size_t),
        ("top_k", ctypes.c_size_t),
        ("factor", ctypes.c_uint32),
        ("bits", ctypes.c_int),
    )


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    built = tmp_path_factory.mktemp("sample") / "sample.so"
    flags = [*STRICT, "-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"]
    compiler.shared_library(compiler.find(), [RUNTIME / "ernn_sample_s16.c"], built, flags)
    library = ctypes.CDLL(str(built))
    library.ernn_sample_seed.argtypes, library.ernn_sample_seed.restype = [ctypes.c_uint64], ctypes.c_uint64
    library.ernn_sample_s16.restype = ctypes.c_size_t
    return library


def in_c(kernel: ctypes.CDLL, outputs: np.ndarray, bits: int, rule: SampleRule, seed: int) -> list[int]:
    classes = outputs.shape[1]
    told = CRule(classes, rule.candidates(classes), rule.factor, bits)
    state = ctypes.c_uint64(kernel.ernn_sample_seed(seed))
    rows = np.ascontiguousarray(outputs, np.int16)
    both = ctypes.byref(told), ctypes.byref(state)
    return [kernel.ernn_sample_s16(*both, ctypes.c_void_p(row.ctypes.data)) for row in rows]


def drawn(outputs: np.ndarray, bits: int, rule: SampleRule, seed: int) -> list[int]:
    state, found = sample.seeded(seed), []
    for row in outputs:
        token, state = sample.draw(row, bits, rule, state)
        found.append(token)
    return found


@settings(max_examples=300)
@given(st.data())
def test_c_draws_as_the_definition_does(kernel: ctypes.CDLL, data: st.DataObject) -> None:
    """Few different values make many ties; wide ones reach every octave and both ends of int16."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    classes, bits = data.draw(st.integers(2, 40)), data.draw(st.integers(0, 15))
    rule = SampleRule(data.draw(st.floats(0.05, 5)), data.draw(st.integers(0, 45)))
    spread, seed = 2 ** data.draw(st.integers(0, 15)), data.draw(st.integers(0, 2**64 - 1))
    outputs = rng.integers(-spread, spread, (12, classes)).astype(np.int16)
    found = in_c(kernel, outputs, bits, rule, seed)
    assert found == drawn(outputs, bits, rule, seed)
    assert all(1 <= token < classes for token in found)


def test_the_random_numbers_are_those_of_pcg32() -> None:
    """What pcg32-demo of pcg-random.org prints for the seed 42 and the stream 54."""
    state, found = sample.seeded(42), []
    for _ in range(6):
        state, number = sample.following(state)
        found.append(number)
    assert found == [0xA15C02B7, 0x7B47F409, 0xBA1D3330, 0x83D2F293, 0xBFA4784B, 0xCBED606E]


@pytest.mark.parametrize("temperature", [0.05, 0.7, 1.0, 2.5])
def test_weights_are_the_softmax_at_the_temperature(temperature: float) -> None:
    """Within their own unit, 2**-16 of the largest, and a little for the table."""
    outputs = np.random.default_rng(1).normal(0, 3, 200)
    found = sample.weights(sample.integers(outputs, BITS), BITS, SampleRule(temperature, 0))
    wanted = softmax(np.round(outputs[1:] * 2**BITS) / 2**BITS / temperature)
    assert found[0] == 0
    np.testing.assert_allclose(found[1:] / 2**16, wanted / wanted.max(), rtol=1e-4, atol=2**-16)


@pytest.mark.parametrize(("temperature", "top_k"), [(1.0, 0), (0.6, 0), (1.5, 4), (0.8, 1)])
def test_tokens_are_as_frequent_as_the_softmax_says(temperature: float, top_k: int, kernel: ctypes.CDLL) -> None:
    outputs = np.array([3.0, 1.0, 0.2, -1.0, 2.0, 0.5, -0.3, 1.4])
    integers = np.tile(sample.integers(outputs, BITS), (DRAWS, 1))
    rule = SampleRule(temperature, top_k)
    found = np.bincount(in_c(kernel, integers, BITS, rule, 7), minlength=len(outputs))
    likely = 1 + np.argsort(-outputs[1:])[: top_k or None]
    assert found.sum() == found[likely].sum()  # never the first, nor one beyond the likeliest
    if len(likely) > 1:
        assert chisquare(found[likely], DRAWS * softmax(outputs[likely] / temperature)).pvalue > 0.01


def test_another_temperature_is_told_from_the_right_one(kernel: ctypes.CDLL) -> None:
    """The test above would notice."""
    outputs = np.array([3.0, 1.0, 0.2, -1.0, 2.0, 0.5])
    found = in_c(kernel, np.tile(sample.integers(outputs, BITS), (DRAWS, 1)), BITS, SampleRule(1.1, 0), 7)
    assert chisquare(np.bincount(found)[1:], DRAWS * softmax(outputs[1:])).pvalue < 1e-6


def test_of_equally_likely_tokens_the_first_are_among_the_likeliest() -> None:
    found = sample.weights(np.array([9, 5, 7, 5, 5, 1], np.int16), 0, SampleRule(1.0, 3))
    assert np.flatnonzero(found).tolist() == [1, 2, 3]


def test_a_seed_says_what_is_drawn() -> None:
    outputs = np.zeros((50, 9), np.int16)
    rule = SampleRule(1.0, 0)
    assert drawn(outputs, BITS, rule, 3) == drawn(outputs, BITS, rule, 3)
    assert drawn(outputs, BITS, rule, 3) != drawn(outputs, BITS, rule, 4)


def test_real_outputs_become_the_nearest_integers() -> None:
    assert sample.integers(np.array([0.5, -0.26, 1e9, -1e9]), 2).tolist() == [2, -1, 32767, -32768]


@pytest.mark.toolchain
@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_the_kernel_is_strict_c_without_float(cc: str, tmp_path: Path) -> None:
    source = RUNTIME / "ernn_sample_s16.c"
    done = subprocess.run([cc, *STRICT, "-c", source], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "float" not in source.read_text() + source.with_suffix(".h").read_text()
