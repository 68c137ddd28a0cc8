"""Windows of spoken words: their length, what lies where in them, and noise at the level that was asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from speech_files import tone

from edgernn.datasets import speech
from edgernn.datasets.audio_sections import AudioData
from edgernn.datasets.noise import Noise
from edgernn.datasets.speech import Clip, Mixer, Speech
from edgernn.features.log_mel import LogMel

RATE = 16_000
MEL = LogMel(hop=320)
PLACE = RATE


def data(**changes: object) -> AudioData:
    return AudioData.model_validate({"source": "audio", "path": "x", "noise": None, **changes})


def clip(hertz: float, label: str, group: str, seconds: float = 0.4) -> Clip:
    pcm = np.round(tone(hertz, RATE, 2 * seconds) * 2**15).astype(np.int16)
    return Clip(pcm[len(pcm) // 4 : -len(pcm) // 4], label, group)


CLIPS = tuple(clip(500 + 400 * i, label, f"s{i % 4}") for i, label in enumerate(["go", "stop", "unknown"] * 4))


def noise() -> Noise:
    return Noise((), tuple(c.pcm for c in CLIPS), tuple(c.group for c in CLIPS))


def mixer(section: AudioData, part: str = "test", clips: tuple[Clip, ...] = CLIPS) -> Mixer:
    return Mixer(clips, noise(), section, MEL, part, (0, 2))


def spoken() -> Speech:
    parts = ("train", "validation", "test")
    clips = {part: CLIPS[4 * i : 4 * i + 4] for i, part in enumerate(parts)}
    return Speech(clips, dict.fromkeys(parts, ()), dict.fromkeys(parts, ()), ("go", "stop", "unknown", "silence"))


def test_a_second_is_as_many_frames_as_fit_their_hop() -> None:
    assert MEL.frames(mixer(data()).samples) == 50
    assert MEL.frames(mixer(data(context=1.0)).samples) == 100
    assert MEL.frames(mixer(data(seconds=0.6)).samples) == 30


@pytest.mark.parametrize("snr_db", [0.0, 10.0, 25.0])
def test_the_noise_of_the_test_is_at_its_level_exactly(snr_db: float) -> None:
    """Against the clip's own power, which is that of a tone of a known level."""
    section = data(noise={"snr_db": [5, 5], "test_snr_db": snr_db})
    made = mixer(section)
    for number in range(6):
        behind = made._behind(CLIPS[number], True, np.random.default_rng(number))
        signal = (0.3 * 2**15) ** 2 / 2
        assert 10 * np.log10(signal / np.mean(behind**2)) == pytest.approx(snr_db, abs=0.1)
    other = replace(made, part="validation")._behind(CLIPS[0], True, np.random.default_rng(0))
    assert 10 * np.log10((0.3 * 2**15) ** 2 / 2 / np.mean(other**2)) == pytest.approx(5, abs=0.1)


def test_without_noise_a_window_of_the_test_is_the_clip_and_silence() -> None:
    made = mixer(data())
    window = made.window(0).astype(np.int64)
    start = int(np.flatnonzero(window)[0])
    pcm = CLIPS[0].pcm
    first = int(np.flatnonzero(pcm)[0])
    np.testing.assert_array_equal(window[start : start + len(pcm) - first], pcm[first:])
    assert np.sum(window**2) == np.sum(pcm.astype(np.int64) ** 2)
    assert len(window) - PLACE <= start < len(window) - len(pcm)


def test_a_context_has_another_word_before_the_place_and_mostly_one() -> None:
    made = mixer(data(context=1.0))
    windows = np.stack([made.window(number % len(CLIPS)) for number in range(len(CLIPS))]).astype(np.float64)
    before = (windows[:, :-PLACE] ** 2).sum(axis=1)
    assert 0 < (before == 0).sum() < len(CLIPS)


def test_the_share_of_silence_is_of_all_examples_and_has_no_word() -> None:
    section = data(silence=0.25, noise={"snr_db": [10, 10]})
    made = mixer(section)
    said = [one for _, one in made.orders]
    assert (said.count(True), said.count(False)) == (12, 4)
    quiet = data(silence=0.25, noise={"snr_db": [100, 100]})
    window = mixer(quiet).window(13)
    assert np.abs(window).max() < 10


def test_recorded_silence_is_a_part_of_its_share_and_no_voice() -> None:
    recorded = tuple(Clip(np.zeros(RATE // 2, np.int16), "silence", "s0") for _ in range(3))
    section = data(silence=0.25, copies=2, noise={"snr_db": [10, 10]})
    for part, made in (("test", 1), ("train", 2)):  # of 4 and of 8
        orders = mixer(section, part, (*CLIPS, *recorded)).orders
        assert [clip.label != "silence" for clip, said in orders if not said] == [True] * made
        assert sum(clip.label == "silence" for clip, _ in orders) == 3 * (2 if part == "train" else 1)
    assert len(mixer(data(), clips=(*CLIPS, *recorded)).orders) == 15
    both = replace(spoken(), clips=dict.fromkeys(("train", "validation", "test"), (*CLIPS, *recorded)))
    assert len(both.noise("test").speech) == len(CLIPS)
    found = speech.splits(both, data(copies=1), MEL, 0).test
    assert np.bincount(found.y).tolist() == [4, 4, 4, 3]
    assert np.isfinite(found.x).all()


def test_every_split_has_an_example_of_silence_however_small_its_share() -> None:
    section = data(silence=0.01, copies=1, noise={"snr_db": [5, 20]})
    found = speech.splits(spoken(), section, MEL, 0)
    assert [np.bincount(part.y)[3] for part in (found.train, found.validation, found.test)] == [1, 1, 1]


def test_splits_have_copies_of_what_trains_and_are_the_same_every_time() -> None:
    section = data(copies=3, silence=0.2, noise={"snr_db": [5, 20]}, split={"calibration": 5})
    found, again, other = (speech.splits(spoken(), section, MEL, seed) for seed in (0, 0, 1))
    assert found.train.x.shape == (15, 50, 40)
    assert found.test.x.shape == (5, 50, 40)
    assert np.bincount(found.train.y).tolist() == [6, 3, 3, 3]
    assert len(found.calibration) == 5
    assert (found.rate_hz, len(found.channels)) == (50.0, 40)
    np.testing.assert_array_equal(found.train.x, again.train.x)
    assert not np.array_equal(found.train.x, other.train.x)
    copies = found.train.x[[0, 4, 8]]
    assert not any(np.array_equal(copies[i], copies[i - 1]) for i in range(3))


def test_frames_are_the_features_of_the_samples_in_their_own_units() -> None:
    made = mixer(data(noise={"snr_db": [10, 10]}))
    found = speech.frames(MEL, 5, made.window)
    assert found.dtype == np.float32
    for number in range(5):
        np.testing.assert_array_equal(found[number], MEL.features(made.window(number)) / 1024)
        assert np.median(np.abs(found[number] - MEL.float_features(made.window(number)))) < 0.1


def test_training_clips_alone_are_moved_in_frequency() -> None:
    """A tone of 500 Hz at speeds of 0.8 to 1.2, told by the peak of its spectrum."""
    section = data(speed=0.2, shift=0.0)
    for part, least in (("train", 100.0), ("test", 0.0)):
        made = mixer(section, part, (CLIPS[0],) * 40)
        spectra = np.abs(np.fft.rfft(np.stack([made.window(i) for i in range(40)])))
        peaks = spectra.argmax(axis=1) * RATE / made.samples
        assert np.ptp(peaks) >= least
        assert ((peaks > 500 / 1.21) & (peaks < 500 * 1.26)).all()
