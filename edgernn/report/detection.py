"""Words or anomalies found in a long stream: a table of what was found, and in words what it is of."""

from __future__ import annotations

from typing import Any

from edgernn.report import units
from edgernn.report.grid import Column, Line, Table
from edgernn.report.verdict import Report


def heading(report: Report) -> str:
    """What was looked for."""
    return "Anomalies along the test" if _alarms(report) else "Words in a long stream"


def description(report: Report) -> str:
    """What the stream is and what decides, in words; empty when nothing was decided along one."""
    found = report.get("detection")
    if not found:
        return ""
    return _of_alarms(found) if _alarms(report) else _of_words(found)


def table(report: Report) -> Table:
    """What the float network finds, and what runs on the device."""
    if _alarms(report):
        return _anomalies(report["detection"])
    return _words(report.get("detection"))


def _alarms(report: Report) -> bool:
    return bool(report.get("detection", {}).get("rule", {}).get("rule") == "alarm")


def _of_words(found: dict[str, Any]) -> str:
    rule = found["rule"]
    said = found["results"][0]["said"]
    return (
        f"{units.fixed(60 * found['hours'], 0)} minutes of speakers who took no part in training, with "
        f"{units.count(said)} of the words at known times, other speech and noise; never reset. A word is decided "
        f"for when the mean of its posterior over {units.count(rule['smooth'])} steps reaches "
        f"{units.fixed(rule['threshold'], 2)}, and then nothing for {units.count(rule['refractory'])} steps."
    )


def _of_alarms(found: dict[str, Any]) -> str:
    rule = found["rule"]
    smooth = units.count(rule["smooth"])
    return (
        f"{units.count(found['frames'])} frames, one after the other and never reset. There is an alarm when "
        f"{smooth} frames are on the mean {units.significant(rule['threshold'], 3)} or more from what was forecast "
        f"for them, and no other one until that was less for {units.count(rule['refractory'])} steps. A frame's "
        f"score is the mean over all {smooth} frames in a row that it is among; an alarm, or the largest sum, is "
        f"of an anomaly when one of its frames is labelled. Discords are the distances of {smooth} frames in a row "
        "to their nearest neighbour among the normal ones, scored alike."
    )


def _words(found: dict[str, Any] | None) -> Table:
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


def _anomalies(found: dict[str, Any]) -> Table:
    columns = (
        Column("Artifact"),
        Column("Engine"),
        Column("AUC", True),
        Column("Largest score"),
        Column("Found", True),
        Column("Alarms", True),
        Column("False alarms", True),
        Column("Delay, steps", True),
    )
    baselines = [{"artifact": row["name"].replace("_", " "), "engine": "", **row} for row in found["baselines"]]
    return Table("Anomalies found", columns, tuple(map(_anomaly_line, (*found["results"], *baselines))))


def _anomaly_line(row: dict[str, Any]) -> Line:
    top = {True: "of an anomaly", False: "of normal frames", None: units.NONE}[row["top"]]
    found, auc, delay = row["found"], row["auc"], row["delay"]
    return Line(
        (
            row["artifact"],
            row["engine"],
            units.NONE if auc is None else units.fixed(auc, 4),
            top,
            units.NONE if found is None else f"{units.count(found)} of {units.count(row['anomalies'])}",
            *(units.NONE if row[key] is None else units.count(row[key]) for key in ("alarms", "false_alarms")),
            units.NONE if delay is None else units.fixed(delay, 0),
        )
    )
