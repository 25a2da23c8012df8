"""Homographies, poses and windows."""

from __future__ import annotations

import numpy as np
import pytest

from clockread.geometry import (
    Window,
    bounding_box,
    compose,
    decompose,
    enclosing,
    project,
    rotation_matrix,
)


def homographies(n: int) -> np.ndarray:
    rng = np.random.default_rng(3)
    h = np.eye(3) * 50 + rng.normal(0, 8, (n, 3, 3))
    h[:, :2, 2] = rng.uniform(-100, 100, (n, 2))
    h[:, 2, :2] = rng.normal(0, 0.1, (n, 2))
    h[:, 2, 2] = 1
    return h


def test_decompose_and_compose_are_inverse() -> None:
    h = homographies(20)
    np.testing.assert_allclose(compose(*decompose(h)), h, atol=1e-9)


def test_pose_does_not_change_when_the_dial_is_turned() -> None:
    h = homographies(20)
    pose, degrees = decompose(h)
    turned_pose, turned_degrees = decompose(h @ rotation_matrix(77.0))
    np.testing.assert_allclose(turned_pose, pose, atol=1e-9)
    np.testing.assert_allclose((turned_degrees - degrees) % 360, 77.0, atol=1e-9)


def test_rotation_is_clockwise_on_the_screen() -> None:
    twelve = project(rotation_matrix(90.0), np.array([[0.0, -1.0]]))[0]
    np.testing.assert_allclose(twelve, [1.0, 0.0], atol=1e-12)


def test_project_divides_by_depth() -> None:
    h = np.array([[1, 0, 0], [0, 1, 0], [0.5, 0, 1.0]])
    np.testing.assert_allclose(project(h, np.array([[1.0, 1.0]]))[0], [2 / 3, 2 / 3])


def test_bounding_box_of_a_circle() -> None:
    h = np.array([[10, 0, 30], [0, 20, 40], [0, 0, 1.0]])
    assert bounding_box(h) == pytest.approx((20, 20, 20, 40))


def test_window_around_a_box_maps_its_corners() -> None:
    window = Window.around((10.0, 20.0, 31.0, 11.0), 1.0)
    corners = project(window.from_unit(), np.array([[-1.0, -1.0], [1.0, 1.0]]))
    # a box of 31 pixels from 10 covers 9.5 .. 40.5 where pixel centers are integers
    np.testing.assert_allclose(corners, [[9.5, 9.5], [40.5, 40.5]])


def test_a_box_around_two_ends_where_the_photo_does() -> None:
    assert enclosing((10, 20, 30, 40), (20, 10, 60, 20), 100, 50) == (10, 10, 70, 40)
    assert enclosing((-5, -5, 10, 10), (0, 0, 3, 3), 100, 50) == (0, 0, 5, 5)


def test_boxes_of_different_sizes_and_places() -> None:
    assert enclosing((10, 35, 7, 11), (22, 5, 40, 33), 100, 90) == (10, 5, 52, 41)
    assert enclosing((22, 5, 40, 33), (10, 35, 7, 11), 100, 90) == (10, 5, 52, 41)
    assert enclosing((-30, -20, 10, 5), (-25, -40, 3, 4), 100, 90) == (0, 0, 0, 0), (
        "outside of the photo"
    )
    x, y, width, height = enclosing((130, 120, 10, 5), (125, 140, 3, 4), 100, 90)
    assert (x, y, width, height) == (125, 120, 0, 0)


def test_a_window_has_the_longer_side() -> None:
    assert Window.around((10.0, 20.0, 11.0, 31.0), 2.0) == Window(15.0, 35.0, 62.0)
    assert Window.around((10.0, 20.0, 31.0, 11.0), 2.0) == Window(25.0, 25.0, 62.0)


def test_the_box_of_a_tilted_rim() -> None:
    h = np.array([[40, 25, 100], [-10, 30, 80], [0.2, -0.1, 1.0]])
    turn = np.linspace(0, 2 * np.pi, 5000)
    rim = project(h, np.stack([np.sin(turn), -np.cos(turn)], axis=1))
    low, high = rim.min(axis=0), rim.max(axis=0)
    np.testing.assert_allclose(bounding_box(h), [*low, *(high - low)], atol=0.7)
