"""Training batches: labels follow the pixels through every move."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("keras", reason="training needs the train extra")

from clockread.geometry import compose, decompose, rotation_matrix
from clockread.patches import FROM_UNIT, PATCH
from clockread.polar import ANGLES
from training.batches import BINS, HandsBatches, PoseBatches, jittered, seen_rotation, soft_targets
from training.dials.render import PRESETS, render
from training.shards import Shards


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
    )


def test_batches_are_the_same_by_seed_and_new_by_epoch(shard: Shards) -> None:
    a, b = PoseBatches([shard], 2, 4, 5), PoseBatches([shard], 2, 4, 5)
    np.testing.assert_array_equal(a[1][0], b[1][0])
    b.on_epoch_end()
    assert (a[1][0] != b[1][0]).any()


def test_backgrounds_are_marked(shard: Shards) -> None:
    _, labels = PoseBatches([shard], 1, 40, 1, negatives=0.5)[0]
    assert 5 < (labels["dial"] == 0).sum() < 35
    np.testing.assert_array_equal(labels["pose"][:, 7:], labels["dial"])


def test_hands_keep_the_time_under_any_pose(shard: Shards) -> None:
    """Between the targets of both hands and of 12 lie exactly the dial's angles."""
    _, targets = HandsBatches([shard], [], 1, 30, 2)[0]
    degrees = np.arange(BINS) * (360 / BINS)
    turns = np.exp(1j * np.deg2rad(degrees))
    seen = {head: np.rad2deg(np.angle(target @ turns)) for head, target in targets.items()}
    hour = (seen["hour"] - seen["twelve"]) % 360
    minute = (seen["minute"] - seen["twelve"]) % 360
    expected = {(round(float(h), 1), round(float(m), 1)) for h, m in zip(shard.hour_angle % 360, shard.minute_angle % 360, strict=True)}
    for h, m in zip(hour, minute, strict=True):
        assert min(abs((h - a + 180) % 360 - 180) + abs((m - b + 180) % 360 - 180) for a, b in expected) < 0.3


def test_seen_rotation_of_a_turned_grid() -> None:
    true = FROM_UNIT @ compose(np.array([0.1, -0.05, 0.6, 0.05, 0.5, 0.02, 0.1]), 20.0)
    assert seen_rotation(true, true @ rotation_matrix(33.0)) == pytest.approx(-33.0)


def test_jitter_grows_with_strength() -> None:
    pose = decompose(np.diag([0.6, 0.6, 1.0]))[0]
    rng = np.random.default_rng(0)
    weak, strong = (np.std([jittered(rng, pose, s) - pose for _ in range(200)]) for s in (0.2, 1.0))
    assert 0.003 < weak < strong / 3


def test_soft_targets_are_distributions_about_their_angle() -> None:
    p = soft_targets(np.array([0.0, 359.0, 181.5]))
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
    assert p.argmax(axis=1).tolist()[:2] == [0, 0]
    assert ANGLES == 2 * BINS
