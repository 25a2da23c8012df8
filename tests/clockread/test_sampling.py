"""From photo pixels to patches and polar images: every step keeps the geometry exactly."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from clockread.geometry import Window, project
from clockread.sampling import (
    ANGLES,
    FROM_UNIT,
    OUTER_RADIUS,
    PATCH,
    RADII,
    TO_UNIT,
    crop_window,
    downsample,
    unwrap,
)


def blob(width: int, height: int, x: float, y: float, sigma: float) -> np.ndarray:
    """A bright spot centered at (x, y)."""
    gx = np.exp(-0.5 * ((np.arange(width) - x) / sigma) ** 2)
    gy = np.exp(-0.5 * ((np.arange(height) - y) / sigma) ** 2)
    return (255 * gy[:, None] * gx[None, :]).astype(np.uint8)


def centroid(image: np.ndarray) -> np.ndarray:
    weight = image.astype(float)
    ys, xs = np.mgrid[: image.shape[0], : image.shape[1]]
    return np.array([(xs * weight).sum(), (ys * weight).sum()]) / weight.sum()


@pytest.mark.parametrize("side", [40.0, 160.0, 413.7])
@pytest.mark.parametrize("place", [(300.0, 200.0), (40.0, 30.0), (600.0, 450.0)])
def test_a_cut_window_says_where_its_pixels_come_from(
    side: float, place: tuple[float, float]
) -> None:
    x, y = place
    spot = np.array(
        [x + side / 15 * np.sign(320 - x), y + side / 18 * np.sign(240 - y)]
    )  # towards the middle: not cut by the border
    image = blob(640, 480, spot[0], spot[1], side / 100 + 0.5)
    patch, window = crop_window(image, Window(x, y, side))
    assert patch.shape == (PATCH, PATCH)
    assert patch.dtype == np.uint8
    found = project(window.from_unit() @ TO_UNIT, centroid(patch)[None, :])[0]
    np.testing.assert_allclose(found, spot, atol=0.1 + side / 400)


@pytest.mark.parametrize("side", [100, 161, 240, 319, 320, 321, 500, 1700])
def test_shrinking_in_two_steps_is_an_area_average(side: int) -> None:
    """Fine stripes do not alias, and a ramp stays where it was."""
    stripes = np.tile(np.array([[0, 255]], np.uint8), (2000, 1000))
    patch, _ = crop_window(stripes, Window(999.5, 999.5, side))
    if side == 240 or side >= 320:
        assert np.abs(patch.astype(int) - 127).max() <= 45
    ramp = np.tile(np.linspace(0, 255, 2000), (2000, 1)).astype(np.uint8)
    patch, window = crop_window(ramp, Window(999.5, 999.5, side))
    across = project(
        window.from_unit() @ TO_UNIT, np.stack([np.arange(PATCH), np.zeros(PATCH)], axis=1)
    )[:, 0]
    np.testing.assert_allclose(patch[80], across * 255 / 1999, atol=1.6)


def test_enlarging_is_bilinear() -> None:
    ramp = np.tile(np.arange(0, 240, 6, np.uint8), (40, 1))
    patch, window = crop_window(ramp, Window(19.5, 19.5, 40))
    columns = np.stack([np.arange(PATCH), np.zeros(PATCH)], axis=1)
    across = project(window.from_unit() @ TO_UNIT, columns)[:, 0]
    np.testing.assert_allclose(patch[80], np.clip(across, 0, 39) * 6, atol=1)


def test_a_window_outside_the_photo_still_gives_a_patch() -> None:
    patch, _ = crop_window(np.full((20, 30), 77, np.uint8), Window(500, -400, 50))
    assert (patch == 77).all()


def test_unit_square_maps_to_pixel_edges() -> None:
    corners = project(FROM_UNIT, np.array([[-1.0, -1.0], [1.0, 1.0]]))
    np.testing.assert_allclose(corners, [[-0.5, -0.5], [PATCH - 0.5, PATCH - 0.5]])


@pytest.mark.parametrize("angle", [0.0, 37.5, 90.0, 271.5])
def test_a_hand_is_a_row_of_the_polar_image(angle: float) -> None:
    image = np.zeros((160, 160), np.uint8)
    a = np.deg2rad(angle)
    center, tip = (80.0, 78.0), (80 + 50 * np.sin(a), 78 - 50 * np.cos(a))
    cv2.line(
        image,
        tuple(round(v * 16) for v in center),
        tuple(round(v * 16) for v in tip),
        255,
        3,
        cv2.LINE_AA,
        4,
    )
    polar = unwrap(image, np.array([[60, 0, 80], [0, 60, 78], [0, 0, 1.0]]))
    assert polar.shape == (ANGLES, RADII)
    outside_hub = polar[:, RADII // 4 :].astype(float).sum(axis=1)
    assert abs(outside_hub.argmax() - angle / 1.5) <= 1
    length = (polar[round(angle / 1.5)] > 127).nonzero()[0].max() * OUTER_RADIUS / RADII
    assert length == pytest.approx(50 / 60, abs=0.06)


def smooth(width: int = 160, height: int = 160) -> np.ndarray:
    """A picture that changes slowly, so that every point has a grey of its own."""
    ys, xs = np.mgrid[:height, :width].astype(float)
    return (
        np.asarray(127.5 + 60 * np.sin(xs / 11) + 55 * np.cos(ys / 9), np.float64)
        .clip(0, 255)
        .round()
        .astype(np.uint8)
    )


@pytest.mark.parametrize(
    "homography",
    [
        [[55, 0, 79.5], [0, 55, 79.5], [0, 0, 1.0]],
        [[50.3, 6, 81.2], [-5, 47, 77.7], [0, 0, 1.0]],
        [[48, 4, 80], [-3, 52, 78], [0.25, -0.2, 1.0]],
    ],
)
def test_every_polar_pixel_shows_its_point_of_the_dial(homography: list[list[float]]) -> None:
    """Rows are angles, columns are centered on their radius, perspective is divided out."""
    image = smooth()
    polar = unwrap(image, np.array(homography)).astype(float)
    assert polar.shape == (240, 64)
    angle = np.deg2rad(np.arange(240) * 1.5)[:, None]
    radius = ((np.arange(64) + 0.5) * 1.12 / 64)[None, :]
    points = np.stack([np.sin(angle) * radius, -np.cos(angle) * radius], axis=-1).reshape(-1, 2)
    x, y = project(np.array(homography), points).T
    x0, y0 = np.floor(x).astype(int), np.floor(y).astype(int)
    inside = (x0 >= 0) & (y0 >= 0) & (x0 < 159) & (y0 < 159)
    assert inside.mean() > 0.8
    x, y, x0, y0 = x[inside], y[inside], x0[inside], y0[inside]
    fx, fy, grey = x - x0, y - y0, image.astype(float)
    upper = grey[y0, x0] * (1 - fx) + grey[y0, x0 + 1] * fx
    lower = grey[y0 + 1, x0] * (1 - fx) + grey[y0 + 1, x0 + 1] * fx
    expected = upper * (1 - fy) + lower * fy
    assert np.abs(polar.reshape(-1)[inside] - expected).max() < 1.6


def test_beyond_the_patch_its_border_is_repeated() -> None:
    image = np.full((160, 160), 90, np.uint8)
    image[:, -1] = 200
    polar = unwrap(image, np.array([[60, 0, 150], [0, 60, 80], [0, 0, 1.0]]))
    assert (polar[60, 20:] == 200).all(), "right of the patch"
    assert (polar[180] == 90).all()


def test_a_plane_seen_from_behind_gives_no_error() -> None:
    assert unwrap(smooth(), np.array([[50, 0, 80], [0, 50, 80], [2.0, 0, 1.0]])).shape == (240, 64)


@pytest.mark.parametrize("by", [1, 2, 3])
def test_reduced_pixels_are_means(by: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (31, 44), dtype=np.uint8)
    height, width = 31 // by, 44 // by
    means = image[: height * by, : width * by].reshape(height, by, width, by).mean(axis=(1, 3))
    assert np.abs(downsample(image, by) - means).max() <= 0.51
