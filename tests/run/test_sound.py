"""`edgernn run` on sound: files, and samples as a microphone gives them."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from networks import Options, random_frames, random_network

from edgernn import network as networks
from edgernn import reference
from edgernn.decide import WordRule, words
from edgernn.errors import InputError
from edgernn.features import normalize
from edgernn.features.log_mel import FRACTION_BITS, LogMel
from edgernn.lowering import native
from edgernn.network import QuantizedNetwork
from edgernn.quantize import quantize
from edgernn.run import decisions, line
from edgernn.run.sound import frames
from edgernn.targets import target

MEL = LogMel(rate_hz=8000, frame=200, hop=80, fft=256, mels=12, high_hz=3800)
LABELS = ("go", "stop", "unknown")
RULE = WordRule(smooth=3, threshold=0.3, refractory=5)
RNG = np.random.default_rng(0)
PCM = (RNG.standard_normal(8000) * np.repeat(RNG.uniform(0, 20000, 20), 400)).clip(-32768, 32767).astype(np.int16)


def build(folder: Path, rule: WordRule | None) -> QuantizedNetwork:
    """A build of a network that reads two frames of sound a step."""
    cells: list[tuple[str, Options]] = [("conv", {"units": 8, "kernel": 3, "stride": 2}), ("gru", 8)]
    network = random_network(2, MEL.mels, cells, len(LABELS), 10)
    own = {"mean": np.full(MEL.mels, -3, np.float32), "std": np.full(MEL.mels, 4, np.float32)}
    network = replace(network, labels=LABELS, features={"log_mel": asdict(MEL)}, decide=rule, **own)
    quantized = quantize(network, normalize.apply(random_frames(network), network.mean, network.std))
    networks.save(network, folder / "network.npz")
    networks.save_quantized(quantized, folder / "quantized.npz")
    target("c").export(network, quantized, "step", "int8", folder / "artifacts")
    return quantized


def outputs(quantized: QuantizedNetwork, pcm: np.ndarray) -> np.ndarray:
    """The integer reference's, int16 [steps, classes]."""
    read = MEL.features(pcm).astype(np.float32) / np.float32(2**FRACTION_BITS)
    whole = read[: len(read) // 2 * 2]
    return reference.integer_outputs(quantized, reference.quantize_input(quantized, whole[None]))[0]


def wav(folder: Path, pcm: np.ndarray, rate_hz: int = MEL.rate_hz) -> Path:
    soundfile = pytest.importorskip("soundfile")
    soundfile.write(folder / "said.wav", pcm, rate_hz)
    return folder / "said.wav"


def test_words_are_told_with_their_times(tmp_path: Path) -> None:
    quantized = build(tmp_path, RULE)
    found = list(decisions(tmp_path, wav(tmp_path, PCM)))
    bits = words.fraction_bits(native(quantized)[-1].output.scale)
    decided = words.detect(outputs(quantized, PCM), bits, 2, RULE)
    steps = np.flatnonzero(decided != words.NOTHING)
    assert len(steps) > 1
    assert [one["word"] for one in found] == [LABELS[decided[step]] for step in steps]
    ends = [((step + 1) * 2 - 1) * MEL.hop + MEL.frame for step in steps]
    assert [one["seconds"] for one in found] == [pytest.approx(end / MEL.rate_hz, abs=1e-3) for end in ends]


def test_without_a_rule_every_step_is_told(tmp_path: Path) -> None:
    quantized = build(tmp_path, None)
    found = list(decisions(tmp_path, wav(tmp_path, PCM)))
    y = outputs(quantized, PCM)
    assert [one["label"] for one in found] == [LABELS[best] for best in y.argmax(axis=1)]


def test_samples_on_standard_input_are_heard_like_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever pieces they come in, and with half a sample at the end."""
    build(tmp_path, RULE)
    (tmp_path / "raw").write_bytes(PCM.astype("<i2").tobytes() + b"x")
    monkeypatch.setattr("edgernn.datasets.sound.BLOCK", 333)
    with (tmp_path / "raw").open("rb") as file:
        monkeypatch.setattr("edgernn.datasets.csv_windows.STANDARD_INPUT", file.fileno())
        found = list(decisions(tmp_path, Path("-")))
    assert found == list(decisions(tmp_path, wav(tmp_path, PCM)))


def test_pieces_of_any_length_give_the_same_frames() -> None:
    cuts = np.sort(RNG.integers(0, len(PCM), 60))
    found = np.stack(list(frames(MEL, iter(np.split(PCM, cuts)))))
    np.testing.assert_array_equal(found, MEL.features(PCM).astype(np.float32) / np.float32(2**FRACTION_BITS))


def test_too_little_sound_decides_nothing(tmp_path: Path) -> None:
    build(tmp_path, RULE)
    assert list(decisions(tmp_path, wav(tmp_path, PCM[:150]))) == []


def test_what_is_no_sound_is_refused(tmp_path: Path) -> None:
    build(tmp_path, RULE)
    (tmp_path / "said.wav").write_text("yes")
    with pytest.raises(InputError, match=r"said\.wav: is not a sound file"):
        next(decisions(tmp_path, tmp_path / "said.wav"))


def test_a_line_tells_the_time() -> None:
    assert line({"seconds": 1.234, "word": "stop"}) == "    1.23 s  stop"
