"""Text that the network wrote, the float one and the int8 one side by side, and in words how it was drawn."""

from __future__ import annotations

from typing import NamedTuple

from edgernn.report import units
from edgernn.report.verdict import Report


class Written(NamedTuple):
    """What one of them wrote: `title` names it, `text` begins with the prompt."""

    title: str
    text: str


class Sample(NamedTuple):
    """What all wrote after one prompt, and in words how long it is the same."""

    caption: str
    written: tuple[Written, ...]


def description(report: Report) -> str:
    """How the texts were drawn, in words; empty where nothing was."""
    found = report.get("samples")
    if not found:
        return ""
    rule = found["rule"]
    among = f"among the {units.count(rule['top_k'])} likeliest" if rule["top_k"] else "among all"
    return (
        f"{units.count(found['length'])} tokens after a prompt at most, each drawn {among} by the softmax of its "
        f"score divided by {units.significant(rule['temperature'])}; the float network and the int8 C draw by the "
        f"same random numbers, those of seed {found['seed']}. Where they part, a score was rounded across a draw."
    )


def samples(report: Report) -> list[Sample]:
    """One for each prompt."""
    texts = report["samples"]["texts"] if report.get("samples") else []
    return [
        Sample(
            _caption(one["prompt"], one["part_after"], len(one["written"])),
            tuple(
                Written(f"{row['artifact']} on {row['engine']}", one["prompt"] + row["text"])
                for row in one["written"]
            ),
        )
        for one in texts
    ]


def _caption(prompt: str, apart: int | None, count: int) -> str:
    after = f"After “{' '.join(prompt.split())}”" if prompt.strip() else "Without a prompt"
    if count < 2:
        return f"{after}; no int8 C ran here."
    if apart is None:
        return f"{after}: the same to the end."
    return (
        f"{after}: the first {units.count(apart)} tokens are the same." if apart else f"{after}: they part at once."
    )
