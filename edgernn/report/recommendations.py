"""Lists of what comes next: a table of what they hold, and in words what was asked."""

from __future__ import annotations

from edgernn.report import units
from edgernn.report.grid import Column, Line, Table
from edgernn.report.verdict import Report


def description(report: Report) -> str:
    """What was asked, in words; empty where there are no lists."""
    found = report.get("recommendations")
    if not found:
        return ""
    rule = found["rule"]
    seen = ", without what the basket has already" if rule["exclude_seen"] else ""
    return (
        f"After every item of the latest baskets, the {units.count(rule['count'])} that come next most "
        f"likely{seen}: {units.count(found['asked'])} lists, each held to the item that came. Another "
        f"{units.percent(found['unknown_share'])} of the items that came are not in the vocabulary and were not "
        "asked for. Overlap is the mean share of a list that the float network's has, too."
    )


def table(report: Report) -> Table:
    """Recall of the float network's lists and of those that the C makes, and what they share."""
    found = report.get("recommendations")
    columns = (
        Column("Artifact"),
        Column("Engine"),
        Column("Recall", True),
        Column("Overlap with float", True),
        Column("Same items", True),
        Column("As defined", True),
    )
    keys = ("recall", "overlap", "same", "equals_definition")
    lines = (
        Line((row["artifact"], row["engine"], *(units.percent(row[key]) if key in row else "" for key in keys)))
        for row in (found["results"] if found else ())
    )
    return Table("What comes next", columns, tuple(lines))
