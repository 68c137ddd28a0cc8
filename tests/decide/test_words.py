from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax

import edgernn
from edgernn.decide import WordRule, words
from edgernn.decide.words import NOTHING
from edgernn.engines import compiler

RUNTIME = Path(edgernn.__file__).parent / "runtime"
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
BITS = 11


class CRule(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_size_t) for name in ("classes", "words", "smooth", "refractory")),
        ("total", ctypes.c_int32),
        ("bits", ctypes.c_int),
    )


class CState(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("sum", "history", "posterior")),
        *((name, ctypes.c_size_t) for name in ("next", "wait")),
    )


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    built = tmp_path_factory.mktemp("detect") / "detect.so"
    files = [RUNTIME / "ernn_detect_s16.c", RUNTIME / "ernn_softmax_s16.c"]
    compiler.shared_library(compiler.find(), files, built, STRICT)
    return ctypes.CDLL(str(built))


def in_c(kernel: ctypes.CDLL, outputs: np.ndarray, bits: int, count: int, rule: WordRule) -> np.ndarray:
    classes = outputs.shape[1]
    told = CRule(classes, count, rule.smooth, rule.refractory, rule.total, bits)
    arrays = np.zeros(count, np.int32), np.zeros((rule.smooth, count), np.int16), np.zeros(classes, np.int16)
    state = CState(*(array.ctypes.data for array in arrays), 0, 0)
    rows = np.ascontiguousarray(outputs, np.int16)
    both = ctypes.byref(told), ctypes.byref(state)
    return np.array([kernel.ernn_detect_s16(*both, ctypes.c_void_p(row.ctypes.data)) for row in rows])


def said(steps: int, classes: int, words: dict[int, int], bits: int = BITS) -> np.ndarray:
    """Outputs that are sure of the last class, but for `words`: word by its first step, for 10 steps."""
    real = np.zeros((steps, classes))
    real[:, -1] = 6
    for start, word in words.items():
        real[start : start + 10] = np.where(np.arange(classes) == word, 6, 0)
    return np.round(real * 2**bits).astype(np.int16)


@settings(max_examples=200)
@given(st.data())
def test_c_decides_as_the_definition_does(kernel: ctypes.CDLL, data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    classes = data.draw(st.integers(1, 14))
    count, bits = data.draw(st.integers(1, classes)), data.draw(st.integers(0, 15))
    rule = WordRule(data.draw(st.integers(1, 30)), data.draw(st.floats(0, 1)), data.draw(st.integers(0, 40)))
    spread = 2 ** data.draw(st.integers(0, 15))
    outputs = np.repeat(rng.integers(-spread, spread, (20, classes)), rng.integers(1, 12, 20), axis=0)
    wanted = words.detect(outputs.astype(np.int16), bits, count, rule)
    np.testing.assert_array_equal(in_c(kernel, outputs, bits, count, rule), wanted)
    detector = words.Detector(bits, count, rule)
    np.testing.assert_array_equal([detector.push(row) for row in outputs.astype(np.int16)], wanted)


def test_the_rule_is_the_mean_of_softmax_against_a_threshold() -> None:
    """In float, by scipy, step by step; outputs are far from the threshold, which rounding then cannot reach."""
    rng = np.random.default_rng(0)
    outputs = np.repeat(rng.integers(-5, 6, (60, 5)), 7, axis=0)
    rule, wanted, wait = WordRule(4, 0.7301, 6), [], 0
    posterior = np.concatenate([np.zeros((4, 5)), softmax(outputs, axis=1)])
    for step in range(len(outputs)):
        mean = posterior[step + 1 : step + 5, :3].mean(axis=0)
        if wait == 0 and mean.max() >= rule.threshold:
            wanted.append(int(mean.argmax()))
            wait = rule.refractory
        else:
            wanted.append(NOTHING)
            wait = max(0, wait - 1)
    found = words.detect((outputs * 2**BITS).astype(np.int16), BITS, 3, rule)
    assert found.tolist() == wanted
    assert len({word for word in wanted if word != NOTHING}) > 1


def test_a_word_is_decided_for_once_and_the_quiet_classes_never() -> None:
    decided = words.detect(said(120, 4, {20: 1, 70: 0}), BITS, 2, WordRule(5, 0.8, 12))
    assert {int(step): int(decided[step]) for step in np.flatnonzero(decided != NOTHING)} == {24: 1, 74: 0}


def test_nothing_is_decided_within_the_refractory_steps() -> None:
    outputs = said(80, 3, {20: 0, 32: 1})
    found = [words.detect(outputs, BITS, 2, WordRule(3, 0.8, refractory)) for refractory in (9, 30)]
    assert [one[one != NOTHING].tolist() for one in found] == [[0, 1], [0]]


@pytest.mark.parametrize(
    ("labels", "count"),
    [(("go", "stop"), 2), (("go", "unknown", "silence"), 1), (("go", "stop", "silence"), 2)],
)
def test_words_are_the_labels_before_the_quiet_ones(labels: tuple[str, ...], count: int) -> None:
    assert words.words(labels) == count


def test_only_powers_of_two_have_fraction_bits() -> None:
    assert words.fraction_bits(2.0**-11) == 11
    for scale in (0.1, 2.0, 2.0**-16):
        with pytest.raises(ValueError, match="have no posteriors"):
            words.fraction_bits(scale)


@pytest.mark.toolchain
@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_the_kernel_is_strict_c_without_float(cc: str, tmp_path: Path) -> None:
    source = RUNTIME / "ernn_detect_s16.c"
    done = subprocess.run([cc, *STRICT, "-c", source], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "float" not in source.read_text() + source.with_suffix(".h").read_text()
