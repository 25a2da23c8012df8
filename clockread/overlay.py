"""Readings drawn on their photo: the dial, its 12, both hands, and the time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clockread.opencv import cv2
from clockread.timecode import clock_text

if TYPE_CHECKING:
    from clockread.reading import Reading
    from clockread.timecode import Pair

Image = NDArray[np.uint8]
Points = NDArray[np.float64]
Color = tuple[int, int, int]

DIAL_COLOR: Color = (80, 220, 60)  # BGR
HOUR_COLOR: Color = (60, 60, 255)
MINUTE_COLOR: Color = (255, 160, 30)
TWELVE_COLOR: Color = (0, 220, 255)
EDGE_COLOR: Color = (20, 20, 20)  # under every line, so that it shows on light photos
TEXT_COLOR: Color = (255, 255, 255)

HOUR_HAND_LENGTH = 0.55  # dial radii
MINUTE_HAND_LENGTH = 0.85
OUTLINE_POINTS = 96
LINE_WIDTH = 1 / 300  # of the photo's mean side
TEXT_HEIGHT_OF_DIAL = 0.16
TEXT_HEIGHT_OF_PHOTO = (0.025, 0.06)  # at least and at most: a small dial's time can be read, a large one is not covered
SUBPIXEL_BITS = 4
FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw(image_bgr: Image, readings: Sequence[Reading], *, scale: float = 1.0) -> Image:
    """A copy of a photo with its readings drawn on it, the best one on top.

    image_bgr: uint8 (H, W, 3), upright, as load_color gives it; scale: full-size pixels per pixel of it (Photo.scale).
    A reading whose pose is not finite is left out.
    """
    canvas: Image = np.array(image_bgr, dtype=np.uint8, order="C")
    for reading in reversed(readings):
        _draw_reading(canvas, reading, scale)
    return canvas


def dial_to_image(homography: Sequence[Sequence[float]], points: Points, scale: float = 1.0) -> Points:
    """Dial points (N, 2) in units of the dial's radius as pixels (N, 2) of an image; not finite where the plane is seen from behind."""
    matrix = np.asarray(homography, dtype=np.float64)
    homogeneous = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    center_side = np.sign(matrix[2, 2]) or 1.0
    with np.errstate(all="ignore"):
        depth = np.where(homogeneous[:, 2:] * center_side > 0, homogeneous[:, 2:], np.nan)
        pixels: Points = homogeneous[:, :2] / depth
    return (pixels + 0.5) / scale - 0.5


def hand_tip(pair: Pair, length: float) -> Points:
    """Dial point (2,) at ``length`` radii along a hand of direction (sin, cos), of any resultant length; NaN for (0, 0)."""
    sine, cosine = pair
    norm = math.hypot(sine, cosine)
    if not (math.isfinite(norm) and norm > 0):
        return np.full(2, np.nan)
    return np.array([sine, -cosine]) * (length / norm)


def _draw_reading(canvas: Image, reading: Reading, scale: float) -> None:
    height, width = canvas.shape[:2]
    turn = np.linspace(0, 2 * np.pi, OUTLINE_POINTS, endpoint=False)
    outline = dial_to_image(reading.homography, np.column_stack([np.sin(turn), -np.cos(turn)]), scale)
    if not np.isfinite(outline).all():
        return
    thickness = max(1, round((height + width) / 2 * LINE_WIDTH))
    _lines(canvas, outline, DIAL_COLOR, thickness, closed=True)
    marks = np.array([[0.0, -0.9], [0.0, -1.08], [0.0, 0.0], hand_tip(reading.hour_sincos, HOUR_HAND_LENGTH)])
    marks = np.vstack([marks, hand_tip(reading.minute_sincos, MINUTE_HAND_LENGTH)])
    twelve_in, twelve_out, center, hour_tip, minute_tip = dial_to_image(reading.homography, marks, scale)
    _lines(canvas, np.array([twelve_in, twelve_out]), TWELVE_COLOR, 3 * thickness)
    _lines(canvas, np.array([center, minute_tip]), MINUTE_COLOR, 2 * thickness)
    _lines(canvas, np.array([center, hour_tip]), HOUR_COLOR, 3 * thickness)
    _label(canvas, clock_text(reading.minutes), outline, thickness)


def _lines(canvas: Image, points: Points, color: Color, thickness: int, *, closed: bool = False) -> None:
    if not np.isfinite(points).all():
        return
    # Far outside the photo OpenCV's fixed-point coordinates would overflow.
    far = 4.0 * max(canvas.shape[:2])
    fixed = np.rint(points.clip(-far, far) * (1 << SUBPIXEL_BITS)).astype(np.int32).reshape(1, -1, 2)
    for line_color, width in ((EDGE_COLOR, thickness + max(2, thickness // 2)), (color, thickness)):
        cv2.polylines(canvas, list(fixed), closed, line_color, width, cv2.LINE_AA, SUBPIXEL_BITS)


def _label(canvas: Image, text: str, outline: Points, thickness: int) -> None:
    """White text on a dark plate, under the dial, or wherever near it the photo has room."""
    height, width = canvas.shape[:2]
    radius = float(np.ptp(outline, axis=0).max()) / 2
    lowest, highest = (share * (height + width) / 2 for share in TEXT_HEIGHT_OF_PHOTO)
    wanted = min(max(2 * radius * TEXT_HEIGHT_OF_DIAL, lowest, 10.0), max(highest, 10.0), height / 3)
    stroke = max(1, round(wanted / 10))
    size = wanted / cv2.getTextSize("0", FONT, 1.0, 1)[0][1]
    (text_width, text_height), _ = cv2.getTextSize(text, FONT, size, stroke)
    if text_width > 0.9 * width:
        size *= 0.9 * width / text_width
        (text_width, text_height), _ = cv2.getTextSize(text, FONT, size, stroke)
    margin = max(3, text_height // 3)
    plate_width, plate_height = text_width + 2 * margin, text_height + 2 * margin
    x = _clip(float(outline[:, 0].mean()) - plate_width / 2, width - plate_width)
    y = _clip(float(outline[:, 1].max()) + 2 * thickness, height - plate_height)
    cv2.rectangle(canvas, (x, y), (x + plate_width, y + plate_height), EDGE_COLOR, cv2.FILLED)
    cv2.putText(canvas, text, (x + margin, y + margin + text_height), FONT, size, TEXT_COLOR, stroke, cv2.LINE_AA)


def _clip(value: float, highest: Any) -> int:
    return round(min(max(value, 0.0), max(0.0, float(highest))))
