"""Times on the dial."""

from __future__ import annotations

import numpy as np

from clockread.clock import minutes_apart, right_within


def test_minutes_apart_go_the_shorter_way_around() -> None:
    found, true = np.array([0, 719, 10, 360]), np.array([1, 0, 710, 0])
    assert np.asarray(minutes_apart(found, true)).tolist() == [1, 1, 20, 360]


def test_right_is_within_one_minute_unless_said_otherwise() -> None:
    found, true = np.array([0, 719, 12, 10]), np.array([1, 0, 10, 10])
    assert np.asarray(right_within(found, true)).tolist() == [True, True, False, True]
    assert np.asarray(right_within(found, true, 0)).tolist() == [False, False, False, True]
    assert np.asarray(right_within(found, true, 2)).all()
