"""Splits on disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgernn import archive
from edgernn.datasets import splits
from edgernn.datasets.splits import LeftOut, Split, Splits, counted
from edgernn.errors import InputError
from edgernn.network import Channel, Times


def sample() -> Splits:
    rng = np.random.default_rng(0)
    parts = [
        Split(
            rng.standard_normal((n, 3, 2)).astype(np.float32),
            rng.integers(0, 2, n),
            np.array([f"gröup {i}" for i in range(n)]),
        )
        for n in (5, 1, 2, 3)
    ]
    return Splits(*parts, labels=("a", "b c"), channels=("x", "y"), rate_hz=12.5)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    saved = sample()
    splits.save(saved, tmp_path / "s.npz")
    loaded = splits.load(tmp_path / "s.npz")
    assert (loaded.labels, loaded.channels, loaded.rate_hz) == (("a", "b c"), ("x", "y"), 12.5)
    for name in ("train", "validation", "calibration", "test"):
        for key in ("x", "y", "group"):
            before, after = (getattr(getattr(s, name), key) for s in (saved, loaded))
            np.testing.assert_array_equal(before, after)
            assert before.dtype == after.dtype


def test_what_frames_are_made_of_is_kept_and_absent_from_older_files(tmp_path: Path) -> None:
    encoding = (Channel("x", "measured", "x"), Channel("y", "lag", "x", frames=3))
    saved = replace(sample(), encoding=encoding, times=Times("at", 60.0), every=2)
    splits.save(saved, tmp_path / "s.npz")
    loaded = splits.load(tmp_path / "s.npz")
    assert (loaded.encoding, loaded.times, loaded.every) == (encoding, Times("at", 60.0), 2)

    header, arrays = archive.load(tmp_path / "s.npz")
    older = {name: value for name, value in header.items() if name not in ("times", "every", "hold")}
    archive.save(tmp_path / "s.npz", older, arrays)
    loaded = splits.load(tmp_path / "s.npz")
    assert (loaded.times, loaded.every) == (None, 1)


def test_the_same_splits_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        splits.save(sample(), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_what_is_left_out_is_kept(tmp_path: Path) -> None:
    """One line in the words of a person; what was saved before it was counted has none."""
    found = (LeftOut(3, "texts", "no word"), LeftOut(12, "texts", "more than 4 words", cut=True))
    assert [str(one) for one in found] == ["3 texts left out (no word)", "12 texts cut (more than 4 words)"]
    assert counted(found[0], LeftOut(0, "texts", "no word")) == found[:1]
    splits.save(replace(sample(), left_out=found), tmp_path / "s.npz")
    assert splits.load(tmp_path / "s.npz").left_out == found
    header, arrays = archive.load(tmp_path / "s.npz")
    del header["left_out"]
    archive.save(tmp_path / "s.npz", header, arrays)
    assert splits.load(tmp_path / "s.npz").left_out == ()


def test_another_archive_is_refused(tmp_path: Path) -> None:
    archive.save(tmp_path / "s.npz", {}, {"train_x": np.zeros(1)})
    with pytest.raises(InputError, match=r"s\.npz holds no train_y; delete it and build again$"):
        splits.load(tmp_path / "s.npz")


@pytest.mark.parametrize("change", [{"labels": 3}, {"rate_hz": "fast"}, {"channels": None}, {"rate_hz": None}])
def test_another_header_is_refused(change: dict[str, object], tmp_path: Path) -> None:
    splits.save(sample(), tmp_path / "s.npz")
    header, arrays = archive.load(tmp_path / "s.npz")
    archive.save(tmp_path / "s.npz", header | change, arrays)
    with pytest.raises(InputError, match=r"s\.npz does not hold splits .*; delete it and build again$"):
        splits.load(tmp_path / "s.npz")


def test_take_keeps_examples_together() -> None:
    train = sample().train
    some = train.take(np.array([3, 1]))
    assert some.group.tolist() == ["gröup 3", "gröup 1"]
    np.testing.assert_array_equal(some.x, train.x[[3, 1]])
    np.testing.assert_array_equal(some.y, train.y[[3, 1]])


def test_known_are_the_examples_of_train_and_validation() -> None:
    data = sample()
    whole = data.without_validation()

    assert (len(whole.train), len(whole.validation), len(whole.test)) == (6, 0, 3)
    np.testing.assert_array_equal(whole.train.x, np.concatenate([data.train.x, data.validation.x]))
    np.testing.assert_array_equal(whole.train.y, np.concatenate([data.train.y, data.validation.y]))
    assert set(data.known.group) == {*data.train.group, *data.validation.group}
    assert whole.train.lengths is None


@pytest.mark.parametrize("field", ["lengths", "text", "shares", "taken"])
def test_what_follows_brings_all_of_its_fields(field: str) -> None:
    data, values = sample(), np.arange(6)
    parts = (replace(data.train, **{field: values[:5]}), replace(data.validation, **{field: values[5:]}))

    np.testing.assert_array_equal(getattr(parts[0].followed_by(parts[1]), field), values)
