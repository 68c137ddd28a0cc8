"""The firmware samples: built and run as their READMEs say, from files that are as generated today."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgernn import network as networks
from edgernn import recipe

SAMPLES = Path(__file__).parents[2] / "firmware_samples"
MODELS = {"activity": SAMPLES / "model", "keyword_spotting": SAMPLES / "keywords" / "model"}
NEEDS = {
    "host": ("cc",),
    "cortex_m": ("arm-none-eabi-gcc", "qemu-system-arm"),
    "riscv": ("riscv64-unknown-elf-gcc", "qemu-system-riscv32"),
    "android_native": ("qemu-aarch64-static",),
    "web": ("chromium",),
    "raspberry_pi": (),
    "keywords_host": ("cc",),
    "keywords_cortex_m": ("arm-none-eabi-gcc", "qemu-system-arm"),
}
BARE_METAL = ("cortex_m", "riscv", "keywords_cortex_m")
LABELS = ["pendulum"] * 4 + ["internal rotation"] * 4  # what the subjects did, by the end of each second
ANSWER = re.compile(r"\$ (make -s run.*)\n([^`]*)```")
MARKED = [pytest.param(name, marks=pytest.mark.browser if name == "web" else pytest.mark.board) for name in NEEDS]

spec = importlib.util.spec_from_file_location("regenerate", SAMPLES / "regenerate.py")
assert spec is not None
assert spec.loader is not None
regenerate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(regenerate)


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SAMPLES, tmp_path / "samples", ignore=shutil.ignore_patterns("build")))


def run(command: str, folder: Path, *tools: str, cflags: str = "-O2 -Werror") -> str:
    """What a shell command prints in a sample's folder."""
    missing = [tool for tool in ("make", *tools) if not shutil.which(tool)]
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed")
    own = {"ZIG": f"{sys.executable} -m ziglang", "PYTHON": sys.executable, "CFLAGS": cflags}
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=os.environ | own,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", MARKED)
def test_it_prints_the_expected_answer_and_what_its_readme_shows(samples: Path, name: str) -> None:
    (command, shown), *more = ANSWER.findall((SAMPLES / name / "README.md").read_text())
    assert not more
    assert run("make -s run", samples / name, *NEEDS[name]) == answer(name)
    assert run(command, samples / name) == shown


def answer(name: str) -> str:
    return str(regenerate.expected(name).read_text())


@pytest.mark.board
@pytest.mark.parametrize("name", BARE_METAL)
def test_zig_builds_bare_metal_too(samples: Path, name: str) -> None:
    assert run("make -s run CROSS=none", samples / name, NEEDS[name][1]) == answer(name)


@pytest.mark.board
@pytest.mark.parametrize("name", BARE_METAL)
@pytest.mark.parametrize("level", ["-O0", "-Os", "-O3"])
def test_bare_metal_needs_no_library_at_any_optimisation(samples: Path, name: str, level: str) -> None:
    assert run("make -s run", samples / name, *NEEDS[name], cflags=f"{level} -Werror") == answer(name)


@pytest.mark.browser
def test_the_page_ends_with_the_last_decision_and_a_time(samples: Path) -> None:
    run("make -s", samples / "web")
    flags = "--headless --no-sandbox --disable-gpu --virtual-time-budget=20000 --dump-dom"
    page = f"file://{samples / 'web' / 'index.html'}"
    dom = run(f"chromium {flags} --user-data-dir={samples / 'profile'} {page}", samples, "chromium")
    assert '<p id="decision">internal rotation</p>' in dom
    assert '<span id="time">4.00</span>' in dom
    (cost,) = re.findall(r'<span id="cost">([\d.]+)</span>', dom)
    assert 0 < float(cost) < 1000


def test_all_samples_decide_the_same_and_right() -> None:
    def labels(text: str) -> list[str]:
        return re.findall(r"^\d s  ([a-z ]*[a-z])", text, re.MULTILINE)

    assert labels(answer("cortex_m")) == labels(answer("raspberry_pi")) == LABELS
    assert re.findall(r"^window  (.*)$", answer("raspberry_pi"), re.MULTILINE) == LABELS[3:5]
    host = answer("host").splitlines()[24::25]
    assert [re.sub(r"( -?[\d.]+)+$", "", line) for line in host] == LABELS


@pytest.mark.parametrize("name", MODELS)
def test_the_model_is_what_the_exporters_write_today(name: str, tmp_path: Path) -> None:
    """When this fails, or the next: python firmware_samples/regenerate.py."""
    quantized = networks.load_quantized(MODELS[name] / "quantized.npz")
    (regenerate.write_c if name == "keyword_spotting" else regenerate.write_models)(quantized, tmp_path)
    committed = {file.name: file.read_bytes() for file in MODELS[name].iterdir()}
    del committed["quantized.npz"]
    fresh = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert fresh.keys() == committed.keys()
    assert [name for name in fresh if fresh[name] != committed[name]] == []


def test_the_answers_are_those_of_the_reference_and_of_litert() -> None:
    quantized = networks.load_quantized(SAMPLES / "model" / "quantized.npz")
    fresh = regenerate.answers(quantized, regenerate.recording(), SAMPLES / "model")
    assert [name for name, text in fresh.items() if (SAMPLES / name).read_text() != text] == []


def test_the_words_are_those_that_the_reference_hears() -> None:
    listener = networks.load_quantized(MODELS["keyword_spotting"] / "quantized.npz")
    heard = regenerate.heard(listener, regenerate.sound())
    assert heard == (SAMPLES / "keywords" / "expected.txt").read_text()
    assert [line.split()[-1] for line in heard.splitlines()] == [
        word for word in regenerate.SAID if word != "window"
    ]


@pytest.mark.speech
@pytest.mark.slow
def test_the_recording_is_what_the_voices_say() -> None:
    assert np.array_equal(regenerate.spoken(), regenerate.sound())


@pytest.mark.parametrize("name", MODELS)
def test_the_network_is_the_recipes(name: str) -> None:
    network = networks.load_quantized(MODELS[name] / "quantized.npz").network
    plan = recipe.load(SAMPLES.parent / "recipes" / f"{name}.yaml")
    units = [entry[kind].get("units") for entry in layers(plan) for kind in entry]
    assert [layer.kind for layer in network.layers] == [kind for entry in layers(plan) for kind in entry]
    assert [layer.outputs for layer in network.layers] == [size or len(network.labels) for size in units]


def layers(plan: recipe.Recipe) -> list[dict[str, dict[str, int]]]:
    return [dict(entry) for entry in plan.model_dump(exclude_unset=True)["network"]["layers"]]


@pytest.mark.slow
def test_the_recording_is_the_datasets() -> None:
    assert np.array_equal(regenerate.recorded(), regenerate.recording())


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*/main.*")), ids=lambda path: path.parent.name + path.suffix)
def test_a_main_is_short_enough_to_read(path: Path) -> None:
    assert len(path.read_text().splitlines()) < 100
