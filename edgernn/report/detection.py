"""Words or anomalies found in a long stream: a table of what was found, and in words what it is of."""

from __future__ import annotations

from typing import Any

from edgernn.report import svg, units
from edgernn.report.grid import Column, Line, Table
from edgernn.report.marks import COLOURS
from edgernn.report.verdict import Report, precision_of

ABOUT_THRESHOLDS = (
    "What other thresholds come to on this stream. It is the test's: the recipe's decide.false_accepts_per_hour "
    "chooses one that keeps such a limit along a stream of the validation voices."
)
COUNTS = (Column("Hits", True), Column("Hit rate", True), Column("False accepts", True))
LIMITS = (0, 1, 2, 5, 10, 20, 50, 100, 200)  # false accepts an hour that a table of thresholds may ask for


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


def trade_off(report: Report) -> Table:
    """Which threshold finds most words with so many false accepts an hour, of what runs on the device if it ran.

    The stream tells no rates below one false accept in it, so no such limit is asked for but none at all.
    """
    found = report.get("detection", {})
    row = _of_device(report)
    columns = (
        Column("False accepts per hour, at most", True),
        Column("Threshold", True),
        *COUNTS,
    )
    lines: list[Line] = []
    told = None
    for limit in LIMITS if row else ():
        kept = [one for one in row["by_threshold"] if one["false_accepts_per_hour"] <= limit]
        best = max(kept, key=lambda one: (one["hits"], one["threshold"]), default=None)
        if best and best != told and (not limit or limit * found["hours"] >= 1):
            told = best
            threshold = units.significant(best["threshold"], 3)
            lines.append(Line((units.count(limit), threshold, *_counts(best))))
    caption = f"Thresholds on this stream, {row['artifact']}" if row else "Thresholds"
    return Table(caption, columns, tuple(lines))


def trade_off_plot(report: Report) -> str:
    """Hit rate against false accepts an hour over all thresholds; empty where no thresholds were tried."""
    found = report.get("detection", {})
    rows = [row for row in found.get("results", ()) if row.get("by_threshold")]
    if not rows:
        return ""
    with svg.style("thresholds"):
        figure, axes = svg.axes()
        for row in rows:
            colour = COLOURS[precision_of(report, row)]
            rates = [one["false_accepts_per_hour"] for one in row["by_threshold"]]
            hits = [one["hit_rate"] for one in row["by_threshold"]]
            axes.plot(rates, hits, color=colour, linewidth=1.5)
            axes.scatter(row["false_accepts_per_hour"], row["hit_rate"], s=46, color=colour, zorder=3)
        axes.set_xscale("symlog", linthresh=max(1.0, 1 / found["hours"]))
        axes.xaxis.set_major_formatter(lambda value, _: units.count(round(value)))
        axes.set_xlim(left=0)
        axes.yaxis.set_major_formatter(lambda value, _: units.percent(value, 0))
        axes.set_xlabel("False accepts per hour")
        axes.set_title("Hit rate by threshold")
        return svg.inline(figure, "hit rate against false accepts per hour over all thresholds")


def _of_device(report: Report) -> Any:
    """The last row with thresholds: that of the C where it ran, else of the float network; None without."""
    rows = report.get("detection", {}).get("results", ())
    return next((row for row in reversed(rows) if row.get("by_threshold")), None)


def _counts(found: dict[str, Any]) -> tuple[str, ...]:
    """Hits, their share and false accepts of decisions along a stream."""
    return (
        f"{units.count(found['hits'])} of {units.count(found['said'])}",
        units.percent(found["hit_rate"]),
        units.count(found["false_accepts"]),
    )


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
        *COUNTS,
        Column("False accepts per hour", True),
    )
    rows = found["results"] if found else ()
    lines = (
        Line(
            (
                row["artifact"],
                row["engine"],
                *_counts(row),
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
