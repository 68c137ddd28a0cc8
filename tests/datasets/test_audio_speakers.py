"""Who speaks in a file, by its name; who is held out, by lists; and one line for names that tell neither."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from edgernn.datasets import audio_speakers
from edgernn.datasets.audio_speakers import speaker
from edgernn.datasets.split_sections import SplitSection
from edgernn.errors import InputError

WORDS = ("go", "left", "stop")
FILES = tuple(f"{label}/s{i}_nohash_0.wav" for label in WORDS for i in range(8))
RULE = "a file's name up to its first _ is read as the speaker"
RENAME = "rename files to <speaker>_<anything>.wav, or to names without _ where each is by another speaker"


def split(root: Path, files: Sequence[str] = FILES, **changes: object) -> dict[str, set[str]]:
    """The speakers by split; a file's label is its folder, and no file is read."""
    chosen = {root / file: file.partition("/")[0] for file in files}
    found = audio_speakers.parts(chosen, list(chosen), SplitSection.model_validate(changes), root, 0)
    return {wanted: {speaker(p) for p, part in found.items() if part == wanted} for wanted in found.values()}


def fault(root: Path, files: Sequence[str] = FILES, **changes: object) -> str:
    with pytest.raises(InputError) as caught:
        split(root, files, **changes)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_speaker_is_the_name_up_to_its_first_underscore() -> None:
    assert speaker(Path("yes/0a7c2a8d_nohash_1.wav")) == "0a7c2a8d"
    assert speaker(Path("yes/first take.wav")) == "first take"


def test_files_without_an_underscore_are_speakers_of_their_own(tmp_path: Path) -> None:
    found = split(tmp_path, [f"{label}/{label}{i}.wav" for label in WORDS for i in range(20)])
    assert {part: len(names) for part, names in found.items()} == {"train": 42, "validation": 9, "test": 9}


def test_lists_say_who_is_held_out(tmp_path: Path) -> None:
    (tmp_path / "testing_list.txt").write_text("go/s3_nohash_0.wav\r\nstop/s4_nohash_0.wav\r\n")
    (tmp_path / "validation_list.txt").write_text("left/s0_nohash_0.wav\n\nelsewhere/s1_nohash_0.wav\n")
    found = split(tmp_path)
    assert (found["test"], found["validation"]) == ({"s3", "s4"}, {"s0"})
    assert found["train"] == {"s1", "s2", "s5", "s6", "s7"}


def test_a_list_alone_leaves_the_other_split_to_be_drawn(tmp_path: Path) -> None:
    (tmp_path / "testing_list.txt").write_text("go/s3_nohash_0.wav\n")
    found = split(tmp_path)
    assert found["test"] == {"s3"}
    assert len(found["validation"]) == 1
    assert not found["validation"] & (found["train"] | found["test"])


def test_a_line_of_a_list_is_one_name_blanks_and_all(tmp_path: Path) -> None:
    files = [f"{label}/person {i}_take 1.wav" for label in WORDS for i in range(8)]
    (tmp_path / "testing_list.txt").write_text("turn left/person 5_take 1.wav\ngo/person 3_take 1.wav\n")
    assert split(tmp_path, files)["test"] == {"person 3"}


def test_an_excluded_speaker_is_in_no_split_though_a_list_names_one(tmp_path: Path) -> None:
    (tmp_path / "testing_list.txt").write_text("go/s3_nohash_0.wav\ngo/s4_nohash_0.wav\n")
    found = split(tmp_path, exclude=["s3"])
    assert found["test"] == {"s4"}
    assert "s3" not in set.union(*found.values())


def test_a_speaker_of_both_lists_is_told(tmp_path: Path) -> None:
    for name in ("testing_list.txt", "validation_list.txt"):
        (tmp_path / name).write_text("go/s2_nohash_0.wav\n")
    assert fault(tmp_path) == (
        f"{tmp_path}: the speaker s2 is in validation_list.txt and in testing_list.txt; correct one"
    )


def test_a_list_in_another_encoding_is_told(tmp_path: Path) -> None:
    (tmp_path / "testing_list.txt").write_bytes("go/s3_nohash_0.wav\ngo/renée_0.wav\n".encode("latin-1"))
    assert fault(tmp_path) == f"{tmp_path / 'testing_list.txt'}, line 2: not UTF-8 text; save it as UTF-8"


def test_a_list_without_any_file_that_is_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "validation_list.txt").write_text("s3_nohash_0.wav\ngo/s3.wav\n")
    assert fault(tmp_path) == (
        f"{tmp_path / 'validation_list.txt'}: none of its 2 lines names a file that is there, as "
        "go/s0_nohash_0.wav would; correct or remove it"
    )


def test_a_list_that_names_everybody_is_told(tmp_path: Path) -> None:
    (tmp_path / "testing_list.txt").write_text("".join(f"{name}\n" for name in FILES))
    assert fault(tmp_path) == (
        "data.split leaves train 0, validation 0 and test 8 of 8 groups; each needs one: name fewer speakers in "
        f"testing_list.txt, or add recordings by others; {RULE}"
    )


@pytest.mark.parametrize(
    ("name", "who"),
    [
        ("{label}/rec_{i}.wav", "all files are by 1 speaker (rec)"),
        ("{label}/{label}_{i}.wav", "the files of go are by 1 speaker (the label itself, go)"),
        ("{label}/s{odd}_{label}_{i}.wav", "the files of go are by 2 speakers (s0, s1)"),
    ],
)
def test_names_that_tell_too_few_speakers_are_explained(name: str, who: str, tmp_path: Path) -> None:
    files = [name.format(label=label, i=i, odd=i % 2) for label in ("go", "stop") for i in range(8)]
    assert fault(tmp_path, files) == (
        f"{tmp_path}: {who}, and train, validation and test need one each: {RULE}; add recordings by others, "
        f"or {RENAME}"
    )


def test_one_label_of_many_whose_files_are_named_for_it_is_told(tmp_path: Path) -> None:
    files = [file for file in FILES if not file.startswith("left")] + [f"left/left_{i}.wav" for i in range(8)]
    assert "the files of left are by 1 speaker (the label itself, left), and" in fault(tmp_path, files)


def test_a_share_that_draws_too_few_unknown_is_told(tmp_path: Path) -> None:
    told = fault(tmp_path, (*FILES, "unknown/s0_1.wav", "unknown/s1_1.wav"))
    assert f"{RULE}; raise data.unknown where it is a share, add recordings by others, or " in told


def test_a_label_without_a_speaker_in_a_split_is_told(tmp_path: Path) -> None:
    files = [file for file in FILES if file != "go/s0_nohash_0.wav"]
    told = f"data: the label go has no recording in test: {RULE}; "
    assert fault(tmp_path, files, test=["s0"], validation=["s1"]) == f"{told}add recordings by others, or {RENAME}"
    (tmp_path / "testing_list.txt").write_text("stop/s0_nohash_0.wav\n")
    assert fault(tmp_path, files) == f"{told}name one in testing_list.txt"
