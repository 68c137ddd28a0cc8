"""What compilers and sanitizers say of the kernels and of generated models, on every path; and what links."""

from __future__ import annotations

import subprocess
from itertools import product
from pathlib import Path

import models
import pytest
from compilation import HERE, KERNELS, PATHS, compiled
from networks import STACKS

from edgernn.targets.c.kernels import ALARM, DETECT, FEATURES, SAMPLE, TEXT, TOP

pytestmark = pytest.mark.toolchain

STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-g")
STRICT_MODELS = 20
RANDOM_NETWORKS = 20
NO_NETWORK_CALLS = {
    "ernn_max_s8",
    "ernn_rescale_s8_s8",  # primitives have kernels for types that no layer gives them
    *FEATURES,  # these come before the network
    *TEXT,  # these are for whoever calls one that reads texts
    *(ALARM, DETECT, SAMPLE, TOP),  # and these come after it
}
OFFSETS = list(product([path for path in ("portable", "avx512") if path in PATHS], repeat=2))
CPP = '#include "batch.h"\n#include "edgernn_runtime.h"\n'


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> models.Batch:
    """The conformance set: all named networks and some random ones."""
    found = [model for name in (*STACKS, *models.RARE) for model in models.named(name)]
    found += [model for seed in range(RANDOM_NETWORKS) for model in models.drawn(seed)]
    return models.write(tmp_path_factory.mktemp("batch"), found)


def test_the_conformance_set_calls_every_kernel(batch: models.Batch) -> None:
    there = {file.stem for file in batch.folder.iterdir()}
    assert {file.stem for file in KERNELS} - there == NO_NETWORK_CALLS


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_strict_compilers_have_nothing_to_say(
    compiler: str, path: str, batch: models.Batch, tmp_path: Path
) -> None:
    command = (compiler, "-std=c99", *STRICT, "-O2", *PATHS[path].flags)
    compiled(command, [*KERNELS, *batch.sources[-STRICT_MODELS:]], tmp_path)


@pytest.mark.parametrize("path", PATHS)
def test_the_headers_are_strict_cpp(path: str, batch: models.Batch) -> None:
    """Those of all models in one source, of both precisions."""
    command = ["g++", "-std=c++11", *STRICT, *PATHS[path].flags, f"-I{batch.folder}", "-fsyntax-only", "-xc++", "-"]
    done = subprocess.run(command, input=CPP, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("path", HERE)
def test_sanitizers_find_nothing(path: str, batch: models.Batch, tmp_path: Path) -> None:
    """Models of both precisions in one program, with inputs at odd addresses and guarded ends: see guarded.c."""
    command = ("gcc", "-std=c99", "-O1", *SANITIZERS, *HERE[path].flags, f"-I{batch.folder}")
    objects = compiled(command, [*KERNELS, models.GUARDED, *batch.sources], tmp_path)
    program = tmp_path / "batch"
    subprocess.run(["gcc", *SANITIZERS[:1], *objects, "-o", program], check=True)
    batch.hold(program, path)


@pytest.mark.parametrize(("model", "kernels"), OFFSETS)
def test_objects_link_where_their_paths_read_inputs_alike(
    model: str, kernels: str, batch: models.Batch, tmp_path: Path
) -> None:
    """AVX-512 adds 128 to inputs, which a model's biases make up for."""
    objects = compiled(("gcc", "-std=c99", "-fPIC", *PATHS[model].flags), batch.sources[1:2], tmp_path)
    objects += compiled(("gcc", "-std=c99", "-fPIC", *PATHS[kernels].flags), KERNELS, tmp_path)
    command = ["gcc", "-shared", "-Wl,--no-undefined", *map(str, objects), "-o", str(tmp_path / "model.so")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == (model == kernels)
    assert ("matvec_s8_s16'" in done.stderr) == (model != kernels)
