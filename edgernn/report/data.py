"""What the data became: tables of the examples in each split, and of what is in none, or only in part."""

from __future__ import annotations

from edgernn.datasets.splits import LeftOut
from edgernn.report import units
from edgernn.report.grid import Column, Line, Table
from edgernn.report.verdict import Report

TOTALS = {"examples": "examples", "groups": "groups that they are of", "asked": "answers asked for"}
ABOUT_LEFT_OUT = "What was read is not in the splits as it was:"


def table(report: Report) -> Table:
    """The examples, groups and classes of each split; no line in a report from before they were told.

    Groups and answers are told where there are more or fewer of them than examples.
    """
    parts = report["data"]["splits"] if "data" in report else ()
    totals = [key for key in TOTALS if any(key == "examples" or part[key] != part["examples"] for part in parts)]
    labels = list(parts[0].get("classes", ())) if parts else []
    lines = (
        *(Line((TOTALS[key], *(units.count(part[key]) for part in parts))) for key in totals),
        *(Line((label, *(units.count(part["classes"][label]) for part in parts))) for label in labels),
    )
    columns = (Column("Number of"), *(Column(units.title(part["name"]), True) for part in parts))
    return Table("Examples by split", columns, lines)


def left_out_table(report: Report) -> Table:
    """How many of what are in no split, or were cut or filled, and why."""
    rows = report["data"]["left_out"] if "data" in report else ()
    lines = (Line((row["what"], units.count(row["count"]), LeftOut(**row).became, row["why"])) for row in rows)
    columns = (Column("What"), Column("Number", True), Column("Became"), Column("Why"))
    return Table("Left out, cut or filled", columns, tuple(lines))
