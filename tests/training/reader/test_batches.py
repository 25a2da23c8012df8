"""Training batches: labels follow the pixels through every move."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("keras", reason="training needs the train extra")

from clockread.geometry import compose, decompose, rotation_matrix
from clockread.sampling import ANGLES, FROM_UNIT, PATCH
from training.dials.presets import PRESETS
from training.dials.render import render, render_without
from training.reader.batches import (
    BINS,
    HEADS,
    HandsBatches,
    PoseBatches,
    jitter_pose,
    seen_rotation,
    soft_targets,
)
from training.reader.loop import Schedule
from training.reader.shards import Shards


def schedule(batch: int, seed: int) -> Schedule:
    return Schedule(2 * batch, batch=batch, seed=seed, steps_per_epoch=2)


@pytest.fixture(scope="module")
def shard() -> Shards:
    pictures = [render(seed, PRESETS["plain"], PATCH) for seed in range(12)]
    return Shards(
        images=np.stack([p.image for p in pictures]),
        homography=np.stack([p.homography for p in pictures]).astype(np.float32),
        minutes=np.array([p.dial.minutes for p in pictures], np.int16),
        hour_angle=np.array([p.dial.hour_angle for p in pictures], np.float32),
        minute_angle=np.array([p.dial.minute_angle for p in pictures], np.float32),
        second_angle=np.array([p.dial.second_angle for p in pictures], np.float32),
        is_clock=np.ones(12, bool),
        mirrored=np.zeros(12, bool),
        hours=np.full(12, 12, np.int16),
        visible=np.ones(12, np.float32),
    )


@pytest.fixture(scope="module")
def without() -> np.ndarray:
    return np.stack([render_without(seed, PRESETS["plain"], PATCH) for seed in range(4)])


def test_batches_are_the_same_by_seed_and_new_by_epoch(shard: Shards, without: np.ndarray) -> None:
    a, b = (PoseBatches([shard], without, schedule(4, 5)) for _ in range(2))
    np.testing.assert_array_equal(a[1][0], b[1][0])
    b.epoch = 1
    assert (a[1][0] != b[1][0]).any()


def test_backgrounds_are_marked(shard: Shards, without: np.ndarray) -> None:
    _, labels = PoseBatches([shard], without, schedule(200, 1))[0]
    assert 5 < (labels["dial"] == 0).sum() < 60
    np.testing.assert_array_equal(labels["pose"][:, 7:], labels["dial"])


def test_hands_keep_the_time_under_any_pose(shard: Shards, without: np.ndarray) -> None:
    """Between the targets of the hands and of 12 lie exactly the dial's angles."""
    _, targets = HandsBatches([shard], [], without, schedule(30, 2))[0]
    degrees = np.arange(BINS) * (360 / BINS)
    turns = np.exp(1j * np.deg2rad(degrees))
    seen = {head: np.rad2deg(np.angle(targets[head] @ turns)) for head in HEADS}
    dials = targets["change"][:, 7] == 1
    assert dials.any()
    hour, minute, second = (
        (seen[head] - seen["twelve"])[dials] % 360 for head in ("hour", "minute", "second")
    )
    has_second = targets["has_second"][dials, 0] == 1
    expected = np.stack(
        [shard.hour_angle, shard.minute_angle, np.nan_to_num(shard.second_angle, nan=-1.0)], axis=1
    )

    def away(a: np.ndarray, b: float) -> np.ndarray:
        return np.abs((a - b + 180) % 360 - 180)

    assert has_second.any()
    for h, m, s, there in zip(hour, minute, second, has_second, strict=True):
        errors = away(expected[:, 0], h) + away(expected[:, 1], m)
        assert errors.min() < 0.3
        same = expected[errors.argmin(), 2]
        assert there == (same >= 0)
        assert not there or away(np.array(same), s) < 0.3


def test_poses_are_wrong_either_way(shard: Shards, without: np.ndarray) -> None:
    _, targets = HandsBatches([shard], [], without, schedule(60, 3))[0]
    dials = targets["change"][:, 7] == 1
    changes = targets["change"][dials, :7]
    assert np.abs(changes[:, :2]).max() > 0.05
    np.testing.assert_allclose(changes.mean(axis=0), [0, 0, 1, 0, 1, 0, 0], atol=0.05)


def test_where_there_is_no_dial_every_angle_is_as_likely(
    shard: Shards, without: np.ndarray
) -> None:
    _, targets = HandsBatches([shard], [], without, schedule(200, 4))[0]
    none = targets["change"][:, 7] == 0
    assert 1 < none.sum() < 40
    for head in ("hour", "minute", "twelve"):
        np.testing.assert_allclose(targets[head][none], 1 / BINS, rtol=1e-5)
    assert (targets["has_second"][none] == 0).all()
    assert (targets["second"][none] == 0).all()


def test_seen_rotation_of_a_turned_grid() -> None:
    true = FROM_UNIT @ compose(np.array([0.1, -0.05, 0.6, 0.05, 0.5, 0.02, 0.1]), 20.0)
    assert seen_rotation(true, true @ rotation_matrix(33.0)) == pytest.approx(-33.0)


def test_jitter_grows_with_strength() -> None:
    pose = decompose(np.diag([0.6, 0.6, 1.0]))[0]
    rng = np.random.default_rng(0)
    weak, strong = (
        np.std([jitter_pose(rng, pose, s) - pose for _ in range(200)]) for s in (0.2, 1.0)
    )
    assert 0.003 < weak < strong / 3


def test_soft_targets_are_distributions_about_their_angle() -> None:
    p = soft_targets(np.array([0.0, 359.0, 181.5]))
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
    assert p.argmax(axis=1).tolist()[:2] == [0, 0]
    assert ANGLES == 2 * BINS
