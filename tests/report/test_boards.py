from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from edgernn import compare
from edgernn.report import boards, results, summary, units, verdict, write
from edgernn.report.files import fault
from edgernn.report.render import html, markdown

from .sample import EXAMPLES, cell, sample_report


def image(optimisation: str = "size", device: str = "cortex-m4", **values: Any) -> dict[str, Any]:
    """A row of report.json: an image that ran."""
    memory = {"peak_bytes": None, "state_bytes": 176, "scratch_bytes": None, "arena_bytes": None}
    return {
        "artifact": "c/int8",
        "form": "step",
        "precision": "int8",
        "engine": "c",
        "engine_version": "arm-none-eabi-gcc 12.2",
        "device": device,
        "optimisation": optimisation,
        "sha256": "0" * 64,
        "image": f"firmware/{device}/int8.{optimisation}.elf",
        "status": "ok",
        "reason": "",
        "metric": 0.95,
        "metric_drop": -0.05,
        "agreement": 0.9,
        "max_abs_error": 0.5,
        "mean_abs_error": 0.1,
        "windows": 20,
        "equals_reference": 1.0,
        "latency_us": None,
        "memory": memory | {"static_ram_bytes": 176, "stack_bytes": 868},
        "flash_bytes": 26_144,
        "sections": {"code": 1560, "weights": 24_584, "data": 0, "bss": 0},
        "instructions": 104_693,
        "instructions_per_mac": 5.65,
        "emulator": "qemu-system-arm 7.2",
    } | values


def not_run(**values: Any) -> dict[str, Any]:
    numbers = ("metric", "metric_drop", "agreement", "max_abs_error", "mean_abs_error", "memory", "instructions")
    ran = ("windows", "equals_reference", "emulator", "instructions_per_mac")
    row = {key: value for key, value in image().items() if key not in ran}
    return row | dict.fromkeys(numbers) | {"status": "skipped", "reason": "no emulator; install qemu"} | values


def with_boards(*rows: dict[str, Any]) -> dict[str, Any]:
    report = sample_report()
    report["results"] += rows
    assert fault(report) is None
    return report


def printed(rows: list[dict[str, Any]]) -> list[str]:
    console = Console(width=80, color_system=None)
    with console.capture() as capture:
        console.print(boards.terminal_table(rows))
    return [line.strip() for line in capture.get().splitlines()]


def test_a_row_an_image() -> None:
    report = with_boards(image(), image("speed", instructions=None, instructions_per_mac=None))
    table = boards.table(report)
    wanted = {
        "Board": "cortex-m4",
        "Precision": "int8",
        "Optimised for": "size",
        "Median": "104,693",
        "Per": "step",
    }
    wanted |= {"Per MAC": "5.65", "Code": "1,560", "Weights": "24,584", "State": "176", "Stack": "868"}
    assert {name: cell(table, 0, name) for name in wanted} == wanted | {}
    assert [
        text for column, text in zip(table.columns, table.lines[0].cells, strict=True) if column.title == "Total"
    ] == [
        "26,144",
        "1,044",
    ]
    assert "Data" not in [column.title for column in table.columns]  # nobody has any
    assert (cell(table, 1, "Median"), cell(table, 1, "Per")) == (units.NONE, units.NONE)
    assert table.groups[1][0] == "Instructions"


def test_static_data_that_is_not_the_state_is_told() -> None:
    memory = image()["memory"] | {"static_ram_bytes": 200}
    assert boards.ram({"memory": memory}) == 1068
    titles = [(column.group, column.title) for column in boards.table(with_boards(image(memory=memory))).columns]
    assert ("RAM, bytes", "Data") in titles


def test_equality_and_what_stands_for_it() -> None:
    report = with_boards(
        image(), image("speed", equals_reference=0.99999), not_run(), not_run(status="failed", reason="crash")
    )
    table = boards.table(report)
    assert [line.cells[-1] for line in table.lines] == ["yes", "99.999 %", "not run", "failed"]
    assert [line.tone for line in table.lines] == ["pass", "fail", "skip", "fail"]


def test_the_description_says_what_was_counted_and_on_what() -> None:
    text = boards.description(with_boards(image()))
    assert f"with 20 of the {units.count(EXAMPLES)} test examples" in text
    assert "instructions, not cycles." in text
    assert "no latency" in text
    assert "WebAssembly" in boards.description(with_boards(image(device="wasm")))
    assert boards.description(with_boards(not_run())).startswith("Built and not run.")


def test_other_parts_of_the_report_leave_boards_out() -> None:
    """Their metric is over a few windows, and no latency is theirs."""
    plain, report = sample_report(), with_boards(image(agreement=0.1, metric_drop=0.5), image(device="wasm"))
    assert results.result_table(report) == results.result_table(plain)
    assert verdict.headline(report) == verdict.headline(plain)
    assert results.engine_versions(report) == results.engine_versions(plain)
    assert results.devices(report) == "host"


def test_an_image_that_did_not_run_is_among_what_is_missing() -> None:
    last = results.missing_table(with_boards(not_run())).lines[-1]
    assert last.cells == ("c/int8 for size", "c", "cortex-m4", "skipped", "no emulator; install qemu")


def test_pages_have_a_section_where_there_are_boards() -> None:
    assert 'id="boards"' not in html(sample_report())
    assert "## Boards" not in markdown(sample_report())
    report = with_boards(image())
    page, text = html(report), markdown(report)
    for told in ("104,693", "24,584", "qemu-system-arm 7.2", "arm-none-eabi-gcc 12.2"):
        assert told in page
        assert told in text
    assert text.count("## Boards") == page.count('id="boards"') == 1


def test_a_table_of_80_columns_on_a_terminal() -> None:
    lines = printed([image(), not_run()])
    assert [line.split() for line in lines if line.startswith("cortex-m4")] == [
        ["cortex-m4", "int8", "size", "104,693/step", "5.65", "26.1", "kB", "1.0", "kB", "yes"],
        ["cortex-m4", "int8", "size", units.NONE, units.NONE, "26.1", "kB", units.NONE, "not", "run"],
    ]


def test_the_summary_of_a_build_shows_boards() -> None:
    def text(report: dict[str, Any]) -> str:
        console = Console(width=80, color_system=None)
        with console.capture() as capture:
            console.print(summary(report))
        return capture.get()

    assert "cortex-m4" in text(with_boards(image()))
    assert "per MAC" not in text(sample_report())
    failed = text(with_boards(not_run(status="failed", reason="cc refuses line 3")))
    assert "failed c/int8 for size on cortex-m4: cc refuses line 3" in failed


def of_one(*rows: dict[str, Any], **gate: Any) -> dict[str, Any]:
    report = with_boards(*rows)
    if gate:
        report["gates"].append({"name": "flash_max", "limit": 1, "value": 2, "where": "c/int8"} | gate)
    return boards.of_one(report, "cortex-m4")


def test_a_verb_tells_of_its_own_board_and_of_the_gates_on_boards() -> None:
    found = of_one(image(), image(device="wasm"), passed=True)
    assert [row["device"] for row in found["results"]] == ["cortex-m4"]
    assert [gate["name"] for gate in found["gates"]] == ["flash_max"]
    assert found["passed"] is True
    assert of_one(image(), passed=False)["passed"] is False
    assert of_one(not_run(status="failed", reason="crash"))["passed"] is False
    assert of_one(not_run())["passed"] is True


def test_lines_say_what_went_wrong_and_where_the_images_are() -> None:
    told = boards.lines(of_one(image(), not_run(), passed=False), Path("build/activity"))
    assert told == [
        "skipped c/int8 for size on cortex-m4: no emulator; install qemu",
        "FAIL flash_max: c/int8",
        "image: build/activity/firmware/cortex-m4/int8.size.elf",
        "image: build/activity/firmware/cortex-m4/int8.size.elf",
    ]


def test_two_commands_run_a_linux_image_on_a_phone() -> None:
    row = image("speed", "aarch64", frames="firmware/aarch64/int8.frames")
    told = boards.lines(boards.of_one(with_boards(row), "aarch64"), Path("b"))
    assert told[-2:] == [
        "  adb push b/firmware/aarch64/int8.speed.elf b/firmware/aarch64/int8.frames /data/local/tmp",
        "  adb shell /data/local/tmp/int8.speed.elf /data/local/tmp/int8.frames /data/local/tmp/outputs",
    ]
    here = boards.lines(boards.of_one(with_boards(row | {"device": "host"}), "host"), Path("b"))
    assert not any("adb" in line for line in here)


def test_gates_on_boards_are_told_in_bytes() -> None:
    report = with_boards(image())
    report["gates"] = [
        {"name": "flash_max", "limit": 20000, "value": 26144, "passed": False, "where": "c/int8: code 1,560"},
        {"name": "ram_max", "limit": 4096, "value": None, "passed": False, "where": "c/int8: no emulator"},
        {"name": "board_equals_reference", "limit": 1.0, "value": 1.0, "passed": True, "where": "c/int8"},
    ]
    told = [(gate.label, gate.value, gate.limit) for gate in verdict.gates(report)]
    assert told == [
        ("Flash on the board", "26,144 B", "at most 20,000 B"),
        ("RAM on the board", "not measured", "at most 4,096 B"),
        ("Boards equal the reference", "100.0 %", "100.0 %"),
    ]


def test_builds_are_compared_without_their_boards(tmp_path: Path) -> None:
    for name, report in (("a", sample_report()), ("b", with_boards(image(metric=0.1)))):
        (tmp_path / name).mkdir()
        write(report, tmp_path / name)
    rows = compare.compare(tmp_path / "a", tmp_path / "b")
    assert all(row["metric_a"] == row["metric_b"] for row in rows)
