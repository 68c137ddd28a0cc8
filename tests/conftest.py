"""Which tests run: the fast ones, and with CI=true set all of them, where a skipped test is a failure."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec

import pytest
from hypothesis import settings

settings.register_profile("unhurried", deadline=None)  # how long an example takes is the machine's affair
settings.load_profile("unhurried")

CI = os.environ.get("CI", "") not in ("", "0", "false")
TOOLS = {
    "toolchain": ("gcc", "g++", "clang"),
    "board": (
        *("gcc", "make", "arm-none-eabi-gcc", "riscv64-unknown-elf-gcc"),
        *("qemu-system-arm", "qemu-system-riscv32", "qemu-aarch64", "qemu-aarch64-static", "qemu-arm"),
    ),
    "browser": ("chromium",),
}


PACKAGES = {"speech": ("espeakng_loader",)}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--networks",
        type=int,
        default=8,
        help="how many random networks, in the files that draw some; README has the full runs",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "network_seed" in metafunc.fixturenames:
        metafunc.parametrize("network_seed", range(metafunc.config.getoption("--networks")))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if CI or config.getoption("-m"):
        return
    slow = [item for item in items if "slow" in item.keywords]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]
    for item in items:
        for mark, tools in TOOLS.items():
            missing = [tool for tool in tools if not shutil.which(tool)]
            if mark in item.keywords and missing:
                item.add_marker(pytest.mark.skip(reason=f"{', '.join(missing)} is not installed"))
        for mark, packages in PACKAGES.items():
            missing = [package for package in packages if not find_spec(package)]
            if mark in item.keywords and missing:
                item.add_marker(pytest.mark.skip(reason=f"{', '.join(missing)} is not installed"))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if CI and skipped and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        for report in skipped:
            reporter.write_line(f"skipped in CI, where nothing may be: {report.nodeid}", red=True)
