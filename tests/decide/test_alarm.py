"""Alarms against a rule written out step by step in float, and the C kernel against the definition."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import edgernn
from edgernn.decide import RULES, AlarmRule, alarm, described, from_description
from edgernn.engines import compiler

RUNTIME = Path(edgernn.__file__).parent / "runtime"
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
SIZES = ("horizon", "smooth", "refractory", "warm_up")
PLACES = ("next", "row", "made", "seen", "wait")


class CRule(ctypes.Structure):
    _fields_ = (*((name, ctypes.c_size_t) for name in SIZES), ("total", ctypes.c_int32))


class CState(ctypes.Structure):
    _fields_ = (
        ("errors", ctypes.c_void_p),
        ("forecasts", ctypes.c_void_p),
        ("sum", ctypes.c_int32),
        *((name, ctypes.c_size_t) for name in PLACES),
    )


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    built = tmp_path_factory.mktemp("alarm") / "alarm.so"
    flags = [*STRICT, "-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"]
    compiler.shared_library(compiler.find(), [RUNTIME / "ernn_alarm_s16.c"], built, flags)
    return ctypes.CDLL(str(built))


def in_c(
    kernel: ctypes.CDLL, values: np.ndarray, outputs: np.ndarray, rule: AlarmRule, scale: float
) -> tuple[list[int], list[int]]:
    """The sums and the alarms of every step."""
    horizon = outputs.shape[1]
    told = CRule(horizon, rule.smooth, rule.refractory, rule.warm_up, rule.total(horizon, scale))
    arrays = np.zeros(rule.smooth, np.int32), np.zeros((horizon, horizon), np.int16)
    state = CState(*(array.ctypes.data for array in arrays), 0, *[0] * len(PLACES))
    sums, alarms = [], []
    for value, row in zip(values.tolist(), np.ascontiguousarray(outputs), strict=True):
        pointers = ctypes.byref(told), ctypes.byref(state)
        alarms.append(kernel.ernn_alarm_s16(*pointers, ctypes.c_int16(value), ctypes.c_void_p(row.ctypes.data)))
        sums.append(state.sum)
    return sums, alarms


@settings(max_examples=200)
@given(st.data())
def test_c_alarms_as_the_definition_does(kernel: ctypes.CDLL, data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    steps, horizon = data.draw(st.integers(1, 80)), data.draw(st.integers(1, 12))
    spread = 2 ** data.draw(st.integers(0, 15))
    values = rng.integers(-spread, spread, steps).astype(np.int16)
    outputs = rng.integers(-spread, spread, (steps, horizon)).astype(np.int16)
    rule = AlarmRule(
        channel=0,
        smooth=data.draw(st.integers(1, 30)),
        threshold=data.draw(st.floats(0, 1.5)) * spread,
        refractory=data.draw(st.integers(1, 40)),
        warm_up=data.draw(st.integers(0, 30)),
    )
    sums, alarms = in_c(kernel, values, outputs, rule, 1.0)
    assert sums == alarm.sums(values, outputs, rule).tolist()
    assert alarms == alarm.detect(values, outputs, rule, 1.0).tolist()


@settings(max_examples=50)
@given(st.data())
def test_alarms_step_by_step_are_those_of_the_whole(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    horizon, scale = data.draw(st.integers(1, 5)), 2.0**-5
    values = rng.integers(-99, 99, 60).astype(np.int16)
    outputs = rng.integers(-99, 99, (60, horizon)).astype(np.int16)
    sizes = [data.draw(st.integers(low, 20)) for low in (1, 1, 0)]
    rule = AlarmRule(0, sizes[0], data.draw(st.floats(0, 3)), *sizes[1:])
    alarms = alarm.Alarms(horizon, scale, rule)
    found = [alarms.push(value, output) for value, output in zip(values.tolist(), outputs, strict=True)]
    assert [total for total, _ in found] == alarm.sums(values, outputs, rule).tolist()
    assert [one for _, one in found] == alarm.detect(values, outputs, rule, scale).tolist()


def test_the_largest_sum_fits(kernel: ctypes.CDLL) -> None:
    """As many forecasts as a rule may have, all as far off as int16 goes: an int32 that overflowed would trap."""
    horizon = 5
    rule = AlarmRule(0, alarm.LONGEST // horizon, 1e9, 0, 0)
    steps = rule.complete(horizon) + 2
    values, outputs = np.full(steps, -32768, np.int16), np.full((steps, horizon), 32767, np.int16)
    sums, alarms = in_c(kernel, values, outputs, rule, 1.0)
    assert sums[-1] == alarm.LONGEST * alarm.FARTHEST <= 2**31 - 1
    assert sums == alarm.sums(values, outputs, rule).tolist()
    assert alarms[-2:] == [1, 1]


def test_the_rule_is_the_mean_distance_from_all_forecasts_for_the_last_frames() -> None:
    """In float, step by step; the threshold lies between two sums that occur."""
    rng = np.random.default_rng(0)
    scale, horizon = 2.0**-9, 4
    values = np.round(rng.normal(size=200) / scale).astype(np.int16)
    outputs = np.round(rng.normal(size=(200, horizon)) / scale).astype(np.int16)
    rule = AlarmRule(channel=0, smooth=7, threshold=1.20001, refractory=9, warm_up=11)
    real, forecast = values * scale, outputs * scale
    errors = []
    for frame in range(200):
        made = [(frame - ahead, ahead) for ahead in range(1, horizon + 1) if frame - ahead >= rule.warm_up]
        errors.append(sum(abs(real[frame] - forecast[step, ahead - 1]) for step, ahead in made))
    wanted, wait = [], 0
    for step in range(200):
        mean = sum(errors[max(0, step - 6) : step + 1]) / (7 * horizon)
        reached = mean >= rule.threshold
        wanted.append(wait == 0 and reached)
        wait = rule.refractory if reached else max(0, wait - 1)
    assert alarm.detect(values, outputs, rule, scale).tolist() == wanted
    assert 3 < sum(wanted) < 20


def test_forecasts_of_the_warm_up_do_not_count() -> None:
    values, outputs = np.full(40, 100, np.int16), np.full((40, 3), 0, np.int16)
    rule = AlarmRule(0, 5, 1.0, 0, 12)
    sums = alarm.sums(values, outputs, rule)
    assert sums[:16].tolist() == [0] * 13 + [100, 300, 600]
    assert rule.complete(3) == 19
    assert sums[19] == sums.max() == 5 * 3 * 100 > sums[18]


def test_what_lasts_is_told_once_and_what_comes_soon_again_with_it() -> None:
    """A frame that is off is in four sums: two of them, 8 frames apart, leave 4 steps between that are below."""
    values, outputs = np.zeros(100, np.int16), np.zeros((100, 1), np.int16)
    values[[30, 31, 32, 60, 68]] = 1000
    for refractory, wanted in ((4, [30, 60, 68]), (5, [30, 60]), (40, [30])):
        found = alarm.detect(values, outputs, AlarmRule(0, 4, 200.0, refractory, 5), 1.0)
        assert np.flatnonzero(found).tolist() == wanted


def test_values_become_integers_as_in_c() -> None:
    real = np.array([0.25, -0.25, 1e30, -np.inf, np.nan, 0.75], np.float32)
    assert alarm.integers(real, 0.5).tolist() == [1, 0, 32767, -32768, -32768, 2]


def test_the_total_is_reached_at_the_threshold_and_never_out_of_reach() -> None:
    rule = AlarmRule(0, 10, 0.5, 0, 0)
    assert rule.total(4, 0.25) == 80
    assert AlarmRule(0, 10, 0.0, 0, 0).total(4, 0.25) == 1
    assert AlarmRule(0, 10, 1e30, 0, 0).total(4, 0.25) == 40 * alarm.FARTHEST


def test_it_is_a_rule_that_files_hold() -> None:
    rule = AlarmRule(1, 10, 0.5, 3, 60)
    assert RULES["alarm"] is AlarmRule
    assert from_description(described(rule)) == rule


@pytest.mark.toolchain
@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_the_kernel_is_strict_c_without_float(cc: str, tmp_path: Path) -> None:
    source = RUNTIME / "ernn_alarm_s16.c"
    done = subprocess.run([cc, *STRICT, "-c", source], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "float" not in source.read_text() + source.with_suffix(".h").read_text()
