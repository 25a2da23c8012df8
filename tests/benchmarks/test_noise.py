"""Noise of one grey level."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.noise import changed, steady


def showing(*minutes: int) -> list[Any]:
    return [SimpleNamespace(minutes=of_dial) for of_dial in minutes]


def test_levels_change_by_one_at_most_and_stay_within_their_range() -> None:
    pixels = np.repeat(np.array([0, 100, 255], np.uint8), 300)
    away = changed(pixels, np.random.default_rng(0)).astype(int) - pixels
    assert set(away[:300]) == {0, 1}
    assert set(away[300:600]) == {-1, 0, 1}
    assert set(away[600:]) == {-1, 0}


def test_a_dial_is_steady_if_every_copy_shows_its_minute() -> None:
    copies = [showing(5, 62, 700), showing(5, 61, 701)]
    assert steady(showing(5, 61, 700), copies).tolist() == [True, False, False]
