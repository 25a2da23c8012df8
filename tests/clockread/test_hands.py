"""Refinement of poses by the reading network's output."""

from __future__ import annotations

import numpy as np
import pytest

from clockread.clock import hand_angles
from clockread.geometry import Floats, Window, compose, decompose, project
from clockread.hands import HandsOutput, read_hands, read_refined, refine
from clockread.pose import PosedDial
from clockread.sampling import ANGLES, RADII

BINS = ANGLES // 2
RIM = np.stack([np.sin(np.arange(12)), -np.cos(np.arange(12))], axis=1)
CONVERGED = np.array([0, 0, 1, 0, 1, 0, 0.0])


def posed(homography: Floats) -> PosedDial:
    return PosedDial(homography, 0.0, np.zeros((160, 160), np.uint8), Window(79.5, 79.5, 160))


def seen(
    n: int,
    change: Floats = CONVERGED,
    hour: float = 0.0,
    minute: float = 0.0,
    second: float = 0.0,
    twelve: float = 0.0,
) -> HandsOutput:
    degrees = np.arange(BINS) * 3.0

    def bump(at: float) -> Floats:
        away = (degrees - at + 180) % 360 - 180
        return np.tile(-0.5 * (away / 2.5) ** 2, (n, 1))

    return HandsOutput(
        bump(hour),
        bump(minute),
        bump(twelve),
        bump(second),
        np.full((n, 1), 3.0),
        np.tile(change, (n, 1)),
    )


def test_the_mended_pose_is_the_dials() -> None:
    true = np.array([[61.0, 5, 80], [-4, 55, 78], [5e-4, -2e-4, 1]])
    assumed = np.array([[57.0, 2, 84], [-6, 60, 75], [1e-4, 1e-4, 1]])
    better, moved = refine([posed(assumed)], decompose(np.linalg.inv(assumed) @ true)[0][None])[0]
    assert 0.02 < moved < 0.2
    # as the dial is without its rotation, which the place of 12 tells
    _, turn = decompose(np.linalg.inv(assumed) @ true)
    c, s = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    np.testing.assert_allclose(
        project(better.homography, RIM @ np.array([[c, s], [-s, c]])), project(true, RIM), atol=1e-6
    )


@pytest.mark.parametrize(
    "change",
    [
        [0.9, 0, 1, 0, 1, 0, 0],
        [0, 0, 0.1, 0, 0.1, 0, 0],
        [0, 0, 3, 0, 3, 0, 0],
        [0, 0, 1, 0, 1, 0, 2],
        [0, 0, 0.85, 0.7, 0.85, 0, 0],  # sheared until it is flat
    ],
)
def test_a_change_beyond_reason_is_left_alone(change: list[float]) -> None:
    dial = posed(np.array([[50.0, 0, 80], [0, 50, 80], [0, 0, 1]]))
    assert refine([dial], np.array([change])) == [(dial, 0.0)]


def test_only_dials_that_move_are_looked_at_again() -> None:
    """The second of three poses is 0.1 radii too far left; two passes correct it."""
    dials = [posed(compose(np.array([80, 80, 50, 0, 50, 0, 0.0]))) for _ in range(3)]
    batches: list[int] = []

    def network(polar: np.ndarray) -> HandsOutput:
        assert polar.shape[1:] == (ANGLES, RADII)
        batches.append(len(polar))
        out = seen(len(polar))
        if len(batches) == 1:
            out.change[1, 0] = 0.1
        elif len(batches) == 2:
            out.minute[:] = np.roll(out.minute, 10, axis=1)
        return out

    better, last = read_refined(dials, network, 3)
    assert batches == [3, 1]
    np.testing.assert_allclose([d.homography[0, 2] for d in better], [80, 85, 80])
    assert last.minute.argmax(axis=1).tolist() == [0, 10, 0]


def test_looking_ends() -> None:
    calls = []

    def network(polar: np.ndarray) -> HandsOutput:
        calls.append(len(polar))
        return seen(len(polar), np.array([0.1, 0, 1, 0, 1, 0, 0]))

    read_refined([posed(compose(np.array([80, 80, 50, 0, 50, 0, 0.0])))], network, 4)
    assert calls == [1, 1, 1, 1]


def test_hands_are_told_against_twelve() -> None:
    hour, minute = (float(v) for v in hand_angles(200))
    hands = read_hands(seen(1, CONVERGED, hour + 24 + 5, minute + 24, 90 + 24, 24))[0]
    assert hands.minutes == 200
    assert hands.rotation == pytest.approx(24, abs=0.5)
    assert hands.disagreement == pytest.approx(5, abs=0.7)
    assert hands.second_presence == pytest.approx(1 / (1 + np.exp(-3)))
    np.testing.assert_allclose(
        np.array(hands.second_sincos) / np.hypot(*hands.second_sincos), [1, 0], atol=0.01
    )
