"""From a `data` section to splits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgernn import datasets
from edgernn.datasets.catalog import CATALOG
from edgernn.datasets.sections import GENERATED, READERS, CsvData, NpzData
from edgernn.datasets.splits import LeftOut
from edgernn.errors import InputError

CLASSES = ("run", "sit")


def write_csv(folder: Path, rows: int = 20, classes: tuple[str, ...] = CLASSES, subjects: int = 6) -> None:
    """Every subject does every class for `rows` samples; the channel tells subject, class and time."""
    lines = [
        f"s{s},{name},{s * 1000 + c * 100 + t}"
        for s in range(subjects)
        for c, name in enumerate(classes)
        for t in range(rows)
    ]
    (folder / "d.csv").write_text("who,what,v\n" + "\n".join(lines) + "\n")


def section(**changes: object) -> CsvData:
    split = {"test": ["s4", "s5"], "validation": ["s3"], "calibration": 7}
    keys = {"path": "d.csv", "columns": ["v"], "label": "what", "group": "who", "window": 8, "split": split}
    return CsvData.model_validate({"source": "csv", **keys, **changes})


def test_every_source_of_a_recipe_has_a_loader() -> None:
    sources = (datasets.SOURCES, datasets.SPEECH, *(table for _, table, _ in datasets.KINDS))
    assert {name for table in sources for name in table} == {*READERS, *GENERATED, *CATALOG}


def test_windows_are_split_by_group(tmp_path: Path) -> None:
    write_csv(tmp_path)
    splits = datasets.load(section(hop=4, train_hop=2, every=2, rate_hz=50), tmp_path, 0)
    assert splits.labels == CLASSES
    assert splits.channels == ("v",)
    assert splits.rate_hz == 25
    # (20 - 8) / hop + 1 windows for each subject and class
    assert {name: getattr(splits, name).x.shape for name in ("train", "validation", "test")} == {
        "train": (3 * 2 * 7, 4, 1),
        "validation": (1 * 2 * 4, 4, 1),
        "test": (2 * 2 * 4, 4, 1),
    }
    assert set(splits.test.group) == {"s4", "s5"}
    for part in (splits.train, splits.validation, splits.test, splits.calibration):
        assert part.x.dtype == np.float32
        assert part.y.dtype == np.int64
        subject, rest = np.divmod(part.x[:, :, 0], 1000)
        assert (subject == np.array([int(g[1:]) for g in part.group])[:, None]).all()
        assert (rest // 100 == part.y[:, None]).all()
        assert (np.diff(part.x[:, :, 0]) == 2).all()


def test_calibration_windows_are_training_windows(tmp_path: Path) -> None:
    write_csv(tmp_path)
    splits = datasets.load(section(), tmp_path, 0)
    training = {window.tobytes() for window in splits.train.x}
    assert len(splits.calibration) == 7
    assert {window.tobytes() for window in splits.calibration.x} <= training


def test_npz_examples_are_kept_whole(tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal((40, 5, 3)).astype(np.float32)
    y = np.arange(40) % 2
    np.savez(tmp_path / "d.npz", x=x, y=y)
    splits = datasets.load(NpzData(source="npz", path="d.npz"), tmp_path, 0)
    parts = (splits.train, splits.validation, splits.test)
    assert [len(part) for part in parts] == [28, 6, 6]
    for part in parts:
        index = part.group.astype(int)
        np.testing.assert_array_equal(part.x, x[index])
        np.testing.assert_array_equal(part.y, y[index])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"window": 21}, "data.window is 21 samples, but the longest recording has 20; shorten it"),
        (
            {"split": {"test": ["s9"]}},
            "data.split names the group 's9', which is not in the data; it has: s0, s1, s2, s3, s4, s5",
        ),
        ({"path": "none.csv"}, "{folder}/none.csv: no such file or folder; correct data.path"),
    ],
)
def test_faults(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    write_csv(tmp_path)
    with pytest.raises(InputError) as caught:
        datasets.load(section(**changes), tmp_path, 0)
    assert str(caught.value) == message.replace("{folder}", str(tmp_path))


def test_a_file_whose_name_is_not_utf8_is_refused(tmp_path: Path) -> None:
    write_csv(tmp_path)
    (tmp_path / "d.csv").rename(tmp_path / "d\udcff.csv")
    with pytest.raises(InputError, match=r"^'d\\udcff\.csv': the name is not UTF-8; give the file"):
        datasets.fingerprint(section(path="."), tmp_path)


def test_one_class_is_not_enough(tmp_path: Path) -> None:
    write_csv(tmp_path, classes=("sit",))
    with pytest.raises(InputError, match=r"^the data has one class only \(sit\); a classifier needs two$"):
        datasets.load(section(), tmp_path, 0)


@pytest.mark.parametrize(("subject", "split"), [("s0", "train"), ("s5", "test")])
def test_a_class_without_an_example(tmp_path: Path, subject: str, split: str) -> None:
    write_csv(tmp_path)
    with (tmp_path / "d.csv").open("a") as file:
        file.writelines(f"{subject},jump,{t}\n" for t in range(20))
    missing = "test" if split == "train" else "train"
    with pytest.raises(InputError) as caught:
        datasets.load(section(), tmp_path, 0)
    assert str(caught.value) == (
        f"the class jump has no example in {missing}; {subject} alone has it, and every split needs one: record "
        "more, or take another data.group"
    )


def test_a_class_that_enough_groups_have_may_be_named(tmp_path: Path) -> None:
    write_csv(tmp_path)
    with (tmp_path / "d.csv").open("a") as file:
        file.writelines(f"{subject},jump,{t}\n" for subject in ("s0", "s1", "s2") for t in range(20))
    with pytest.raises(InputError, match="the class jump has no example in test; name a group that has it in"):
        datasets.load(section(), tmp_path, 0)


def test_short_recordings_may_be_padded(tmp_path: Path) -> None:
    """Their steps are counted; a longer recording is cut as ever."""
    write_csv(tmp_path)
    with (tmp_path / "d.csv").open("a") as file:
        file.writelines(f"s0,sit,{t}\n" for t in range(7))
    whole = datasets.load(section(window=7, short="pad"), tmp_path, 0)
    assert whole.train.lengths is None
    padded = datasets.load(section(window=12, hop=12, train_hop=12, every=2, short="pad"), tmp_path, 0)
    for part in (padded.train, padded.validation, padded.test):
        assert part.lengths is not None
        assert set(part.lengths.tolist()) == ({4, 6} if part is padded.train else {6})
    assert padded.train.x[padded.train.lengths == 4].ravel().tolist() == [0, 2, 4, 6, 0, 0]
    assert padded.left_out == ()


def test_npz_examples_may_have_padding(tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal((40, 5, 3)).astype(np.float32)
    lengths = 1 + np.arange(40) % 5
    np.savez(tmp_path / "d.npz", x=x, y=np.arange(40) % 2, lengths=lengths)
    splits = datasets.load(NpzData(source="npz", path="d.npz"), tmp_path, 0)
    for part in (splits.train, splits.validation, splits.test):
        index = part.group.astype(int)
        np.testing.assert_array_equal(part.lengths, lengths[index])
        inside = np.arange(5) < lengths[index][:, None]
        np.testing.assert_array_equal(part.x, np.where(inside[:, :, None], x[index], 0))


def test_a_validation_group_without_a_window(tmp_path: Path) -> None:
    write_csv(tmp_path)
    path = tmp_path / "d.csv"
    path.write_text("".join(line for line in path.read_text().splitlines(True) if not line.startswith("s3")))
    with path.open("a") as file:
        file.write("s3,sit,1\n")
    with pytest.raises(InputError, match=r"^data\.split: the validation groups have no window"):
        datasets.load(section(), tmp_path, 0)


def test_recordings_that_give_no_window_are_counted(tmp_path: Path) -> None:
    write_csv(tmp_path)
    with (tmp_path / "d.csv").open("a") as file:
        file.write("s0,run,1\ns1,sit,1\n")
    assert datasets.load(section(split={"test": ["s4"], "exclude": ["s1"]}), tmp_path, 0).left_out == (
        LeftOut(3, "recordings", "data.split.exclude"),
        LeftOut(1, "recordings", "shorter than 8 samples"),
    )
    assert datasets.load(section(window=1), tmp_path, 0).left_out == ()
