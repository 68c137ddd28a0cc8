"""Numbers as a reader wants them: few digits, a unit, and never rounded across a line that matters."""

from __future__ import annotations

from collections.abc import Callable
from math import floor, log10

MINUS = "\N{MINUS SIGN}"
NONE = "\N{EN DASH}"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def size(count: float) -> str:
    """Bytes in powers of 1000: `870 B`, `9.8 kB`, `1.3 MB`."""
    return _scaled(count, ((1, "B"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB")))


def duration(microseconds: float) -> str:
    """Microseconds as `8.2 µs`, `160 µs`, `2.1 ms` or `1.3 s`."""
    return _scaled(microseconds, ((1, "µs"), (1e3, "ms"), (1e6, "s")))


def seconds(value: float) -> str:
    """Seconds of a build stage: `0.4 s`, `37 s`, `2 min 05 s`."""
    whole = round(value)
    if whole >= 60:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{value:.1f} s" if value < 9.95 else f"{whole} s"


def count(value: float) -> str:
    """A count with thousands set apart: `9,863`."""
    return f"{value:,.0f}"


def percent(share: float, digits: int = 1) -> str:
    """A share of 1 as per cent; one that is not whole is never shown as 0 or 100."""
    while digits < 6 and 0 < share < 1 and float(f"{100 * share:.{digits}f}") in (0, 100):
        digits += 1
    return f"{_signed(100 * share, digits)} %"


def points(fraction: float, digits: int = 1) -> str:
    """A difference between two shares of 1, in points of a hundred."""
    return f"{_signed(100 * fraction, digits)} points"


def fixed(value: float, digits: int = 3) -> str:
    """A plain number with a fixed number of decimals and a true minus sign."""
    return _signed(value, digits)


def significant(value: float, digits: int = 2) -> str:
    """A number by its leading digits: `0`, `0.0031`, `12.4`, `4.1×10⁻⁷`."""
    if value == 0:
        return "0"
    exponent = floor(log10(float(f"{abs(value):.{digits - 1}e}")))
    if exponent < -4 or exponent > 5:
        mantissa = _signed(value / 10.0**exponent, digits - 1)
        return f"{mantissa}×10{str(exponent).translate(_SUPERSCRIPT)}"
    return _signed(value, max(0, digits - 1 - exponent))


def power_of_ten(value: float) -> str:
    """The label of a decade on a logarithmic axis: `10⁻³`."""
    return f"10{str(round(log10(value))).translate(_SUPERSCRIPT)}"


def apart(value: float, limit: float, show: Callable[[float, int], str], digits: int = 1) -> str:
    """`value` with as many digits as it takes to read differently from `limit`, when it is different."""
    while value != limit and digits < 6 and show(value, digits) == show(limit, digits):
        digits += 1
    return show(value, digits)


def title(name: str) -> str:
    """A name as a heading begins; capitals inside it stay: `Accuracy`, `RMSE`."""
    return name[:1].upper() + name[1:]


def _scaled(value: float, steps: tuple[tuple[float, str], ...]) -> str:
    factor, unit = next((s for s in reversed(steps) if value >= 0.9995 * s[0]), steps[0])
    scaled = value / factor
    digits = 0 if (factor == 1 and scaled == round(scaled)) or scaled >= 99.95 else 1
    return f"{scaled:.{digits}f} {unit}"


def _signed(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", MINUS)
