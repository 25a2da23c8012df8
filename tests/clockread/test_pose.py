"""From boxes to poses: where patches are cut, and what a pose gone astray does."""

from __future__ import annotations

import numpy as np
import pytest

from clockread.geometry import Window, compose, project
from clockread.pose import estimate
from clockread.sampling import PATCH

CENTER = (PATCH - 1) / 2


def network_of(*poses: tuple[float, ...]):  # type: ignore[no-untyped-def]
    def network(patches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        assert patches.shape == (len(poses), PATCH, PATCH)
        return np.array(poses, float), np.arange(len(poses), dtype=float)[:, None] - 0.5

    return network


def test_patches_are_cut_about_the_faces() -> None:
    image = np.zeros((400, 600), np.uint8)
    poses = [(0.1, -0.2, 0.6, 0.0, 0.6, 0.0, 0.0), (-0.1, 0.1, 0.5, 0.1, 0.7, 0.05, -0.1)]
    windows = [Window(300, 200, 160), Window(220, 180, 120)]
    dials = estimate([image, image], windows, network_of(*poses))
    assert [dial.dial_logit for dial in dials] == [-0.5, 0.5]
    for dial, pose, window in zip(dials, poses, windows, strict=True):
        expected = window.from_unit() @ compose(np.array(pose))
        np.testing.assert_allclose(
            project(dial.homography, np.zeros((1, 2)))[0], expected[:2, 2], atol=0.6
        )
        rim = project(dial.homography, np.array([[0, -1], [1, 0], [0, 1], [-1, 0]]))
        low, high = rim.min(axis=0), rim.max(axis=0)
        np.testing.assert_allclose([dial.window.x, dial.window.y], (low + high) / 2, atol=2)
        assert dial.window.side == pytest.approx(1.45 * max(high - low), rel=0.05)
        assert dial.patch.shape == (PATCH, PATCH)
    middle = project(dials[0].in_patch, np.zeros((1, 2)))[0]
    np.testing.assert_allclose(middle, [CENTER, CENTER], atol=1)
    up = project(dials[0].in_patch, np.array([[0.0, -1.0]]))[0]
    np.testing.assert_allclose(up, [CENTER, CENTER - PATCH / 2 / 1.45], atol=1.5)


def test_a_patch_shows_what_lies_in_its_window() -> None:
    image = np.tile(np.linspace(0, 255, 600), (400, 1)).astype(np.uint8)
    (dial,) = estimate(
        [image], [Window(300, 200, 160)], network_of((0.1, 0.0, 0.6, 0.0, 0.6, 0.0, 0.0))
    )
    x = project(dial.homography, np.array([[0.0, 0.0], [0.8, 0.0]]))[:, 0]
    inside = project(dial.in_patch, np.array([[0.0, 0.0], [0.8, 0.0]]))
    shown = [int(dial.patch[round(row), round(column)]) for column, row in inside]
    np.testing.assert_allclose(shown, x * 255 / 599, atol=1.5)


@pytest.mark.parametrize(("size", "side"), [(1e4, 3 * 160), (1e-6, 4.0)])
def test_a_pose_gone_astray_cuts_a_bounded_patch(size: float, side: float) -> None:
    (dial,) = estimate(
        [np.zeros((400, 600), np.uint8)],
        [Window(300, 200, 160)],
        network_of((0.0, 0.0, size, 0.0, size, 0.0, 0.0)),
    )
    assert dial.window.side == pytest.approx(side, abs=3)
    assert dial.patch.shape == (PATCH, PATCH)


def test_no_windows_ask_nothing() -> None:
    def never(_: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        raise AssertionError("the network is asked")

    assert estimate([], [], never) == []
