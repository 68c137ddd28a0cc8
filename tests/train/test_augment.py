"""Augmentation against the geometry it stands for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from edgernn.errors import InputError
from edgernn.train import augment
from edgernn.train.augment import Augmentation
from edgernn.train_sections import AugmentSection

CHANNELS = ("ax", "ay", "az", "wx", "wy", "wz")
UNIT = np.arange(1, 7, dtype=np.float32)


def changed(x: np.ndarray, seed: int = 0, **section: object) -> np.ndarray:
    augmentation = Augmentation.of(AugmentSection.model_validate(section), CHANNELS, UNIT)
    return augment.apply(x, augmentation, np.random.default_rng(seed))


def windows(count: int, steps: int = 50, seed: int = 9) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, steps, 6)).astype(np.float32)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 1000),
    steps=st.integers(1, 30),
    section=st.fixed_dictionaries(
        {},
        optional={
            "speed": st.sampled_from([0.1, 0.9]),
            "rates": st.just(["wx", "wy", "wz"]),
            "rate_gain": st.just(0.2),
            "mirror": st.just(["ax", "wy"]),
            "rotate_degrees": st.sampled_from([10, 180]),
            "roll_degrees": st.just(20),
            "scale": st.just(0.1),
            "jitter": st.just(0.1),
            "offset": st.just(0.3),
            "splice": st.sampled_from([0.01, 0.9]),
            "mask_steps": st.sampled_from([1, 40]),
            "mask_channels": st.sampled_from([2, 9]),
        },
    ),
)
def test_shape_type_and_repetition(seed: int, steps: int, section: dict[str, object]) -> None:
    x = windows(4, steps)
    before = x.copy()

    y = changed(x, seed, **section)
    again = changed(x, seed, **section)

    assert y.shape == x.shape
    assert y.dtype == np.float32
    assert np.isfinite(y).all()
    np.testing.assert_array_equal(y, again)
    np.testing.assert_array_equal(x, before)


def test_everything_off_changes_nothing() -> None:
    x = windows(3)

    y = changed(x)

    np.testing.assert_array_equal(y, x)


def test_mirror_negates_its_channels_in_about_half_of_the_windows() -> None:
    x = windows(400)

    y = changed(x, mirror=["ax", "wz"])

    factor = (y / x)[:, 0]
    np.testing.assert_array_equal(factor[:, 1:5], 1)
    np.testing.assert_array_equal(factor[:, 0], factor[:, 5])
    assert 160 < np.sum(factor[:, 0] == -1) < 240  # 4 standard deviations around 200


def test_a_turn_is_a_rotation_that_both_sensors_share() -> None:
    x = windows(200)

    y = changed(x, rotate_degrees=30)

    angles = []
    for before, after in zip(x.astype(np.float64), y.astype(np.float64), strict=True):
        turn, residual = Rotation.align_vectors(after[:, :3], before[:, :3])
        assert residual < 1e-4
        np.testing.assert_allclose(turn.apply(before[:, 3:]), after[:, 3:], atol=1e-4)
        angles.append(np.rad2deg(turn.magnitude()))
    assert np.sqrt(np.mean(np.square(angles))) == pytest.approx(30, rel=0.2)


def test_a_roll_leaves_the_first_axis_as_it_is() -> None:
    x = windows(5)

    y = changed(x, roll_degrees=40)

    np.testing.assert_allclose(y[..., [0, 3]], x[..., [0, 3]], atol=1e-6)
    assert np.abs(y - x).max() > 0.1


def test_speed_plays_a_line_faster_or_slower() -> None:
    """On the ramp x(t) = t the tempo is the slope, and interpolation is exact; a turn at an end flips its sign."""
    x = np.tile(np.arange(50, dtype=np.float32)[:, None], (300, 1, 6))

    y = changed(x, speed=0.5)[..., 0]

    slope = np.abs(np.diff(y, axis=1))
    tempo = np.median(slope, axis=1)
    assert tempo.min() >= 1 / 1.5 - 1e-4
    assert tempo.max() <= 1.5 + 1e-4
    assert tempo.max() - tempo.min() > 0.75
    assert np.mean(tempo < 1) == pytest.approx(0.5, abs=0.12)  # 4 standard deviations
    assert np.sum(np.abs(slope - tempo[:, None]) > 1e-3, axis=1).max() <= 4  # at the turns
    assert (np.diff(y[tempo < 1], axis=1) > 0).all()
    assert y.min() >= 0
    assert y.max() <= 49


def test_rates_grow_with_the_tempo() -> None:
    x = np.ones((100, 50, 6), np.float32)
    line = np.arange(50, dtype=np.float32)
    x[:, :, 0] = line

    y = changed(x, speed=0.5, rates=["wy"])

    tempo = np.median(np.abs(np.diff(y[..., 0], axis=1)), axis=1)
    np.testing.assert_allclose(y[:, 0, 4], tempo, rtol=1e-4)
    np.testing.assert_allclose(y[..., [1, 2, 3, 5]], 1, rtol=1e-6)


def test_gain_scale_and_jitter_have_their_spread() -> None:
    x = np.ones((2000, 3, 6), np.float32)

    gain = np.log(changed(x, rates=["wx", "wy"], rate_gain=0.2))
    scale = changed(x, scale=0.1)
    jitter = changed(x, jitter=0.1)

    np.testing.assert_array_equal(gain[..., [0, 1, 2, 5]], 0)
    np.testing.assert_array_equal(gain[..., 3], gain[..., 4])
    assert gain[:, 0, 3].std() == pytest.approx(0.2, rel=0.1)
    np.testing.assert_allclose(scale[:, 0].std(axis=0), 0.1, rtol=0.1)
    np.testing.assert_array_equal(scale[:, 0], scale[:, 2])
    np.testing.assert_allclose(jitter.std(axis=(0, 1)), 0.1 * UNIT, rtol=0.1)


@pytest.mark.parametrize(
    ("channels", "section", "message"),
    [
        (
            ("acc", "y"),
            {"mirror": ["ac"]},
            "train.augment.mirror names ac, which is not a channel; did you mean acc?",
        ),
        (
            ("ax", "ay"),
            {"rates": ["q"]},
            "train.augment.rates names q, which is not a channel; known: ax, ay",
        ),
        (("ax", "ay"), {"roll_degrees": 3}, "train.augment turns sensors of three axes"),
    ],
)
def test_a_section_that_does_not_fit_the_channels(
    channels: tuple[str, ...], section: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError) as caught:
        Augmentation.of(AugmentSection.model_validate(section), channels, UNIT)

    assert str(caught.value).startswith(message)


def test_an_offset_is_the_same_in_every_step_and_in_units_of_the_channel() -> None:
    x = windows(2000, 3)
    added = changed(x, offset=0.5) - x
    np.testing.assert_allclose(added, np.broadcast_to(added[:, :1], added.shape), atol=1e-5)
    np.testing.assert_allclose(added[:, 0].std(axis=0), 0.5 * UNIT, rtol=0.1)


def test_masks_are_spans_at_the_mean_of_the_window() -> None:
    x = windows(300, 20)
    y = changed(x, mask_steps=6, mask_channels=2)
    hidden = y != x
    np.testing.assert_allclose(
        y[hidden], np.broadcast_to(x.mean(axis=1, keepdims=True), x.shape)[hidden], atol=1e-6
    )
    steps, channels = hidden.all(axis=2), hidden.all(axis=1)
    assert (hidden == (steps[:, :, None] | channels[:, None])).all()
    for spans, longest in ((steps, 6), (channels, 2)):
        sizes = spans.sum(axis=1)
        assert {*sizes.tolist()} == {*range(longest + 1)}
        assert (np.abs(np.diff(np.pad(spans, ((0, 0), (1, 1))).astype(int), axis=1)).sum(axis=1) <= 2).all()


def test_a_spliced_window_begins_as_another_one() -> None:
    """Every frame tells its window and step: there is one jump at the most, and not late."""
    window, step = np.meshgrid(np.arange(400), np.arange(50), indexing="ij")
    x = np.repeat((1000 * window + step)[:, :, None], 6, axis=2).astype(np.float32)
    y = changed(x, splice=0.6)[:, :, 0]
    np.testing.assert_array_equal(y % 1000, step)
    owner = y // 1000
    foreign = (owner != window).sum(axis=1)
    for row, count in enumerate(foreign):
        assert len(set(owner[row, :count])) <= 1
        assert (owner[row, count:] == row).all()
    assert 0 < foreign.max() <= 30
    assert 0.4 < np.mean(foreign > 0) < 0.6
