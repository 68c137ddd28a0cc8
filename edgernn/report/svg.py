"""The look of every plot, and a matplotlib figure as an inline SVG element.

Text stays text and every colour is a CSS variable, so that the page's fonts and dark mode apply. The same
figure gives the same bytes.
"""

from __future__ import annotations

import io
import re
from contextlib import AbstractContextManager
from html import escape
from typing import Any

from edgernn.report.marks import COLOURS

_INCHES = (6.1, 4.3)  # of 72 points: with 10-point text, legible on a phone at its full width
_STYLE = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.edgecolor": COLOURS["muted"],
    "axes.labelcolor": COLOURS["muted"],
    "axes.titlecolor": COLOURS["ink"],
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": COLOURS["rule"],
    "grid.linewidth": 0.7,
    "text.color": COLOURS["ink"],
    "xtick.color": COLOURS["muted"],
    "ytick.color": COLOURS["muted"],
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
}


def style(salt: str) -> AbstractContextManager[None]:
    """Draw inside this; `salt` sets the ids of one plot of a page apart from another's."""
    from matplotlib import rc_context

    return rc_context({**_STYLE, "svg.hashsalt": f"edgernn {salt}"})


def axes() -> tuple[Any, Any]:
    """An empty figure and its axes, with room for tick labels and a title."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=_INCHES, dpi=72)
    return figure, figure.add_axes((0.105, 0.125, 0.855, 0.785))


def inline(figure: Any, description: str) -> str:
    """The figure as an element: without prolog, metadata, style sheet, fixed size, font or unused id."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"\s*<(metadata|style)\b.*?</\1>", "", text, flags=re.DOTALL)
    box = re.search(r"viewBox=\"[\d. ]+\"", text)
    opening = f'<svg class="plot" role="img" aria-label="{escape(description)}" {box.group() if box else ""}>'
    text = opening + text[text.index(">") + 1 :]
    text = re.sub(r"font: (bold )?([\d.]+px)[^;\"]*", r"font: \g<1>\g<2> var(--sans)", text)
    text = re.sub(r"font-family: [^;\"]*", "font-family: var(--sans)", text)
    text = text.replace("xlink:href", "href")
    for name, stand_in in COLOURS.items():
        text = text.replace(stand_in, f"var(--{name})")
    used = set(re.findall(r"(?:url\(|href=\")#([^)\"]+)", text))
    return re.sub(r" id=\"([^\"]*)\"", lambda m: m.group(0) if m.group(1) in used else "", text).strip()
