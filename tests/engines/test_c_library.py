"""The cache of compiled models: what is compiled once, what is compiled again, and what goes wrong."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from networks import random_network

from edgernn.engines import c_library, compiler
from edgernn.errors import ExportError, InputError, MissingToolError
from edgernn.quantize import quantize
from edgernn.targets import c as target


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    quantized = quantize(random_network(), np.random.default_rng(0).normal(0, 1, (8, 20, 6)))
    return target.export(quantized.network, quantized, "step", "int8", tmp_path_factory.mktemp("artifacts"))


@pytest.fixture
def folder(exported: Path, tmp_path: Path) -> Path:
    """A C folder that a test may change."""
    return shutil.copytree(exported, tmp_path / "model")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that is empty; a compiler that is fast where nobody asks how fast its code is."""
    monkeypatch.setenv("EDGERNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(compiler, "OPTIMISATIONS", (("-O0",),))
    c_library._library.cache_clear()
    return tmp_path / "cache" / "libraries"


def another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a second process has: nothing loaded. It must not need the compiler, which answers no more."""
    c_library._library.cache_clear()
    monkeypatch.setattr(compiler, "_run", lambda command: pytest.fail(f"{command} was run"))


def test_a_second_process_needs_no_compiler_run(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    c_library.open_library(folder)
    (kept,) = cache.iterdir()
    another_process(monkeypatch)
    assert c_library.constant(c_library.open_library(folder), "driver_inputs") == 6
    assert list(cache.iterdir()) == [kept]


@pytest.mark.parametrize("change", ["source", "flags", "processor", "CC", "compiler's file"])
def test_another_library_for_whatever_it_depends_on(
    change: str, folder: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "cc"
    real = shutil.which(compiler.find().command[0])
    assert real is not None
    own.write_text(f'#!/bin/sh\nexec {real} "$@"\n')
    own.chmod(0o755)
    monkeypatch.setenv("CC", str(own))
    c_library.open_library(folder)
    c_library._library.cache_clear()
    if change == "source":
        (folder / "edgernn_more.h").write_text("/* nothing */\n")
    elif change == "flags":
        monkeypatch.setattr(compiler, "OPTIMISATIONS", (("-O1",),))
    elif change == "processor":
        monkeypatch.setattr(c_library, "_processor", lambda: "another")
    elif change == "CC":
        monkeypatch.setenv("CC", f"{own} -g")
    else:
        own.write_text(f'#!/bin/sh\n# updated\nexec {real} "$@"\n')
    c_library.open_library(folder)
    assert len(list(cache.iterdir())) == 2


def test_a_script_that_stands_for_another_compiler_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "cc"
    script.write_text(f"#!/bin/sh\ncat {tmp_path / 'version'}\n")
    script.chmod(0o755)
    monkeypatch.setenv("CC", str(script))
    (tmp_path / "version").write_text("cc 1.0\n")
    first = compiler.fingerprint()
    assert compiler.fingerprint() == first
    (tmp_path / "version").write_text("cc 1.1\n")
    assert compiler.fingerprint() != first


def test_a_damaged_library_is_made_again(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    c_library.open_library(folder)
    (kept,) = cache.iterdir()
    c_library._library.cache_clear()
    kept.unlink()
    kept.write_bytes(b"not a library")
    assert c_library.constant(c_library.open_library(folder), "driver_inputs") == 6
    assert kept.read_bytes()[:4] == b"\x7fELF"
    another_process(monkeypatch)
    c_library.open_library(folder)


def test_without_room_for_a_cache_it_works_all_the_same(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("EDGERNN_CACHE", str(tmp_path / "file"))
    assert c_library.constant(c_library.open_library(folder), "driver_outputs") == 4


def test_libraries_not_used_for_longest_go(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(c_library, "KEPT", 2)
    made: list[Path] = []
    for number in range(3):
        if number == 2:  # the first one is used again, so that the second one is now the oldest
            c_library._library.cache_clear()
            (folder / "edgernn_more.h").write_text("/* 0 */\n")
            c_library.open_library(folder)
        (folder / "edgernn_more.h").write_text(f"/* {number} */\n")
        c_library.open_library(folder)
        made += set(cache.iterdir()) - set(made)
    assert set(cache.iterdir()) == {made[0], made[2]}


def test_what_cannot_be_compiled_or_loaded_is_not_kept(
    folder: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cross = tmp_path / "cross"
    script = """#!/bin/sh
if [ "$1" = --version ]; then echo cross 1.0; exit; fi
while [ "$1" != -o ]; do shift; done
echo "a library for another machine" > "$2"
"""
    cross.write_text(script)
    cross.chmod(0o755)
    monkeypatch.setenv("CC", str(cross))
    with pytest.raises(MissingToolError, match=r"cross 1\.0 compiles for another machine"):
        c_library.open_library(folder)
    monkeypatch.delenv("CC")
    (folder / "ernn_wrong.c").write_text("int wrong(void) { return undeclared; }\n")
    with pytest.raises(ExportError, match="undeclared"):
        c_library.open_library(folder)
    assert not cache.exists()


def test_processes_that_compile_at_once_do_not_disturb_each_other(folder: Path, cache: Path) -> None:
    code = """import sys; from pathlib import Path; from edgernn.engines import c_library, compiler
compiler.OPTIMISATIONS = (("-O0",),)
print(c_library.constant(c_library.open_library(Path(sys.argv[1])), "driver_inputs"))"""
    command = [sys.executable, "-c", code, str(folder)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [process.communicate()[0] for process in processes] == ["6\n"] * 3
    assert len(list(cache.iterdir())) == 1


def test_two_models_in_one_folder_are_refused(folder: Path) -> None:
    (folder / "second.c").touch()
    with pytest.raises(InputError, match="is no C folder of a model"):
        c_library.open_library(folder)
