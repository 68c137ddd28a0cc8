"""Words found in a long stream: a table of hit rates and false accepts, and in words what they are of."""

from __future__ import annotations

from edgernn.report import units
from edgernn.report.grid import Column, Line, Table
from edgernn.report.verdict import Report


def description(report: Report) -> str:
    """What the stream is and what decides, in words; empty when nothing was decided along one."""
    found = report.get("detection")
    if not found:
        return ""
    rule = found["rule"]
    said = found["results"][0]["said"]
    return (
        f"{units.fixed(60 * found['hours'], 0)} minutes of speakers who took no part in training, with "
        f"{units.count(said)} of the words at known times, other speech and noise; never reset. A word is decided "
        f"for when the mean of its posterior over {units.count(rule['smooth'])} steps reaches "
        f"{units.fixed(rule['threshold'], 2)}, and then nothing for {units.count(rule['refractory'])} steps."
    )


def table(report: Report) -> Table:
    """Hits, hit rate and false accepts of the float network and of what runs on the device."""
    found = report.get("detection")
    columns = (
        Column("Artifact"),
        Column("Engine"),
        Column("Hits", True),
        Column("Hit rate", True),
        Column("False accepts", True),
        Column("False accepts per hour", True),
    )
    rows = found["results"] if found else ()
    lines = (
        Line(
            (
                row["artifact"],
                row["engine"],
                f"{units.count(row['hits'])} of {units.count(row['said'])}",
                units.percent(row["hit_rate"]),
                units.count(row["false_accepts"]),
                units.fixed(row["false_accepts_per_hour"], 1),
            )
        )
        for row in rows
    )
    return Table("Words found", columns, tuple(lines))
