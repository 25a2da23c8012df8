"""Drawing of dials, hands and labels on a photo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clockread.opencv import cv2
from clockread.overlay.dial import (
    HOUR_COLOR,
    MINUTE_COLOR,
    SECOND_COLOR,
    SUBPIXEL_BITS,
    Color,
    DrawnDial,
    Points,
    drawn_dial,
    fixed_point,
)
from clockread.overlay.labels import FONT, Places, labels_for

if TYPE_CHECKING:
    from clockread.reading import Reading

Image = NDArray[np.uint8]

DIAL_COLOR: Color = (80, 220, 60)  # BGR
TWELVE_COLOR: Color = (0, 220, 255)
EDGE_COLOR: Color = (20, 20, 20)  # under every line, so that it shows on light photos
TEXT_COLOR: Color = (255, 255, 255)

DASH_LENGTH = 16  # line widths, the gap after it included
DASHES = (5, 36)  # at least and at most in an outline
DASH_SHARE = 0.5
LINE_WIDTH = 1 / 300  # of the photo's mean side
MIN_SIDE = 40  # pixels; a label that can be read fits into it


def enlarged(image_bgr: Image) -> tuple[Image, int]:
    """Return a photo of at least MIN_SIDE pixels per side, and the factor of its enlargement."""
    factor = -(-MIN_SIDE // min(image_bgr.shape[:2]))
    return (
        (image_bgr, 1)
        if factor == 1
        else (np.repeat(np.repeat(image_bgr, factor, axis=0), factor, axis=1), factor)
    )


def draw(
    image_bgr: Image, readings: Sequence[Reading], *, scale: float = 1.0, seconds: bool = False
) -> Image:
    """Return a copy of a photo with its readings drawn on it, the best one on top.

    A label stands outside every dial if there is room. Readings with an infinite pose are left
    out.

    Args:
        image_bgr: uint8 (H, W, 3), upright, as load_color gives it.
        readings: Best first.
        scale: Full-size pixels per pixel of the image (Photo.scale).
        seconds: Draw second hands, and seconds in the times, if they are seen.

    """
    canvas: Image = np.array(image_bgr, dtype=np.uint8, order="C")
    height, width = canvas.shape[:2]
    thickness = max(1, round((height + width) / 2 * LINE_WIDTH))
    dials = [
        dial
        for reading in readings
        if (dial := drawn_dial(reading, scale, seconds=seconds)) is not None
    ]
    for dial in reversed(dials):
        _draw_dial(canvas, dial, thickness)
    places = Places(height, width, dials, thickness)
    for dial in dials:
        _draw_label(canvas, dial, places, thickness)
    return canvas


def _draw_dial(canvas: Image, dial: DrawnDial, thickness: int) -> None:
    if dial.doubtful:
        _draw_lines(canvas, _dashes(dial.outline, thickness), DIAL_COLOR, thickness)
    else:
        _draw_lines(canvas, [np.vstack([dial.outline, dial.outline[:1]])], DIAL_COLOR, thickness)
    _draw_lines(canvas, [dial.twelve], TWELVE_COLOR, 3 * thickness)
    widths = {HOUR_COLOR: 3, MINUTE_COLOR: 2, SECOND_COLOR: 1}
    for color, hand in dial.hands.items():
        _draw_lines(canvas, [hand], color, widths[color] * thickness)


def _dashes(outline: Points, thickness: int) -> list[Points]:
    length = float(np.linalg.norm(np.diff(outline, axis=0, append=outline[:1]), axis=1).sum())
    count = int(np.clip(length / (DASH_LENGTH * thickness), *DASHES))
    return [dash[: round(DASH_SHARE * len(dash)) + 1] for dash in np.array_split(outline, count)]


def _draw_lines(canvas: Image, lines: Sequence[Points], color: Color, thickness: int) -> None:
    # Far outside the photo OpenCV's fixed-point coordinates would overflow.
    far = 4.0 * max(canvas.shape[:2])
    fixed = [fixed_point(line.clip(-far, far)) for line in lines if np.isfinite(line).all()]
    for line_color, width in ((EDGE_COLOR, thickness + max(2, thickness // 2)), (color, thickness)):
        cv2.polylines(canvas, fixed, False, line_color, width, cv2.LINE_AA, SUBPIXEL_BITS)


def _draw_label(canvas: Image, dial: DrawnDial, places: Places, thickness: int) -> None:
    """Draw white text on a dark plate: beside the dial, or in another free place of the photo."""
    label, corner = places.take(dial, labels_for(dial, canvas.shape[0], canvas.shape[1]))
    first: Points = np.array(corner, dtype=np.float64)
    last = first + (label.width - 1, label.height - 1)
    if not (places.of_one_dial or _is_close(dial.outline, first, last)):
        _draw_leader(canvas, dial.outline, first, last, thickness)
    cv2.rectangle(
        canvas, first.astype(int).tolist(), last.astype(int).tolist(), EDGE_COLOR, cv2.FILLED
    )
    origin = (corner[0] + label.margin, corner[1] + label.height - 1 - label.margin)
    cv2.putText(canvas, dial.text, origin, FONT, label.size, TEXT_COLOR, label.stroke, cv2.LINE_AA)


def _is_close(outline: Points, first: Points, last: Points) -> bool:
    """Return whether a plate is so close to a dial that it can only belong to it."""
    low, high = outline.min(axis=0), outline.max(axis=0)
    middle = (low + high) / 2
    apart = np.maximum(first - high, low - last).max()  # pixels
    return bool(((first <= middle) & (middle <= last)).any() and apart < last[1] - first[1])


def _draw_leader(
    canvas: Image, outline: Points, first: Points, last: Points, thickness: int
) -> None:
    """Draw a line from a plate to a dot on the outline of its dial."""
    tip = outline[np.linalg.norm(outline - (first + last) / 2, axis=1).argmin()]
    _draw_lines(canvas, [np.array([tip, tip])], DIAL_COLOR, 5 * thickness)
    _draw_lines(canvas, [np.array([tip, tip.clip(first, last)])], DIAL_COLOR, thickness)
