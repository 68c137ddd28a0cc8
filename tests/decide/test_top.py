"""What comes next most likely: the definition, and that C gives the same."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import edgernn
from edgernn.decide import TopRule, described, from_description
from edgernn.decide.top import NOTHING, top, top_after
from edgernn.engines import compiler

RUNTIME = Path(edgernn.__file__).parent / "runtime"
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    built = tmp_path_factory.mktemp("top") / "top.so"
    compiler.shared_library(compiler.find(), [RUNTIME / "ernn_top_s16.c"], built, STRICT)
    library = ctypes.CDLL(str(built))
    library.ernn_top_s16.restype = ctypes.c_size_t
    return library


def in_c(kernel: ctypes.CDLL, scores: np.ndarray, count: int, taken: np.ndarray | None) -> list[int]:
    classes = len(scores)
    bits = None
    if taken is not None:
        marks = np.zeros((classes + 7) // 8 * 8, np.uint8)
        marks[taken] = 1
        bits = np.packbits(marks, bitorder="little").ctypes.data_as(ctypes.c_void_p)
    found = np.full(count + 1, 77, np.int16)
    y = np.ascontiguousarray(scores, np.int16)
    size = ctypes.c_size_t
    there = kernel.ernn_top_s16(
        ctypes.c_void_p(y.ctypes.data), size(classes), bits, ctypes.c_void_p(found.ctypes.data), size(count)
    )
    assert there == np.count_nonzero(found[:count] != NOTHING)
    assert found[count] == 77  # nothing is written behind the list
    return found[:count].tolist()


@settings(max_examples=300)
@given(st.data())
def test_c_gives_the_lists_of_the_definition(kernel: ctypes.CDLL, data: st.DataObject) -> None:
    """With many equal scores, with few classes, and with the smallest and the largest scores."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    classes, count = data.draw(st.integers(1, 70)), data.draw(st.integers(1, 30))
    spread = 2 ** data.draw(st.integers(0, 15))
    scores = rng.integers(-spread, spread, classes).astype(np.int16)
    seen = rng.integers(0, classes, data.draw(st.integers(0, 20)))
    excluding = data.draw(st.booleans())
    wanted = top_after(scores, TopRule(count, excluding), seen)
    assert in_c(kernel, scores, count, seen if excluding else None) == wanted.tolist()


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=12), st.integers(1, 6), st.sets(st.integers(0, 11)))
def test_a_list_is_the_largest_scores_in_order(scores: list[int], count: int, seen: set[int]) -> None:
    """By sorting pairs of score and number."""
    able = [number for number in range(1, len(scores)) if number not in seen]
    wanted = sorted(able, key=lambda number: (-scores[number], number))[:count]
    known = np.array([number for number in seen if number < len(scores)], int)
    found = top_after(np.array(scores), TopRule(count), known)
    assert found.tolist() == wanted + [NOTHING] * (count - len(wanted))


def test_what_was_seen_is_left_out_from_then_on() -> None:
    scores = np.tile([9, 1, 4, 3], (3, 1))
    seen = np.array([2, 0, 3])
    assert top(scores, TopRule(2), seen).tolist() == [[3, 1], [3, 1], [1, NOTHING]]
    assert top(scores, TopRule(2, exclude_seen=False), seen).tolist() == [[2, 3]] * 3


def test_a_rule_is_described_and_read_back() -> None:
    assert from_description(described(TopRule(7, False))) == TopRule(7, False)


@pytest.mark.toolchain
@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_the_kernel_is_strict_c_without_float(cc: str, tmp_path: Path) -> None:
    source = RUNTIME / "ernn_top_s16.c"
    done = subprocess.run([cc, *STRICT, "-c", source], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "float" not in source.read_text() + source.with_suffix(".h").read_text()
