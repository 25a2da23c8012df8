"""Retries of dials with low confidence."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from clockread.geometry import Window, compose
from clockread.pose import PosedDial
from clockread.retry import WINDOW_SCALES, other_windows, principal_greys
from clockread.sampling import PATCH

CENTER = (PATCH - 1) / 2
DIAL = PosedDial(
    compose(np.array([CENTER, CENTER, 55, 0, 55, 0, 0.0])),
    0.0,
    np.zeros((PATCH, PATCH), np.uint8),
    Window(CENTER, CENTER, PATCH),
)


def photo(face: tuple[int, int, int], hand: tuple[int, int, int]) -> np.ndarray:
    image = np.full((PATCH, PATCH, 3), 255, np.uint8)
    cv2.circle(image, (80, 80), 55, face, -1)
    cv2.line(image, (80, 80), (80, 35), hand, 5)
    return image


def test_a_hand_as_bright_as_its_face_shows_in_another_grey() -> None:
    face, hand = (200, 100, 40), (40, 90, 125)  # BGR, of one brightness
    image = photo(face, hand)
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    assert abs(int(grey[50, 80]) - int(grey[80, 50])) < 6
    best = max(
        principal_greys(DIAL, image), key=lambda d: abs(int(d.patch[50, 80]) - int(d.patch[80, 50]))
    )
    assert best.patch.shape == (PATCH, PATCH)
    assert abs(int(best.patch[50, 80]) - int(best.patch[80, 50])) > 60
    assert best.homography is DIAL.homography


def test_a_grey_photo_has_no_other_grey() -> None:
    assert principal_greys(DIAL, photo((200, 200, 200), (20, 20, 20))) == []
    assert principal_greys(DIAL, np.full((PATCH, PATCH, 3), 90, np.uint8)) == []


def test_other_windows_share_the_center() -> None:
    sides: list[int] = []

    def network(patches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        sides.append(len(patches))
        return np.tile([0, 0, 0.7, 0, 0.7, 0, 0.0], (len(patches), 1)), np.zeros((len(patches), 1))

    images = [np.zeros((300, 300), np.uint8)] * 2
    tries = other_windows(images, [Window(100, 120, 80), Window(200, 60, 50)], network)
    assert sides == [2 * len(WINDOW_SCALES)]
    for dial, (x, y, side) in zip(tries, ((100, 120, 80), (200, 60, 50)), strict=True):
        assert len(dial) == len(WINDOW_SCALES)
        for posed, size in zip(dial, WINDOW_SCALES, strict=True):
            np.testing.assert_allclose(posed.homography[:2, 2], (x, y), atol=1)
            np.testing.assert_allclose(posed.homography[0, 0], 0.7 * side * size / 2, rtol=0.03)


def test_brightness_is_not_tried_again_in_either_direction() -> None:
    """A picture without colors gives no projection; one of a color keeps light parts light."""
    image = photo((90, 200, 230), (10, 20, 40))  # a dark hand on a light yellow face
    for dial in principal_greys(DIAL, image):
        assert int(dial.patch[50, 80]) < int(dial.patch[80, 50]), "light stays light"


def test_both_principal_colors_are_tried() -> None:
    """The halves, blue and green, differ most; the red hand shows in the second direction only."""
    image = photo((255, 90, 0), (0, 0, 0))
    cv2.ellipse(image, (80, 80), (55, 55), 0, 0, 180, (0, 139, 0), -1)
    cv2.line(image, (80, 80), (80, 35), (0, 30, 215), 7)
    greys = principal_greys(DIAL, image)
    assert len(greys) == 2
    apart = [abs(int(dial.patch[50, 80]) - int(dial.patch[60, 60])) for dial in greys]
    assert max(apart) > 60
    assert not np.array_equal(greys[0].patch, greys[1].patch)
    assert all(dial.patch.std() > 20 for dial in greys)


def test_a_pure_color_is_as_bright_as_in_a_grey_photo() -> None:
    """Red and blue of one brightness (BT.601: 0.299 red, 0.114 blue): channels are in order."""
    image = photo((200, 0, 0), (0, 0, 76))
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    assert abs(int(grey[50, 80]) - int(grey[80, 50])) <= 1
    assert (
        max(abs(int(d.patch[50, 80]) - int(d.patch[80, 50])) for d in principal_greys(DIAL, image))
        > 60
    )


@pytest.mark.parametrize(
    ("darker", "lighter"),  # by BT.601: BGR
    [
        ((200, 0, 0), (0, 0, 120)),
        ((200, 60, 0), (0, 0, 200)),
        ((240, 0, 60), (0, 90, 0)),
        ((0, 0, 170), (130, 75, 0)),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_what_is_lighter_stays_lighter_in_other_greys(
    darker: tuple[int, int, int], lighter: tuple[int, int, int], turned: bool
) -> None:
    grey = cv2.cvtColor(np.array([[darker, lighter]], np.uint8), cv2.COLOR_BGR2GRAY)[0]
    assert grey[0] < grey[1]
    image = photo(lighter, darker) if turned else photo(darker, lighter)
    dials = principal_greys(DIAL, image)
    assert dials
    hand, face = (int(dials[0].patch[at]) for at in ((50, 80), (80, 50)))
    assert (hand > face) == (not turned)
