"""Rendered tracks: one clock that runs while camera, light and people change."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from benchmarks.tracks import score
from clockread.reading import Reading
from clockread.tracking.fit import Fit
from clockread.tracking.track import Track, TrackFrame
from training.dials.camera import Optics
from training.dials.presets import PRESETS
from training.dials.tracks import CALM, Disturbances, TrackOptions, frames_of

SMALL = TrackOptions(frames=4, size=(160, 120), radius=(30.0, 40.0))


def test_a_seed_gives_the_same_pixels() -> None:
    first, again, other = (list(frames_of(seed, SMALL)) for seed in (5, 5, 6))
    assert all(np.array_equal(a.image, b.image) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0].image, other[0].image)


@pytest.mark.parametrize("rate", [0.0, 1.0, 60.0, -1.0])
def test_the_clock_runs_at_its_rate(rate: float) -> None:
    frames = list(frames_of(3, TrackOptions(frames=4, step=2.0, rate=rate, size=(160, 120))))
    advance = [(b.shown - a.shown) % 43_200 for a, b in pairwise(frames)]
    assert advance == pytest.approx([2 * rate % 43_200] * 3)
    assert [frame.time for frame in frames] == [0, 2, 4, 6]


def test_only_the_hands_move_before_a_still_camera() -> None:
    still = Disturbances(0, 0, 0, 0, 0, 0, 0, Optics(clean=1.0))
    preset = replace(PRESETS["plain"], second_hand=0.0)
    options = TrackOptions(
        frames=2, step=1.0, rate=3600.0, preset=preset, disturbances=still, size=(320, 240)
    )
    first, second = (frame.image.astype(int) for frame in frames_of(8, options))
    changed = np.abs(first - second) > 40
    assert 0.0005 < changed.mean() < 0.05  # an hour later: the hour hand


def test_the_camera_moves_the_box() -> None:
    boxes = [frame.box for frame in frames_of(4, SMALL)]
    assert len(set(boxes)) == len(boxes)
    calm = [frame.box[0] for frame in frames_of(4, TrackOptions(frames=4, disturbances=CALM))]
    assert np.ptp(calm) < 40


def test_scores_compare_single_and_fused_times_with_the_truth() -> None:
    frames = list(frames_of(3, TrackOptions(frames=4, size=(160, 120))))

    def reading(i: int, minutes: float) -> Reading:
        box = frames[i].box
        matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
        at = int(minutes) % 720
        return Reading(at, 0.9, (0, 1), (0, 1), box, (0, 0), matrix, 0.0, 1.0)

    start = frames[0].shown
    found = Fit(start + 30, 1.0, "real time", 0.9, 0.9, has_seconds=True)
    wrong = (start / 60 + 200) % 720
    seen = [
        TrackFrame(frame.time, reading(i, wrong if i == 2 else start / 60), found.at(frame.time))
        for i, frame in enumerate(frames)
    ]
    scored = score(frames, [Track(1, found, tuple(seen), None)], 1.0)
    assert (scored.single, scored.fused, scored.rate_right) == (0.75, 1.0, True)
    assert scored.seconds_off == pytest.approx(30.0)
    assert score(frames, [], 1.0).fused == 0.0
