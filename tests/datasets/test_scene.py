from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from speech_files import tone

from edgernn.datasets import scene
from edgernn.datasets.audio_sections import AudioData
from edgernn.datasets.scene import Scene
from edgernn.datasets.speech import Clip, Speech
from edgernn.features.log_mel import LogMel

MEL = LogMel(hop=320)
HERTZ = {"go": 700.0, "stop": 3000.0}


def pcm(hertz: float) -> np.ndarray:
    return np.round(tone(hertz, 16_000, 0.8)[3200:-3200] * 2**15).astype(np.int16)


def spoken() -> Speech:
    clips = tuple(Clip(pcm(hertz), label, f"s{i}") for i in range(3) for label, hertz in HERTZ.items())
    parts = ("train", "validation", "test")
    others = dict.fromkeys(parts, (pcm(150.0),))
    return Speech(dict.fromkeys(parts, clips), others, dict.fromkeys(parts, ()), ("go", "stop", "silence"))


def found(seconds: float = 120, **changes: object) -> dict[str, Scene]:
    section = AudioData.model_validate({"source": "audio", "path": "x", "silence": 0.1, **changes})
    return scene.scenes(spoken(), section, MEL, seconds, 0)


def test_a_scene_is_as_long_as_asked_and_words_are_a_part_of_it() -> None:
    one = found()["test"]
    assert len(one.frames) == pytest.approx(120 * 50, abs=100)
    assert 8 < len(one.spans) < 60
    assert set(one.spans[:, 0].tolist()) == {0, 1}
    assert (one.spans[1:, 1] > one.spans[:-1, 2]).all()


def test_every_word_is_where_it_is_said_to_be() -> None:
    """By its tone, which nothing else has: in the frames that lie in the word the band of the tone is loudest."""
    one = found(noise={"snr_db": [30, 30]})["test"]
    bands = {word: MEL.features(pcm(hertz))[3].argmax() for word, hertz in enumerate(HERTZ.values())}
    heard = one.frames.argmax(axis=1)
    for word, start, end in one.spans:
        assert (heard[start + 1 : end - 2] == bands[int(word)]).all()
    inside = np.concatenate([np.arange(start - 2, end + 1) for _, start, end in one.spans])
    loud = one.frames.max(axis=1) > one.frames.max() - 5  # 15 dB; the noise, which may be babble, is at 30
    outside = np.delete(np.where(loud, heard, -1), inside[(inside >= 0) & (inside < len(heard))])
    assert not np.isin(outside, list(bands.values())).any()
    assert (outside >= 0).mean() > 0.1  # the others are said there


def test_scenes_differ_by_split_and_come_back_from_disk(tmp_path: Path) -> None:
    both = found(30)
    scene.save(both, tmp_path / "scenes.npz")
    loaded = scene.load(tmp_path / "scenes.npz")
    assert set(loaded) == {"validation", "test"}
    for part, one in both.items():
        np.testing.assert_array_equal(loaded[part].frames, one.frames)
        np.testing.assert_array_equal(loaded[part].spans, one.spans)
    assert not np.array_equal(both["test"].frames, both["validation"].frames)


def test_a_series_without_labels_comes_back_without(tmp_path: Path) -> None:
    frames = np.zeros((5, 1), np.float32)
    scene.save(
        {"test": Scene(frames, None), "train": Scene.labelled(frames, frames[:, 0] == 1)}, tmp_path / "s.npz"
    )
    loaded = scene.load(tmp_path / "s.npz")
    assert loaded["test"].spans is None
    assert loaded["train"].spans is not None
    assert loaded["train"].spans.shape == (0, 3)


def test_the_features_of_a_stream_do_not_depend_on_how_it_is_cut() -> None:
    samples = np.random.default_rng(0).integers(-3000, 3000, 16_000 * 7).astype(np.int16)
    cut = scene._frames(samples, MEL)
    np.testing.assert_array_equal(cut, MEL.features(samples)[: len(cut)] / np.float32(1024))
    assert len(cut) == 300
