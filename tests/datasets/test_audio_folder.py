"""Folders of recordings: labels, speakers, splits, and one line for what is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from speech_files import TONES, tone, write_folder

from edgernn.datasets import audio_folder
from edgernn.datasets.audio_folder import BACKGROUND
from edgernn.datasets.audio_sections import AudioData
from edgernn.datasets.speech import Speech
from edgernn.datasets.splits import LeftOut
from edgernn.decide.words import words as count_words
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


def test_a_list_may_name_files_of_folders_that_are_no_classes(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "words", WORDS)
    (root / "testing_list.txt").write_text("left/s3_nohash_0.wav\n")
    assert groups(load(root, words=["go", "stop"]))["test"] == {"s3"}


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


@pytest.mark.parametrize("share", [0.0, 0.3])
@pytest.mark.parametrize("words", [(), ("stop", "go")])
def test_folders_named_for_a_class_that_is_no_word_are_that_class(
    words: tuple[str, ...], share: float, tmp_path: Path
) -> None:
    """By their names they would come between the words, which `decide` counts up to the first of them."""
    root = write_folder(tmp_path / "words", ("go", "silence", "stop", "unknown"))
    speech = load(root, silence=share, words=list(words))
    assert speech.labels == (*(words or ("go", "stop")), "unknown", "silence")
    assert count_words(speech.labels) == 2
    labels = Counter(clip.label for part in speech.clips.values() for clip in part)
    assert labels == {"go": 8, "stop": 8, "unknown": 8, "silence": 8}
    for part, clips in speech.clips.items():
        assert {clip.label for clip in clips} == set(speech.labels)
        assert len(speech.others[part]) == sum(clip.label == "unknown" for clip in clips)  # silence is not said


def test_recorded_silence_is_kept_whole(tmp_path: Path) -> None:
    """A tone within silence is trimmed to half of its file, where it is a word."""
    speech = load(write_folder(tmp_path / "words", ("go", "stop", "silence")))
    lengths = {
        clip.group: len(clip.pcm) for part in speech.clips.values() for clip in part if clip.label == "silence"
    }
    assert lengths == {f"s{i}": min(RATE, round((0.8 + 0.1 * (i % 5)) * RATE)) for i in range(8)}


def test_a_share_of_unknown_that_finds_no_other_folder_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = write_folder(tmp_path / "words", WORDS)
    assert load(root, unknown=0.2).labels == WORDS
    told = f"data.unknown has no effect: every folder of {root} is a word; name the words in data.words"
    assert caplog.messages == [told]
    caplog.clear()
    assert load(root, unknown=0.2, words=["stop", "go"]).labels == ("stop", "go", "unknown")
    assert load(root, words=["stop", "go"]).labels == ("stop", "go")
    assert caplog.messages == []


def test_a_folder_unknown_counts_as_a_part_of_the_share(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "words", ("go", "stop", "unknown", "cough", "door"), speakers=20)
    for share, unknown in ((0.5, 40), (0.2, 20)):  # 20 of them are in the folder
        speech = load(root, words=["stop", "go"], unknown=share)
        labels = Counter(clip.label for part in speech.clips.values() for clip in part)
        assert labels == {"go": 20, "stop": 20, "unknown": unknown}


def test_endings_may_be_in_capitals_and_hidden_files_are_none(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "words", WORDS)
    for path in sorted(root.rglob("*.wav")):
        (path.parent / f"._{path.name}").write_bytes(b"what macOS leaves on other disks")
        path.rename(path.with_suffix(".WAV"))
    assert sum(len(clips) for clips in load(root).clips.values()) == 24


def test_a_folder_without_recordings_does_no_harm_where_words_are_named(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "words", WORDS)
    hollow(root)
    assert load(root, words=["go", "stop"], unknown=0.2).labels == ("go", "stop", "unknown")


def test_one_word_and_silence_are_two_classes(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "words", ["go"])
    assert load(root, silence=0.1).labels == ("go", "silence")


def test_silence_may_be_digital_and_of_any_length(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "words", ("go", "silence", "stop"))
    for number, samples in enumerate((1, 100, 16_000)):
        soundfile.write(root / "silence" / f"s{number}_nohash_0.wav", np.zeros(samples), RATE)
    assert load(root).labels == ("go", "stop", "silence")


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


def all_silent(root: Path) -> None:
    for path in (root / "go").glob("*.wav"):
        soundfile.write(path, np.zeros(RATE), RATE)


def one_class(root: Path) -> None:
    for label in WORDS[1:]:
        (root / label).rename(root / f"_{label}")


def wordless(root: Path) -> None:
    for label, quiet in zip(WORDS, ("silence", "unknown", "_stop"), strict=True):
        (root / label).rename(root / quiet)


def one_voice(root: Path) -> None:
    for path in sorted(root.rglob("*.wav")):
        path.rename(path.with_name(f"s0_{path.stem}.wav"))


def test_recordings_without_sound_are_left_out_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = write_folder(tmp_path / "words", WORDS)
    whole = sum(map(len, load(root).clips.values()))
    soundfile.write(root / "go" / "s0_nohash_0.wav", np.full(80, 0.1), RATE)
    soundfile.write(root / "go" / "s1_nohash_0.wav", np.zeros(RATE), RATE)
    found = load(root)
    assert sum(map(len, found.clips.values())) == whole - 2
    assert found.left_out == (LeftOut(2, "recordings", "silent, or shorter than 25 ms"),)
    assert "s0_nohash_0.wav has 5 ms of sound, and is left out, and so are 1 more" in caplog.text


@pytest.mark.parametrize(
    ("spoil", "changes", "fault"),
    [
        (missing, {}, r"words: is no folder; data\.path names one with a folder of recordings for each label"),
        (unlabelled, {}, r"words: has no folder for a label; put recordings into words/<label>/\*\.wav"),
        (hollow, {}, r"door: has 0 recordings, and every split needs one; add some or remove it"),
        (single, {}, r"door: has 1 recordings, and every split needs one; add some or remove it"),
        (no_sound, {}, r"go/s1_nohash_0\.wav: is not a sound file; convert it to wav or remove it"),
        (all_silent, {}, r"the label go has no recording with sound in train; add some"),
        (
            one_class,
            {},
            r"words: has one class only \(go\), and a classifier needs two; add a folder of other words",
        ),
        (wordless, {}, r"words: has no folder for a word; put recordings into words/<word>/\*\.wav"),
        (one_voice, {}, r"words: all files are by 1 speaker \(s0\), and train, validation and test need one each"),
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
