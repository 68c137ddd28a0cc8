"""What benchmarks judge by: that their limits name what they measure, and what they count."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from report.sample import sample_report

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def modules() -> Iterator[dict[str, ModuleType]]:
    sys.path.insert(0, str(FOLDER))
    yield {name: importlib.import_module(name) for name in ("speed", "c_speed", "boards", "recipes")}
    sys.path.remove(str(FOLDER))


def test_a_sparse_network_has_so_many_zero_blocks(modules: dict[str, ModuleType]) -> None:
    network = modules["c_speed"].random_network("gru", 32, 64, 32, 0.8)
    for name, matrix in network.constants().items():
        if matrix.ndim == 2:
            rows, columns = matrix.shape
            held = matrix.reshape(rows // 16, 16, columns // 4, 4).any(axis=(1, 3))
            assert held.sum() == pytest.approx(0.2 * held.size, abs=3), name  # a cell's matrix may be several


def test_limits_name_rows_that_are_measured(modules: dict[str, ModuleType], tmp_path: Path) -> None:
    c_speed = modules["c_speed"]
    nets = (*c_speed.DENSE, *c_speed.SPARSE)
    rows = {net.row(who) for net in nets for who in c_speed.ways(c_speed.Bench(net, tmp_path))}
    named = {name for limit in c_speed.LIMITS for name in (*limit.over, limit.under, limit.less)}
    assert named <= rows | {c_speed.EMPTY, ""}


@pytest.mark.parametrize(
    ("sense", "limit", "verdict"),
    [("at least", 2.0, "pass"), ("at least", 2.1, "FAIL"), ("at most", 2.0, "pass"), ("at most", 1.9, "FAIL")],
)
def test_the_fastest_that_ran_is_compared(
    modules: dict[str, ModuleType], sense: str, limit: float, verdict: str
) -> None:
    times = {
        name: modules["speed"].Times(np.full((3, 2), t), 1) for name, t in (("a", 9.0), ("b", 5.0), ("c", 3.0))
    }
    times["call"] = modules["speed"].Times(np.ones((3, 2)), 0)
    asked = modules["c_speed"].Limit("text", ("a", "b", "none"), "c", sense, limit, less="call")
    told: dict[str, Any] = modules["c_speed"].judged(asked, times, {"none": "not installed"})
    assert (told["over"], told["ratio"], told["verdict"]) == ("b", 2.0, verdict)


def test_a_limit_on_what_did_not_run_is_skipped(modules: dict[str, ModuleType]) -> None:
    asked = modules["c_speed"].Limit("text", ("a",), "c", "at least", 1.0)
    told = modules["c_speed"].judged(asked, {}, {"a": "not installed", "c": "no compiler"})
    assert (told["verdict"], told["skipped"]) == ("skipped", "a: not installed")


@pytest.mark.parametrize(("cell", "gates"), [("gru", 3), ("lstm", 4)])
def test_multiplications_of_edgemarks_networks(modules: dict[str, ModuleType], cell: str, gates: int) -> None:
    network = modules["c_speed"].random_network(cell, 32, 64, 32)
    assert modules["boards"].multiplications(network) == 100 * gates * 64 * (32 + 64) + 64 * 32


def test_a_board_that_misses_a_limit_fails(modules: dict[str, ModuleType]) -> None:
    boards = modules["boards"]
    row = {"net": "GRU 64", "who": boards.OURS, "board": "cortex-m4", "per_mac": 1.7, "ram_bytes": 4001}
    told = {one["name"]: one["verdict"] for one in boards.edgemark_limits([row | {"flash_bytes": 40_000}])}
    assert told["GRU 64 on cortex-m4: instructions a MAC"] == "pass"
    assert told["GRU 64 on cortex-m4: kB of flash"] == "pass"
    assert told["GRU 64 on cortex-m4: kB of RAM"] == "FAIL"


def readme(recipes: ModuleType, *rows: tuple[str, ...]) -> str:
    return f"before\n<!-- benchmarks/recipes.py -->\n{recipes.table(rows)}\n<!-- end -->\nafter\n"


def line(recipes: ModuleType, name: str, text: str) -> tuple[str, ...]:
    return (f"`{name}`", *[text] * (len(recipes.COLUMNS) - 1))


def test_rows_of_recipes_that_were_not_built_stay(modules: dict[str, ModuleType]) -> None:
    recipes = modules["recipes"]
    old = [line(recipes, name, "old 1 ± 0") for name in ("ecg", "text")]
    new = [line(recipes, name, "new") for name in ("sine", "ecg")]
    assert recipes.with_rows(readme(recipes, *old), new) == readme(recipes, new[1], new[0], old[1])
    assert recipes.with_rows(readme(recipes), new) == readme(recipes, new[1], new[0])


def test_a_table_of_other_columns_is_written_only_as_a_whole(modules: dict[str, ModuleType]) -> None:
    recipes = modules["recipes"]
    rows = [line(recipes, "ecg", "new")]
    older = readme(recipes, line(recipes, "ecg", "old"), line(recipes, "text", "old")).replace("seeds", "runs")
    with pytest.raises(SystemExit, match="other columns"):
        recipes.with_rows(older, rows)
    assert recipes.with_rows(older, [*rows, line(recipes, "text", "new")]).count("new") > 20
    with pytest.raises(SystemExit, match="no marks"):
        recipes.with_rows("nothing", rows)


def test_a_recipes_row_is_what_its_reports_say(modules: dict[str, ModuleType]) -> None:
    """Means over seeds with their deviation; the first seed's latency, instructions and time."""
    recipes = modules["recipes"]
    reports = [sample_report(), sample_report()]
    reports[0]["metric"]["float"], reports[1]["metric"]["float"] = 0.9, 0.8
    found = dict(zip(recipes.COLUMNS, recipes.row("activity", reports), strict=True))
    assert found["recipe"] == "`activity`"
    assert found["seeds"] == "2"
    assert found["float"] == "0.850 ± 0.07"
    seconds = sum(stage["seconds"] for stage in reports[0]["provenance"]["stages"])
    assert float(found["build, minutes"]) == pytest.approx(seconds / 60, abs=0.05)
    worst = max(recipes.int8(reports[0]), key=lambda result: result["metric_drop"])
    assert found["int8"] == f"{worst['metric']:.3f} ± 0"
