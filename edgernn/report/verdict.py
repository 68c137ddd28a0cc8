"""The sentences of a report and the numbers behind them, derived from report.json alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from edgernn.report import units

Report = Mapping[str, Any]
Row = Mapping[str, Any]

# The first of these that the build made is the one that the verdict speaks about.
_SHIPPED = ("int8", "int16x8", "dynamic")
_AT_STEP = re.compile(r"max_(state|output)_error_at_(\d+)")


@dataclass(frozen=True)
class Gate:
    """One gate in words: `Agreement with float`, `97.2 %`, `at least 98.0 %`."""

    label: str
    value: str
    limit: str
    passed: bool
    where: str


@dataclass(frozen=True)
class Headline:
    """The numbers at the top. `precision` is what they are about, None when only float was built.

    `drop` and `agreement` are the worst over all engines that ran; `size` and `float_size` are bytes of
    the same target and form.
    """

    precision: str | None
    metric: float | None
    drop: float | None
    agreement: float | None
    size: int | None
    float_size: int | None


def word(report: Report) -> str:
    """PASS or FAIL."""
    return "PASS" if report["passed"] else "FAIL"


def sentence(report: Report) -> str:
    """The verdict and its reasons in one sentence, without the final stop."""
    return f"{word(report)}: {reasons(report)}"


def reasons(report: Report) -> str:
    """What follows the word: the failed gates by value and place, or when all passed the numbers."""
    clauses = [_gate_clause(report)]
    if report["passed"]:
        clauses.append(_number_clause(report))
    failed = len(with_status(report, "failed"))
    if failed and all(gate["name"] != "engines_failed" for gate in report["gates"]):
        clauses.append(f"{failed} {'run' if failed == 1 else 'runs'} failed")
    return "; ".join(clauses)


def gates(report: Report) -> tuple[Gate, ...]:
    """Every gate in words, in the report's order."""
    return tuple(_gate(report, gate) for gate in report["gates"])


def headline(report: Report) -> Headline:
    """The numbers that the verdict quotes."""
    made = {artifact["precision"] for artifact in report["artifacts"]}
    precision = next((name for name in _SHIPPED if name in made), None)
    rows = [row for row in on_engines(report) if precision_of(report, row) == precision]
    size, float_size = _sizes(report, precision)
    worst = max(rows, key=lambda row: row["metric_drop"], default=None) if precision else None
    return Headline(
        precision,
        worst["metric"] if worst else None,
        worst["metric_drop"] if worst else None,
        min((row["agreement"] for row in rows), default=None) if precision else None,
        size,
        float_size,
    )


def with_status(report: Report, *statuses: str) -> list[Row]:
    """Results whose status is one of `statuses`."""
    return [row for row in report["results"] if row["status"] in statuses]


def on_engines(report: Report) -> list[Row]:
    """Results that are over the whole test split; those of boards are over a few of its windows."""
    return [row for row in with_status(report, "ok") if not of_board(row)]


def of_board(row: Row) -> bool:
    """Whether a result is of an image for a board."""
    return "optimisation" in row


def artifact_label(row: Row) -> str:
    """A result's artifact; for a board with what the image is optimised for."""
    return f"{row['artifact']} for {row['optimisation']}" if of_board(row) else str(row["artifact"])


def place(row: Row) -> str:
    """Where a result comes from: `model.int8.tflite on litert`, `c/int8 for size on cortex-m4`."""
    return f"{artifact_label(row)} on {row['device'] if of_board(row) else row['engine']}"


def find_artifact(report: Report, name: str) -> Row | None:
    """The artifact of that name, None for `network`."""
    return next((artifact for artifact in report["artifacts"] if artifact["name"] == name), None)


def precision_of(report: Report, row: Row) -> str:
    """Precision of a result's artifact; the float Network is float32."""
    artifact = find_artifact(report, row["artifact"])
    return artifact["precision"] if artifact else "float32"


def keras_row(report: Report) -> Row | None:
    """The trained Keras model's result, when it ran."""
    rows = on_engines(report)
    return next((r for r in rows if r["artifact"] == "network" and r["engine"] == "keras"), None)


def float_size(report: Report, artifact: Row) -> int | None:
    """Bytes of the float32 artifact of the same target and form."""
    same = (a for a in report["artifacts"] if (a["target"], a["form"]) == (artifact["target"], artifact["form"]))
    return next((a["bytes"] for a in same if a["precision"] == "float32"), None)


def metric_text(report: Report, value: float, digits: int = 3) -> str:
    """A value of the metric with its unit; a fraction has none."""
    unit = report["metric"]["unit"]
    if unit == "fraction":
        return units.fixed(value, digits)
    return f"{units.significant(value, digits)} {unit}".rstrip()


def drop_text(report: Report, value: float, digits: int = 1) -> str:
    """A loss against float: points for a fraction, else the metric's own unit."""
    if report["metric"]["unit"] == "fraction":
        return units.points(value, digits)
    return f"{units.significant(value, digits + 1)} {report['metric']['unit']}".rstrip()


def agreement_text(report: Report, share: float) -> str:
    """An agreement in per cent, with enough digits to tell it from the gate's limit."""
    limit = next((gate["limit"] for gate in report["gates"] if gate["name"] == "agreement_min"), share)
    return units.apart(share, limit, units.percent)


def _sizes(report: Report, precision: str | None) -> tuple[int | None, int | None]:
    """Bytes of the first artifact of `precision` that has a float32 twin, and of that twin."""
    for artifact in report["artifacts"]:
        twin = float_size(report, artifact)
        if artifact["precision"] == (precision or "float32") and twin is not None:
            return artifact["bytes"], twin
    return None, None


def _gate_clause(report: Report) -> str:
    told = gates(report)
    if not told:
        return "no gates set"
    failed = [gate for gate in told if not gate.passed]
    if not failed:
        return f"{len(told)} of {len(told)} gates"
    return f"{len(failed)} of {len(told)} gates failed: " + "; ".join(map(_failure, failed))


def _failure(gate: Gate) -> str:
    place = f" ({gate.where})" if gate.where else ""
    label = gate.label if gate.label[:2].isupper() else gate.label[:1].lower() + gate.label[1:]
    return f"{label} is {gate.value}, must be {gate.limit}{place}"


def _number_clause(report: Report) -> str:
    top = headline(report)
    float_metric = f"float ({metric_text(report, report['metric']['float'])})"
    clauses = []
    if top.drop is None:
        clauses.append(f"{float_metric} alone" if top.precision is None else f"no {top.precision} run to judge")
    elif top.drop > 0:
        clauses.append(f"{top.precision} loses {drop_text(report, top.drop)} against {float_metric}")
    else:
        clauses.append(f"{top.precision} loses nothing against {float_metric}")
    if top.agreement is not None:
        clauses.append(f"agrees on {agreement_text(report, top.agreement)}")
    if top.size is not None and top.float_size is not None and top.precision:
        clauses.append(f"{units.size(top.size)} against {units.size(top.float_size)}")
    return ", ".join(clauses)


def _gate(report: Report, gate: Row) -> Gate:
    label, relation, show = _wording(report, gate["name"])
    value, limit = gate["value"], gate["limit"]
    return Gate(
        label,
        "not measured" if value is None else _value(value, limit, show),
        _yes(limit) if isinstance(limit, bool) else f"{relation} {show(limit, 1)}".strip(),
        gate["passed"],
        gate["where"] or "",
    )


def _value(value: float | bool, limit: float | bool, show: Callable[[float, int], str]) -> str:
    if isinstance(value, bool):
        return _yes(value)
    return show(value, 1) if isinstance(limit, bool) else units.apart(value, limit, show)


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"


def _wording(report: Report, name: str) -> tuple[str, str, Callable[[float, int], str]]:
    """Label, relation and number format of a gate; one that is not known here is told by its name."""
    beyond = "above" if report["metric"]["higher_is_better"] else "below"
    known: dict[str, tuple[str, str, Callable[[float, int], str]]] = {
        "metric_above_baseline": (f"Float {report['metric']['name']}", beyond, partial(_metric, report)),
        "metric_drop_max": ("Loss against float", "at most", partial(drop_text, report)),
        "metric_drop_share_max": ("Loss against float, of its own value", "at most", units.percent),
        "agreement_min": ("Agreement with float", "at least", units.percent),
        "size_ratio_max": ("Size against float", "at most", units.percent),
        "engines_failed": ("Number of failed runs", "at most", lambda value, _: units.count(value)),
        "c_equals_reference": ("C equals the reference", "", units.percent),
        "step_equals_sequence": ("Step equals sequence", "", units.percent),
        "float32_error_max": ("Float32 error, of the outputs' spread", "at most", units.percent),
        "keras_error_max": ("Difference from Keras, of the outputs' spread", "at most", units.percent),
        "flash_max": ("Flash on the board", "at most", _bytes),
        "ram_max": ("RAM on the board", "at most", _bytes),
        "board_equals_reference": ("Boards equal the reference", "", units.percent),
        "parameters_max": ("Parameters", "at most", lambda value, _: units.count(value)),
        "detection_auc_min": ("AUC of anomalies", "at least", _auc),
        "detection_auc_drop_max": ("Loss of the AUC of anomalies", "at most", _auc),
        "detection_above_baseline": ("AUC of anomalies", "above", _auc),
        "detection_top": ("Largest score is of an anomaly", "", units.percent),
        "false_alarms_max": ("False alarms", "at most", lambda value, _: units.count(value)),
    }
    if at_step := _AT_STEP.fullmatch(name):
        label = f"{at_step[1].capitalize()} error at step {units.count(int(at_step[2]))}"
        return label, "at most", lambda value, digits: units.significant(value, digits + 1)
    stem, _, end = name.rpartition("_")
    relation = {"max": "at most", "min": "at least"}.get(end, "")
    label = (stem if relation else name).replace("_", " ")
    return known.get(name, (label[:1].upper() + label[1:], relation, _plain))


def _metric(report: Report, value: float, digits: int) -> str:
    return metric_text(report, value, digits + 2)


def _auc(value: float, digits: int) -> str:
    return units.fixed(value, digits + 2)


def _bytes(value: float, digits: int) -> str:
    return f"{units.count(value)} B"


def _plain(value: float, digits: int) -> str:
    return units.count(value) if value == round(value) else units.significant(value, digits + 2)
