"""How the integer network was made: which precision each layer has, what was tried, and what saturates."""

from __future__ import annotations

from collections.abc import Mapping

from edgernn.report import units
from edgernn.report.grid import Column, Line, Table
from edgernn.report.verdict import Report, Row, agreement_text, drop_text, metric_text


def precisions(report: Report) -> Mapping[str, str]:
    """The precision of each layer in the int8 artifacts, by layer; empty when there is no int8 artifact."""
    found = report.get("quantization")
    return found["precisions"] if found and "int8" in _made(report) else {}


def description(report: Report) -> str:
    """What the layers of the integer artifacts compute with, in words; empty when there is no such artifact."""
    told = []
    if own := precisions(report):
        told.append(f"In int8 artifacts {_mix(own)}.")
        if "int8" in own.values():
            state = report["quantization"]["state"]
            told.append(f"TFLite and ONNX keep the recurrent states of int8 layers as {state}, C always as int16.")
    if report.get("quantization") and "int16x8" in _made(report):
        told.append("In int16x8 artifacts every layer has int16 activations.")
    return " ".join(told)


def mixes(report: Report) -> str:
    """What the table of mixes shows, in words; empty when the recipe gives the precisions."""
    if not _tried(report, "mixes"):
        return ""
    limit = _drift_max(report)
    aim = "" if limit is None else f" for a drift of at most {units.significant(limit)}"
    return (
        f"Mixes of int8 and int16x8 layers that were tried{aim}. The cost is relative to int8 in every layer: the "
        "parameters, those of int16x8 layers counted twice. The drift is the mean error of the outputs on "
        "calibration windows by the integer reference, in standard deviations of the float outputs."
    )


def mix_table(report: Report) -> Table:
    """The mixes that were tried, the cheapest first."""
    columns = (Column("Layers in int16x8"), Column("Cost", True), Column("Drift", True), Column("Chosen"))
    rows = sorted(_tried(report, "mixes"), key=lambda row: (row["cost"], -row["drift"]))
    lines = (
        Line(
            (
                ", ".join(_wide(row["choice"])) or "none",
                units.significant(row["cost"], 3),
                _drift(row["drift"], _drift_max(report)),
                _yes(row["choice"] == report["quantization"]["precisions"]),
            )
        )
        for row in rows
    )
    return Table("Mixes that were tried", columns, tuple(lines))


def states(report: Report) -> str:
    """What the table of states shows, in words; empty when the recipe gives the type."""
    if not _tried(report, "states"):
        return ""
    return (
        "Types of the recurrent states that were tried on LiteRT, with the int8 sequence model and the calibration "
        "windows: int8 where the recipe's gates on loss and agreement hold there, else int16."
    )


def state_table(report: Report) -> Table:
    """The types of the recurrent states that were tried, each against the float network."""
    columns = (
        Column("States"),
        Column(units.title(report["metric"]["name"]), True),
        Column("Loss", True, "Against float"),
        Column("Agreement", True, "Against float"),
        Column("Max error", True, "Against float"),
        Column("Mean error", True, "Against float"),
        Column("Chosen"),
    )
    lines = (
        Line(
            (
                row["state"],
                metric_text(report, row["metric"]),
                drop_text(report, row["metric_drop"]),
                agreement_text(report, row["agreement"]),
                units.significant(row["max_abs_error"]),
                units.significant(row["mean_abs_error"]),
                _yes(row["state"] == report["quantization"]["state"]),
            )
        )
        for row in _tried(report, "states")
    )
    return Table("Types of the states that were tried", columns, tuple(lines))


def saturation(report: Report) -> str:
    """How often states saturate, in words; empty when no state can."""
    found = _saturation(report)
    if not found:
        return ""
    if not any(found.values()):
        return "Of the states that can saturate, none did on the calibration windows."
    before = ", with int8 in every layer, before a mix was chosen" if _tried(report, "mixes") else ""
    return (
        "The share of a state's values on the calibration windows that lie at the end of the integers that hold "
        f"them{before}. A state that its layer keeps in bounds cannot saturate and is left out."
    )


def saturation_table(report: Report) -> Table:
    """The share of saturated values by state, the largest first; empty when there is none."""
    found = _saturation(report)
    ranked = sorted(found.items(), key=lambda pair: -pair[1]) if any(found.values()) else []
    lines = (Line((name, units.percent(share))) for name, share in ranked)
    return Table("Saturation of states", (Column("State"), Column("Saturated", True)), tuple(lines))


def _made(report: Report) -> set[str]:
    return {artifact["precision"] for artifact in report["artifacts"]}


def _saturation(report: Report) -> Mapping[str, float]:
    """The share of saturated values by state; empty without an integer artifact."""
    integer = _made(report) & {"int8", "int16x8"}
    return report["quantization"]["saturation"] if integer and report.get("quantization") else {}


def _tried(report: Report, key: str) -> list[Row]:
    """What was tried for int8 artifacts, which a build without one has no use for."""
    return list(report["quantization"].get(key, ())) if precisions(report) else []


def _wide(choice: Mapping[str, str]) -> list[str]:
    return [name for name, precision in choice.items() if precision == "int16x8"]


def _mix(choice: Mapping[str, str]) -> str:
    wide = _wide(choice)
    if not wide:
        return "every layer has int8 activations"
    if len(wide) == len(choice):
        return "every layer has int16 activations (int16x8)"
    have = "has" if len(wide) == 1 else "have"
    return f"{', '.join(wide)} {have} int16 activations (int16x8), every other layer int8 ones"


def _drift_max(report: Report) -> float | None:
    return report["recipe"].get("quantize", {}).get("drift_max")


def _drift(value: float, limit: float | None) -> str:
    return units.significant(value) if limit is None else units.apart(value, limit, units.significant, 2)


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"
