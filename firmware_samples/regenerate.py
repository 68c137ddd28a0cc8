# SPDX-License-Identifier: Apache-2.0
"""Write the generated files of the samples again: the models, the expected answers, and those in the READMEs.

    python firmware_samples/regenerate.py                   from the networks that are there: seconds, no training
    python firmware_samples/regenerate.py build/activity    from a new build of recipes/activity.yaml, and the
                                                            recording from the dataset
    python firmware_samples/regenerate.py build/keyword_spotting
                                                            the same for the samples that begin with sound

The models are what the exporters write. The answers of the samples in C are those of the integer reference in
Python, those of raspberry_pi/ are LiteRT's.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from edgernn import engines, recipe, reference, targets
from edgernn import network as networks
from edgernn.datasets import espeak, watch_activity
from edgernn.datasets import sound as tone
from edgernn.datasets.audio_sections import SpokenWordsData
from edgernn.datasets.catalog import CATALOG, fetch
from edgernn.datasets.espeak import Utterance
from edgernn.datasets.noise import Noise
from edgernn.datasets.spoken_words import voices
from edgernn.decide import WordRule, words
from edgernn.features.log_mel import FRACTION_BITS, LogMel
from edgernn.lowering import native
from edgernn.network import Form, QuantizedNetwork
from edgernn.targets.tflite import describe

SAMPLES = Path(__file__).parent
NETWORK = "quantized.npz"
RECORDED = ((11, 400), (36, 400))  # recording of the dataset, first sample: a pendulum, an internal rotation
RECORDINGS, FRAMES, RATE_HZ = len(RECORDED), 100, 25
G, RADIAN_PER_SECOND = np.float32(4096), np.float32(16.4) * np.float32(57.29577951)  # counts a unit, as in stream.c
COUNTS_PER_UNIT = np.array([G, G, G, *[RADIAN_PER_SECOND] * 3])
MODELS: tuple[tuple[str, Form], ...] = (("c", "step"), ("tflite", "step"), ("tflite", "sequence"))
NAMES = ("host", "cortex_m", "riscv", "android_native", "web", "raspberry_pi")
KEYWORDS = "keywords"  # the folder of what its samples share
LISTENING = ("keywords_host", "keywords_cortex_m")
SAID = ("yes", "window", "stop", "left")  # in the recording, by voices that did not train; window is no command
VOICES = 1  # which of the test split: a draw in which all three commands are heard
PAUSE, SNR_DB = 0.45, 10  # seconds before each word and after the last one; noise behind
SHOWN = slice(RATE_HZ - 1, None, RATE_HZ)  # the frame at each second's end
ANSWER = re.compile(r"(\$ make -s run.*?\n).*?(```)", re.DOTALL)


def main(arguments: list[str]) -> None:
    model, keywords = SAMPLES / "model", SAMPLES / KEYWORDS
    (keywords / "model").mkdir(exist_ok=True)
    for build in map(Path, arguments):
        if networks.load(build / "network.npz").features:
            shutil.copy(build / NETWORK, keywords / "model" / NETWORK)
            (keywords / "recording.s16").write_bytes(spoken().astype("<i2").tobytes())
        else:
            shutil.copy(build / NETWORK, model / NETWORK)
            (SAMPLES / "stream" / "recording.csv").write_text(as_csv(recorded()))
    quantized, listener = (networks.load_quantized(folder / NETWORK) for folder in (model, keywords / "model"))
    for folder in (model, keywords / "model"):
        for old in {*folder.iterdir()} - {folder / NETWORK}:
            old.unlink()
    write_models(quantized, model)
    write_c(listener, keywords / "model")
    (keywords / "expected.txt").write_text(heard(listener, sound()))
    for name, text in answers(quantized, recording(), model).items():
        (SAMPLES / name).write_text(text)
    for sample in (*NAMES, *LISTENING):
        readme = SAMPLES / sample / "README.md"
        readme.write_text(with_answer(readme.read_text(), shown(sample)))


def write_models(quantized: QuantizedNetwork, folder: Path) -> None:
    """The C folder, both forms for LiteRT, and what these are made for, as JSON, into `folder`."""
    with tempfile.TemporaryDirectory() as path:
        for name, form in MODELS:
            written = targets.target(name).export(quantized.network, quantized, form, "int8", Path(path))
            files = sorted(written.iterdir()) if written.is_dir() else [written]
            for file in files:
                shutil.copyfile(file, folder / file.name)
    about = describe(folder / "step.int8.tflite").metadata
    (folder / "activity.json").write_text(json.dumps(about, indent=1, sort_keys=True) + "\n")


def write_c(quantized: QuantizedNetwork, folder: Path) -> None:
    """The C folder into `folder`."""
    with tempfile.TemporaryDirectory() as path:
        for file in targets.target("c").export(quantized.network, quantized, "step", "int8", Path(path)).iterdir():
            shutil.copyfile(file, folder / file.name)


def spoken() -> np.ndarray:
    """Words of `SAID` by voices of the test split, with noise behind them, int16 [samples]."""
    plan = recipe.load(SAMPLES.parent / "recipes" / "keyword_spotting.yaml")
    assert isinstance(plan.data, SpokenWordsData)
    assert plan.log_mel is not None
    rate = plan.log_mel.rate_hz
    orders = [
        Utterance(text, voice, 150, 50, 50)
        for text, voice in zip(SAID, voices("test", len(SAID), VOICES), strict=True)
    ]
    said, found_hz = espeak.speak(orders)
    clips = [
        tone.trimmed(tone.to_int16(tone.resampled(one.astype(np.float32), found_hz, rate)), rate) for one in said
    ]
    pause = np.zeros(round(PAUSE * rate))
    whole = np.concatenate([pause, *(part for clip in clips for part in (clip, pause))])
    level = np.sqrt(np.median([tone.active_power(clip, rate) for clip in clips]) * 10 ** (-SNR_DB / 10))
    noise = Noise((), (), ()).draw(len(whole), np.random.default_rng(0))
    return tone.to_int16(whole + level * noise)


def sound() -> np.ndarray:
    """keywords/recording.s16, int16 [samples]."""
    return np.fromfile(SAMPLES / KEYWORDS / "recording.s16", "<i2")


def heard(quantized: QuantizedNetwork, pcm: np.ndarray) -> str:
    """A line for each word that is decided for, with the time of the sample that completes the step."""
    network = quantized.network
    assert network.features is not None
    assert isinstance(network.decide, WordRule)
    mel = LogMel(**network.features["log_mel"])  # type: ignore[arg-type]
    frames = mel.features(pcm).astype(np.float32) / np.float32(2**FRACTION_BITS)
    whole = frames[: len(frames) // network.frames_per_step * network.frames_per_step]
    y = reference.integer_outputs(quantized, reference.quantize_input(quantized, whole[None]))[0]
    bits = words.fraction_bits(native(quantized)[-1].output.scale)
    decided = words.detect(y, bits, words.words(network.labels), network.decide)
    lines = []
    for step in np.flatnonzero(decided != words.NOTHING):
        last = ((int(step) + 1) * network.frames_per_step - 1) * mel.hop + mel.frame
        lines.append(f"{last * 100 // mel.rate_hz / 100:.2f} s  {network.labels[decided[step]]}\n")
    return "".join(lines)


def recorded() -> np.ndarray:
    """The recordings as the sensor would give them, int16 counts [recordings, frames, channels]."""
    series = watch_activity.read(fetch(CATALOG["watch_activity"])).series
    every = round(watch_activity.RATE_HZ / RATE_HZ)
    values = np.stack([series[number].values[first::every][:FRAMES] for number, first in RECORDED])
    return np.rint(values * COUNTS_PER_UNIT).astype(np.int16)


def recording() -> np.ndarray:
    """stream/recording.csv, int16 [recordings, frames, channels]."""
    lines = (SAMPLES / "stream" / "recording.csv").read_text().splitlines()
    counts = [[int(count) for count in line.rstrip(",").split(",")] for line in lines]
    return np.array(counts, np.int16).reshape(RECORDINGS, FRAMES, -1)


def as_csv(counts: np.ndarray) -> str:
    """Rows of counts, each with a comma at its end, so that C can include them."""
    rows = counts.reshape(-1, counts.shape[-1]).tolist()
    return "".join(",".join(map(str, row)) + ",\n" for row in rows)


def answers(quantized: QuantizedNetwork, counts: np.ndarray, model: Path) -> Mapping[str, str]:
    """Every file of frames and expected answers by its path, for `counts` [recordings, frames, channels]."""
    frames = counts.astype(np.float32) / COUNTS_PER_UNIT
    y = reference.integer_outputs(quantized, reference.quantize_input(quantized, frames))
    real = native(quantized)[-1].output.dequantize(y)
    labels = np.array(quantized.network.labels)
    return {
        "host/frames.txt": "\n".join("".join(map(_line, one.tolist())) for one in frames),
        "host/expected.txt": "".join(_host_line(labels[row.argmax()], row) for one in real for row in one),
        "expected.txt": "".join(_seconds(labels, y, integers=True)),
        "raspberry_pi/expected.txt": "".join(_litert(labels, frames, model)),
    }


def _line(frame: list[float]) -> str:
    return " ".join(f"{value:.9g}" for value in frame) + "\n"


def _host_line(label: str, row: np.ndarray) -> str:
    return f"{label} " + " ".join(f"{value:.3f}" for value in row) + "\n"


def _seconds(labels: np.ndarray, y: np.ndarray, integers: bool) -> Iterator[str]:
    """A line after each second of outputs [recordings, frames, outputs]."""
    for one in y:
        yield "recording\n"
        for second, row in enumerate(one[SHOWN], start=1):
            outputs = "  " + " ".join(map(str, row)) if integers else ""
            yield f"{second} s  {labels[row.argmax()]}{outputs}\n"


def _litert(labels: np.ndarray, frames: np.ndarray, model: Path) -> Iterator[str]:
    engine = engines.engine("litert")
    steps = engine.open(model / "step.int8.tflite", "step", threads=1).outputs(frames)
    windows = engine.open(model / "model.int8.tflite", "sequence", threads=1).outputs(frames)
    for one, window in zip(steps, windows, strict=True):
        yield from _seconds(labels, one[None], integers=False)
        yield f"window  {labels[window.argmax()]}\n"


def expected(sample: str) -> Path:
    """The file that holds all that a sample prints."""
    if sample in LISTENING:
        return SAMPLES / KEYWORDS / "expected.txt"
    own = SAMPLES / sample / "expected.txt"
    return own if own.exists() else SAMPLES / "expected.txt"


def shown(sample: str) -> str:
    """What its README shows of it; of the host's, which prints a line a frame, a line a second."""
    lines = expected(sample).read_text().splitlines(keepends=True)
    return "".join(lines[SHOWN] if sample == "host" else lines)


def with_answer(readme: str, answer: str) -> str:
    """The README with `answer` below its `$ make -s run`."""
    return ANSWER.sub(lambda found: found[1] + answer + found[2], readme, count=1)


if __name__ == "__main__":
    main(sys.argv[1:])
