"""Folders of recordings: labels, speakers, splits, and one line for what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from speech_files import TONES, tone, write_folder

from edgernn.datasets import audio_folder
from edgernn.datasets.audio_folder import BACKGROUND, speaker
from edgernn.datasets.audio_sections import AudioData
from edgernn.datasets.speech import Speech
from edgernn.datasets.splits import LeftOut
from edgernn.errors import InputError

RATE = 16_000
WORDS = ("go", "left", "stop")


def load(root: Path, **changes: object) -> Speech:
    section = AudioData.model_validate({"source": "audio", "path": root.name, **changes})
    return audio_folder.load(section, root.parent, RATE, 0)


def groups(speech: Speech) -> dict[str, set[str]]:
    return {part: {clip.group for clip in clips} for part, clips in speech.clips.items()}


@pytest.mark.parametrize("ending", ["wav", "flac"])
def test_every_recording_is_there_at_one_rate_with_its_own_tone(ending: str, tmp_path: Path) -> None:
    speech = load(write_folder(tmp_path / "words", WORDS, ending=ending))
    assert speech.labels == WORDS
    clips = [clip for part in speech.clips.values() for clip in part]
    assert len(clips) == 24
    for clip in clips:
        spectrum = np.abs(np.fft.rfft(clip.pcm))
        hertz = np.fft.rfftfreq(len(clip.pcm), 1 / RATE)[spectrum.argmax()]
        assert hertz == pytest.approx(TONES[clip.label], abs=5)
        assert 0.38 * RATE < len(clip.pcm) < 0.66 * RATE  # the tone, half of 0.8 to 1.2 s, and not the silence


def test_no_speaker_is_in_two_splits(tmp_path: Path) -> None:
    found = groups(load(write_folder(tmp_path / "words", WORDS)))
    assert sorted(map(len, found.values())) == [1, 1, 6]
    assert set.union(*found.values()) == {f"s{i}" for i in range(8)}


def test_the_speaker_is_the_name_up_to_its_first_underscore() -> None:
    assert speaker(Path("yes/0a7c2a8d_nohash_1.wav")) == "0a7c2a8d"
    assert speaker(Path("yes/first take.wav")) == "first take"


def test_lists_say_who_is_held_out(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "words", WORDS)
    (root / "testing_list.txt").write_text("go/s3_nohash_0.wav\nstop/s4_nohash_0.wav\n")
    (root / "validation_list.txt").write_text("left/s0_nohash_0.wav\nelsewhere/s1_nohash_0.wav\n")
    found = groups(load(root))
    assert (found["test"], found["validation"]) == ({"s3", "s4"}, {"s0"})
    assert found["train"] == {"s1", "s2", "s5", "s6", "s7"}


def test_a_list_alone_leaves_the_other_split_to_be_drawn(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "words", WORDS)
    (root / "testing_list.txt").write_text("go/s3_nohash_0.wav\n")
    found = groups(load(root))
    assert found["test"] == {"s3"}
    assert len(found["validation"]) == 1
    assert not found["validation"] & (found["train"] | found["test"])


def test_labels_are_pooled_as_unknown(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "words", (*WORDS, "cough", "door"))
    speech = load(root, unknown=["cough", "door"], silence=0.1)
    assert speech.labels == (*WORDS, "unknown", "silence")
    assert sum(clip.label == "unknown" for part in speech.clips.values() for clip in part) == 16
    assert {part: len(others) for part, others in speech.others.items()} == {
        part: sum(clip.label == "unknown" for clip in clips) for part, clips in speech.clips.items()
    }


def test_a_share_of_the_other_labels_is_drawn_as_unknown(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "words", (*WORDS, "cough", "door"), speakers=20)
    speech = load(root, words=["stop", "go"], unknown=0.5)
    labels = [clip.label for part in speech.clips.values() for clip in part]
    assert speech.labels == ("stop", "go", "unknown")
    assert (labels.count("go"), labels.count("stop"), labels.count("unknown")) == (20, 20, 40)


def test_noise_is_divided_among_the_splits_in_time(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "words", WORDS)
    (root / BACKGROUND).mkdir()
    ramp = np.arange(-16_000, 16_000, dtype=np.int16)
    soundfile.write(root / BACKGROUND / "street.wav", ramp, RATE)
    found = load(root).backgrounds
    np.testing.assert_array_equal(np.concatenate([*found["train"], *found["validation"], *found["test"]]), ramp)
    assert all(len(parts[0]) > 4000 for parts in found.values())


def test_a_long_recording_keeps_its_loudest_second(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "words", WORDS)
    quiet, loud = tone(500, RATE, 6, 0.05), tone(700, RATE, 2, 0.5)
    soundfile.write(root / "go" / "s0_nohash_0.wav", np.concatenate([quiet, loud, quiet]), RATE)
    clips = [clip for part in load(root).clips.values() for clip in part]
    (found,) = (clip.pcm for clip in clips if (clip.group, clip.label) == ("s0", "go"))
    assert len(found) == pytest.approx(RATE, abs=640)
    assert np.abs(found).max() == pytest.approx(0.5 * 2**15, rel=0.01)
    assert load(root).left_out == (LeftOut(1, "recordings", "more than 1 s of sound", cut=True),)
    others = load(root, words=["go", "stop"], split={"exclude": ["s0"]}).left_out
    assert others == (
        LeftOut(8, "recordings", "of labels that data.words has not"),
        LeftOut(2, "recordings", "data.split.exclude"),
    )


def missing(root: Path) -> None:
    root.rename(root.with_name("elsewhere"))


def unlabelled(root: Path) -> None:
    for label in WORDS:
        (root / label).rename(root / f"_{label}")


def hollow(root: Path) -> None:
    (root / "door").mkdir()


def single(root: Path) -> None:
    hollow(root)
    soundfile.write(root / "door" / "s0_0.wav", np.zeros(100), RATE)


def no_sound(root: Path) -> None:
    (root / "go" / "s1_nohash_0.wav").write_text("no sound")


def one_voice(root: Path) -> None:
    for path in sorted(root.rglob("*.wav")):
        path.rename(path.with_name(f"s0_{path.stem}.wav"))


def both(root: Path) -> None:
    for name in ("testing_list.txt", "validation_list.txt"):
        (root / name).write_text("go/s2_nohash_0.wav\n")


@pytest.mark.parametrize(
    ("spoil", "changes", "fault"),
    [
        (missing, {}, r"words: is no folder; data\.path names one with a folder of recordings for each label"),
        (unlabelled, {}, r"words: has no folder for a label; put recordings into words/<label>/\*\.wav"),
        (hollow, {}, r"door: has 0 recordings, and every split needs one; add some or remove it"),
        (single, {}, r"door: has 1 recordings, and every split needs one; add some or remove it"),
        (no_sound, {}, r"go/s1_nohash_0\.wav: is not a sound file; convert it to wav or remove it"),
        (one_voice, {}, r"data\.split leaves train 1, validation 0 and test 0 of 1 groups"),
        (both, {}, r"words: the speaker s2 is in validation_list\.txt and in testing_list\.txt; correct one"),
        (lambda root: None, {"words": ["go", "stpo"]}, r"words: has no folder stpo; did you mean stop\?"),
        (lambda root: None, {"unknown": ["lefft"]}, r"words: has no folder lefft; did you mean left\?"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    spoil: Callable[[Path], None], changes: dict[str, object], fault: str, tmp_path: Path
) -> None:
    root = write_folder(tmp_path / "words", WORDS)
    spoil(root)
    with pytest.raises(InputError, match=fault) as caught:
        load(root, **changes)
    assert "\n" not in str(caught.value)


def test_a_label_without_a_speaker_in_a_split_is_told(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "words", WORDS)
    split = {"test": ["s0"], "validation": ["s1"]}
    (root / "go" / "s0_nohash_0.wav").unlink()
    with pytest.raises(InputError, match="the label go has no recording in test; add recordings by other speakers"):
        load(root, split=split)
