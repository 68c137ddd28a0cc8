"""The recipe for spoken words: what it refuses, and the same recipe on a folder of recordings."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from networks import random_network
from speech_files import write_folder

from edgernn import network as networks
from edgernn import recipe
from edgernn.datasets.audio_sections import COMMANDS, AudioData
from edgernn.errors import InputError
from edgernn.features.log_mel import LogMel

README = Path(__file__).parent.parent / "README.md"
RECIPE = Path(__file__).parent.parent / "recipes" / "keyword_spotting.yaml"
OWN = ("data.source=audio", "data.path={folder}")
QUICK = (
    *(
        "data.copies=1",
        "train.epochs=2",
        "decide.minutes=1",
        "verify.stream.steps=200",
        "verify.engines=[litert, c]",
    ),
    *("verify.gates=null", "verify.baseline=majority", "benchmark.runs=2"),
)


@pytest.mark.parametrize(
    ("override", "fault"),
    [
        (
            "features.log_mel=null",
            "has the source spoken_words; audio needs features: {log_mel: {}}, and only audio",
        ),
        ("features.log_mel.fft=500", "features.log_mel has fft: 500 is none of 64, 128, 256, 512, 1024"),
        ("features.log_mel.hop=500", "features.log_mel has hop: 500 samples are not from 1 to the 400 of a frame"),
        ("data.unknown=[cat]", "data has a list as unknown; of spoken words give the share of all examples"),
        ("data.unknown=1.5", "data.unknown must be a list of labels, or a share of all examples below 1, not 1.5"),
        ("data.noise.snr_db=[20, 5]", "data.noise has snr_db [20.0, 5.0], whose lowest is above its highest"),
        ("data.noise.snr_db=10", "data.noise.snr_db must be [lowest, highest] in dB, as in [5, 20], not 10"),
        ("data.noise=null", "data has silence, which is noise alone, and noise: null; remove one of them"),
        ("data.split.test=[x]", "data has split.test, validation or exclude; its voices are split already"),
        ("data.words=[go, go]", "data.words has go, which is a class of its own, or there twice; remove it"),
        (
            "data.unknown=0.95",
            "data has unknown and silence, which leave no share for the words; lower one of them",
        ),
        ("data.unknown=[silence]", "data.unknown has silence, which is a class of its own; remove it"),
        ("data.unknown=[go]", "data has go in words and in unknown; remove one of them"),
        ("data={source: spoken_words, words: [go]}", "data has one class only (go); add a word, or set unknown"),
        ("decide.threshold=2", "decide.threshold"),
        ("data.sources=1", "data.sources is not a known key; did you mean data.source?"),
    ],
)
def test_faults(override: str, fault: str) -> None:
    with pytest.raises(InputError) as caught:
        recipe.load(RECIPE, [override])
    assert str(caught.value).startswith(f"{RECIPE}: ")
    assert fault in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("unknown", ["[cough, door]", "0.3"])
def test_a_resolved_recipe_reads_back_as_it_was(unknown: str, tmp_path: Path) -> None:
    own = ("data.source=audio", "data.path=/x", f"data.unknown={unknown}", "verify.engines=[c]")
    wanted = recipe.load(RECIPE, own)
    (tmp_path / "again.yaml").write_text(recipe.dump(wanted))
    assert recipe.load(tmp_path / "again.yaml") == wanted


def test_decisions_need_words_along_a_stream() -> None:
    activity = RECIPE.with_name("activity.yaml")
    with pytest.raises(InputError, match="has decide, which needs words along a stream: audio"):
        recipe.load(activity, ["decide.smooth=3"])


def test_the_network_has_as_many_parameters_as_readme_tells_and_the_gate_allows() -> None:
    """All its layers counted as the report does, for ten words, unknown and silence."""
    loaded = recipe.load(RECIPE)
    assert loaded.log_mel is not None
    cells = [(kind, options.model_dump()) for _, kind, options in loaded.network.choices()[:-1]]
    count = random_network(0, loaded.log_mel.mels, cells, len(COMMANDS) + 2).parameters
    rows = [line for line in README.read_text("utf-8").splitlines() if line.startswith("| `keyword_spotting` |")]
    (row,) = (line for line in rows if "span forest" in line)
    assert f" | {count:,} | " in row
    limit = loaded.verify.gates.parameters_max
    assert limit is not None
    assert count <= limit


def test_its_own_command_takes_ten_words_of_a_folder() -> None:
    """As it stands at the top of the recipe; a shell joins its lines."""
    command = RECIPE.read_text().partition("name: ")[0].replace("\\\n#", "").splitlines()
    (told,) = (line.removeprefix("#") for line in command if "--set" in line)
    changes = [part for flag, part in pairwise(shlex.split(told)) if flag == "--set"]
    assert changes[:2] == ["data.source=audio", "data.path=/data/speech_commands"]
    data = recipe.load(RECIPE, changes).data
    assert isinstance(data, AudioData)
    assert data.words == COMMANDS


@pytest.mark.slow
def test_the_recipe_trains_on_a_folder_of_recordings_with_no_edit(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "words", ("go", "left", "stop"), speakers=12, rates=(8000, 16000))
    out = tmp_path / "out"
    changes = [change.format(folder=folder) for change in (*OWN, *QUICK)]
    command = [sys.executable, "-m", "edgernn.cli", "build", str(RECIPE), "--out", str(out), "--json"]
    ended = subprocess.run(
        [*command, *(part for change in changes for part in ("--set", change))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    report = json.loads(ended.stdout)
    assert report["metric"]["labels"] == ["go", "left", "stop", "silence"]
    assert [row["engine"] for row in report["detection"]["results"]] == ["numpy", "c"]
    network = networks.load(out / "network.npz")
    assert network.features is not None
    assert LogMel(**network.features["log_mel"]) == LogMel(hop=160)  # type: ignore[arg-type]
    assert network.rate_hz == 100
    assert network.decide is not None
    quantized = networks.load_quantized(out / "quantized.npz").network
    assert (quantized.features, quantized.decide) == (network.features, network.decide)
    assert (out / "artifacts" / "c" / "int8" / "ernn_detect_s16.c").is_file()
