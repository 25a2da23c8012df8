"""Training samples of the context network: labels follow the pixels."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("keras", reason="training needs the train extra")

from clockread.context import CONTEXT_GRID
from clockread.sampling import unwrap
from training.reader import context
from training.reader.context import (
    ContextBatches,
    auc,
    figures_of,
    flipped,
    frame,
    noon_at_top,
    of_background,
    of_clock,
)
from training.reader.loop import Schedule
from training.reader.networks import BINS, FLAGS
from training.reader.shards import Shards

CENTERED = np.array([[40.0, 0, 79.5], [0, 40, 79.5], [0, 0, 1]])


def shard(n: int = 4, **labels: object) -> Shards:
    """Grey crops with a bright bar from the center to 12, past the rim of the dial."""
    image = np.full((160, 160), 90, np.uint8)
    image[10:80, 77:82] = 240
    columns = {
        "minutes": np.zeros(n, np.int16),
        "hour_angle": np.zeros(n, np.float32),
        "minute_angle": np.zeros(n, np.float32),
        "second_angle": np.full(n, np.nan, np.float32),
        "is_clock": np.ones(n, bool),
        "mirrored": np.zeros(n, bool),
        "hours": np.full(n, 12, np.int16),
        "visible": np.ones(n, np.float32),
        **{name: np.full(n, value) for name, value in labels.items()},
    }
    return Shards(np.stack([image] * n), np.stack([CENTERED] * n).astype(np.float32), **columns)


def samples(of: Shards, count: int = 60) -> list[context.Sample]:
    rng = np.random.default_rng(0)
    return [of_clock(rng, of, 0) for _ in range(count)]


def test_twelve_is_where_the_bar_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "augment_exposure", lambda rng, image: image)
    monkeypatch.setattr(context, "FRAMED", 0.0)
    for sample in samples(shard()):
        bright = sample.polar[:, 20:50].astype(float).mean(axis=1)
        seen = bright.argmax() * 360 / CONTEXT_GRID.angles
        assert abs((seen - sample.twelve + 180) % 360 - 180) < 15


def test_a_share_of_the_dials_is_seen_in_a_mirror() -> None:
    mirrored = np.mean([s.flags[2] for s in samples(shard(), 400)])
    assert 0.02 < mirrored < 0.12
    back = np.mean([s.flags[2] for s in samples(shard(mirrored=True), 400)])
    assert back == pytest.approx(1 - mirrored, abs=0.01)


def test_flags_count_only_where_they_apply() -> None:
    clock = samples(shard())[0]
    gauge = samples(shard(is_clock=False))[0]
    day = samples(shard(hours=24, minutes=720, hour_angle=0.0))[0]
    nothing = of_background(np.random.default_rng(0), np.zeros((160, 160), np.uint8))
    assert clock.weights.tolist() == [1, 1, 1, 1, 0]
    assert gauge.weights.tolist() == nothing.weights.tolist() == [1, 0, 0, 0, 0]
    assert np.isnan([gauge.twelve, nothing.twelve]).all()
    assert day.weights.tolist() == [1] * 5
    assert [s.flags[0] for s in (clock, gauge, day, nothing)] == [1, 0, 1, 0]
    assert (day.flags[3], day.flags[4]) == (1, 1)


@pytest.mark.parametrize(
    ("minutes", "degrees", "mirrored", "noon_up"),
    [(720, 0, False, True), (0, 0, False, False), (360, 270, False, True), (360, 270, True, False)],
)
def test_noon_at_the_top_of_24_hours(
    minutes: int, degrees: float, mirrored: bool, noon_up: bool
) -> None:
    of = shard(hours=24, minutes=minutes, hour_angle=degrees, mirrored=mirrored)
    assert noon_at_top(of, 0) == noon_up


def test_a_frame_repeats_its_border_and_counts_what_it_leaves() -> None:
    rng = np.random.default_rng(1)
    image = np.random.default_rng(0).integers(0, 255, (160, 160), dtype=np.uint8)
    shares = []
    for _ in range(200):
        framed, share = frame(rng, image, CENTERED)
        assert framed.shape == image.shape
        kept = (framed == image)[40:120, 40:120].mean()  # the middle of the face
        assert kept > 0.5 * share - 0.1
        shares.append(share)
    assert min(shares) < 0.5
    assert np.mean(np.array(shares) >= context.WHOLE) > 0.3


def test_a_cut_dial_is_not_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "FRAMED", 0.0)
    assert {s.flags[1] for s in samples(shard())} == {1.0}
    assert {s.flags[1] for s in samples(shard(visible=0.89))} == {0.0}


def test_a_flipped_polar_image_is_that_of_the_mirrored_dial() -> None:
    image = np.asarray(shard().images[0])
    image[60:70, 90:110] = 10
    mirrored = np.ascontiguousarray(image[:, ::-1])
    apart = flipped(unwrap(image, CENTERED, CONTEXT_GRID)).astype(int) - unwrap(
        mirrored, CENTERED, CONTEXT_GRID
    )
    assert np.abs(apart).mean() < 1


def test_batches_are_the_same_by_seed_and_have_every_output() -> None:
    schedule = Schedule(200, batch=100, seed=3, steps_per_epoch=2)
    without = np.zeros((3, 160, 160), np.uint8), 0.2
    crops = [(shard(), 0.5), (shard(is_clock=False), 0.3)]
    one, two = (ContextBatches(crops, without, schedule) for _ in range(2))
    images, targets, weights = one[1]
    np.testing.assert_array_equal(images, two[1][0])
    assert images.shape == (100, CONTEXT_GRID.angles, CONTEXT_GRID.radii)
    assert list(targets) == list(weights) == ["twelve", *FLAGS]
    assert targets["twelve"].shape == (100, BINS)
    np.testing.assert_array_equal(weights["twelve"], targets["clock"][:, 0])
    assert 35 < targets["clock"].sum() < 65


def test_auc_is_the_chance_that_a_positive_ranks_higher() -> None:
    scores = np.array([0.1, 0.4, 0.35, 0.8])
    assert auc(scores, np.array([False, False, True, True])) == 0.75
    order = np.array([True, True, False, False])
    assert auc(np.zeros(4), order) == auc(np.zeros(4), order[::-1]) == 0.5  # nothing is learned


def test_a_flag_that_no_sample_or_every_sample_has_has_no_figure() -> None:
    class Constant:
        def predict(self, polar: np.ndarray, **_: object) -> dict[str, np.ndarray]:
            return dict.fromkeys(FLAGS, np.zeros((len(polar), 1))) | {
                "twelve": np.zeros((len(polar), BINS))
            }

    clocks = samples(shard(), 4)
    assert "clock_auc" not in figures_of(Constant(), {"clocks": clocks})
    rng = np.random.default_rng(0)
    walls = [of_background(rng, np.full((160, 160), 90, np.uint8)) for _ in range(4)]
    assert figures_of(Constant(), {"clocks": clocks, "without": walls})["clock_auc"] == 0.5
