from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from clockread.overlay import HOUR_COLOR, MINUTE_COLOR, TWELVE_COLOR, dial_to_image, draw, hand_tip
from clockread.reading import Reading

# 3:00 on an upright dial of radius 100 about (200, 150).
READING = Reading(
    minutes=180,
    confidence=0.9,
    hour_sincos=(0.9, 0.0),
    minute_sincos=(0.0, 0.5),
    box=(100, 50, 200, 200),
    center=(200, 150),
    homography=((100.0, 0.0, 200.0), (0.0, 100.0, 150.0), (0.0, 0.0, 1.0)),
    rotation=0.0,
    dial_score=1.0,
)
QUARTER_TURN = ((0.0, -100.0, 200.0), (100.0, 0.0, 150.0), (0.0, 0.0, 1.0))


def blank(height: int = 300, width: int = 400) -> np.ndarray:
    return np.full((height, width, 3), 128, np.uint8)


def near(image: np.ndarray, x: float, y: float, color: tuple[int, int, int], reach: int = 3) -> bool:
    part = image[max(0, round(y) - reach) : round(y) + reach + 1, max(0, round(x) - reach) : round(x) + reach + 1]
    return bool((np.abs(part.astype(int) - color).max(axis=2) < 40).any())


def test_hands_and_twelve_stand_where_the_reading_says() -> None:
    image = draw(blank(), [READING])
    assert near(image, 200 + 40, 150, HOUR_COLOR)
    assert near(image, 200, 150 - 70, MINUTE_COLOR)
    assert near(image, 200, 150 - 100, TWELVE_COLOR)
    assert not near(image, 200 - 40, 150, HOUR_COLOR)
    assert not near(image, 200, 150 + 70, MINUTE_COLOR)


def test_a_turned_dial_turns_its_hands() -> None:
    image = draw(blank(), [replace(READING, homography=QUARTER_TURN)])
    assert near(image, 200 + 100, 150, TWELVE_COLOR)
    assert near(image, 200 + 70, 150, MINUTE_COLOR)
    assert near(image, 200, 150 + 40, HOUR_COLOR)


def test_the_photo_itself_is_left_alone() -> None:
    photo = blank()
    image = draw(photo, [READING])
    assert (photo == 128).all()
    assert image.shape == photo.shape
    assert image.dtype == np.uint8
    assert np.array_equal(draw(photo, []), photo)


def test_scale_draws_on_a_reduced_photo() -> None:
    image = draw(blank(150, 200), [READING], scale=2.0)
    assert near(image, 100 + 20, 75, HOUR_COLOR)
    assert near(image, 100, 75 - 35, MINUTE_COLOR)


def test_lines_grow_with_the_photo() -> None:
    large = replace(READING, homography=((1000.0, 0.0, 2000.0), (0.0, 1000.0, 1500.0), (0.0, 0.0, 1.0)))
    thin = (draw(blank(), [READING])[:, 240] == HOUR_COLOR).all(axis=1).sum()
    thick = (draw(blank(3000, 4000), [large])[:, 2400] == HOUR_COLOR).all(axis=1).sum()
    assert thick > 4 * thin > 0


@pytest.mark.parametrize("background", [0, 128, 255])
def test_the_time_can_be_read_on_any_background(background: int) -> None:
    photo = np.full((300, 400, 3), background, np.uint8)
    image = draw(photo, [READING])
    plate = image[252:, 150:250]
    assert (plate == 255).all(axis=2).sum() > 20
    assert (plate < 40).all(axis=2).sum() > 50


def test_perspective_follows_the_homography() -> None:
    homography = ((90.0, 5.0, 200.0), (4.0, 95.0, 150.0), (0.1, -0.2, 1.0))
    points = np.array([[0.0, -1.0], [0.3, 0.4]])
    expected = cv2.perspectiveTransform(points[None], np.array(homography))[0]
    assert dial_to_image(homography, points) == pytest.approx(expected)


def test_points_behind_the_camera_are_not_finite() -> None:
    homography = ((90.0, 0.0, 200.0), (0.0, 90.0, 150.0), (2.0, 0.0, 1.0))
    inside, behind = dial_to_image(homography, np.array([[0.5, 0.0], [-0.9, 0.0]]))
    assert np.isfinite(inside).all()
    assert np.isnan(behind).all()


@pytest.mark.parametrize(
    "change",
    [
        {"homography": ((math.nan,) * 3,) * 3},
        {"homography": ((0.0,) * 3,) * 3},
        {"homography": ((90.0, 0.0, 200.0), (0.0, 90.0, 150.0), (2.0, 0.0, 1.0))},
    ],
)
def test_a_pose_that_cannot_be_drawn_is_left_out(change: dict[str, tuple[tuple[float, ...], ...]]) -> None:
    assert np.array_equal(draw(blank(), [replace(READING, **change)]), blank())  # type: ignore[arg-type]


def test_odd_readings_are_drawn_without_an_error() -> None:
    far = ((1e9, 0.0, -1e9), (0.0, 1e9, 1e9), (0.0, 0.0, 1.0))
    for change in ({"homography": far}, {"hour_sincos": (0.0, 0.0)}, {"minute_sincos": (math.nan, 1.0)}):
        assert draw(blank(16, 16), [replace(READING, **change)]).shape == (16, 16, 3)


def test_a_hand_that_points_nowhere_has_no_tip() -> None:
    assert np.isnan(hand_tip((0.0, 0.0), 0.5)).all()
    assert hand_tip((0.0, 0.1), 0.5) == pytest.approx([0.0, -0.5])
    assert hand_tip((0.2, 0.0), 0.5) == pytest.approx([0.5, 0.0])
