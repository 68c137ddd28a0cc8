from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgernn.report import units

FACTORS = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "µs": 1, "ms": 1e3, "s": 1e6}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (units.size(870), "870 B"),
        (units.size(9_812), "9.8 kB"),
        (units.size(999_960), "1.0 MB"),
        (units.size(412_000), "412 kB"),
        (units.duration(0.98), "1.0 µs"),
        (units.duration(160), "160 µs"),
        (units.duration(2_140), "2.1 ms"),
        (units.seconds(0.42), "0.4 s"),
        (units.seconds(59.6), "1 min 00 s"),
        (units.seconds(125), "2 min 05 s"),
        (units.count(9863), "9,863"),
        (units.percent(0.991), "99.1 %"),
        (units.percent(1), "100.0 %"),
        (units.percent(0.9997), "99.97 %"),
        (units.percent(0.0001), "0.01 %"),
        (units.points(0.003), "0.3 points"),
        (units.points(-0.001), "−0.1 points"),
        (units.points(-0.0001), "0.0 points"),
        (units.significant(0), "0"),
        (units.significant(0.00312), "0.0031"),
        (units.significant(4.1e-7), "4.1×10⁻⁷"),
        (units.significant(-9.96e-7), "−1.0×10⁻⁶"),
        (units.significant(12.44, 3), "12.4"),
        (units.power_of_ten(1e-3), "10⁻³"),
        (units.title("accuracy"), "Accuracy"),
        (units.title("average precision"), "Average precision"),
        (units.title("RMSE"), "RMSE"),
        (units.apart(0.9796, 0.98, units.percent), "97.96 %"),
        (units.apart(0.98, 0.98, units.percent), "98.0 %"),
    ],
)
def test_reads_well(text: str, expected: str) -> None:
    assert text == expected


@given(st.integers(1, 10**12))
def test_a_size_read_back_is_within_five_per_cent(count: int) -> None:
    number, unit = units.size(count).split()
    assert float(number) * FACTORS[unit] == pytest.approx(count, rel=0.051)


@given(st.floats(0.01, 1e9))
def test_a_duration_read_back_is_within_its_last_digit(microseconds: float) -> None:
    number, unit = units.duration(microseconds).split()
    assert float(number) * FACTORS[unit] == pytest.approx(microseconds, rel=0.051, abs=0.051)


@given(st.floats(1e-6, 1 - 1e-6))
def test_a_share_that_is_not_whole_never_reads_as_whole(share: float) -> None:
    assert 0 < float(units.percent(share).split()[0]) < 100


@given(st.floats(0, 1), st.floats(0, 1))
def test_values_on_two_sides_of_a_limit_read_differently(value: float, limit: float) -> None:
    if abs(value - limit) > 1e-6:
        assert units.apart(value, limit, units.fixed) != units.fixed(limit, 1)


@given(st.floats(1e-12, 1e12))
def test_significant_keeps_two_digits(value: float) -> None:
    text = units.significant(value).replace("×10", "e").translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
    assert float(text) == pytest.approx(value, rel=0.051)
