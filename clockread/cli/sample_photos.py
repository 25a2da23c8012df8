"""Generated photos for benchmarks: plain dials on noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clockread.clock import SECOND_HAND_DEGREES_PER_SECOND, hand_angles, sincos
from clockread.opencv import cv2

GENERATED_PHOTOS = 16
GENERATED_SIZE = (640, 480)  # width, height, pixels
GENERATED_DIALS = 2  # in each photo
GENERATED_SEED = 20240


def generated_photos(count: int = GENERATED_PHOTOS, seed: int = GENERATED_SEED) -> list[bytes]:
    """Return JPEG photos of plain dials on noise; deterministic for a version of OpenCV."""
    rng = np.random.default_rng(seed)
    return [_generated_photo(rng) for _ in range(count)]


def _generated_photo(rng: np.random.Generator) -> bytes:
    width, height = GENERATED_SIZE
    coarse = rng.integers(40, 200, (height // 40, width // 40, 3), dtype=np.uint8)
    picture = cv2.resize(coarse, GENERATED_SIZE, interpolation=cv2.INTER_CUBIC)
    noise = rng.normal(0, 8, picture.shape)
    photo = np.clip(picture + noise, 0, 255).astype(np.uint8)
    for i in range(GENERATED_DIALS):
        radius = int(rng.integers(80, 130))
        x, y = round(width * (i + 0.5) / GENERATED_DIALS), height // 2 + int(rng.integers(-60, 60))
        _draw_dial(photo, (x, y), radius, int(rng.integers(720)))
    return cv2.imencode(".jpg", photo)[1].tobytes()


def dial_picture(shown: float, size: tuple[int, int] = (320, 240)) -> NDArray[np.uint8]:
    """Return a picture (H, W, 3) of one plain dial with a second hand.

    Args:
        shown: the time, seconds past twelve.
        size: width and height, pixels.

    """
    width, height = size
    picture = np.full((height, width, 3), 150, np.uint8)
    center, radius = (width // 2, height // 2), round(0.4 * height)
    _draw_dial(picture, center, radius, shown / 60)
    second = sincos(SECOND_HAND_DEGREES_PER_SECOND * (shown % 60))
    tip = np.rint(center + 0.9 * radius * np.array([1, -1]) * second)
    cv2.line(picture, center, tip.astype(int).tolist(), (40, 40, 200), 2, cv2.LINE_AA)
    return picture


def _draw_dial(
    photo: NDArray[np.uint8], center: tuple[int, int], radius: int, minutes: float
) -> None:
    def radial_line(degrees: float, inner: float, outer: float, thickness: int) -> None:
        direction = np.array([np.sin(np.deg2rad(degrees)), -np.cos(np.deg2rad(degrees))])
        start, end = (
            np.rint(center + r * radius * direction).astype(int).tolist() for r in (inner, outer)
        )
        cv2.line(photo, start, end, (20, 20, 20), thickness, cv2.LINE_AA)

    cv2.circle(photo, center, radius, (245, 245, 245), cv2.FILLED, cv2.LINE_AA)
    cv2.circle(photo, center, radius, (30, 30, 30), max(2, radius // 20), cv2.LINE_AA)
    for hour in range(12):
        radial_line(30.0 * hour, 0.75 if hour % 3 == 0 else 0.85, 0.93, 3)
    hour_angle, minute_angle = hand_angles(minutes)
    radial_line(float(hour_angle), 0, 0.5, 7)
    radial_line(float(minute_angle), 0, 0.8, 4)
