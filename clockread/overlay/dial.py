"""Lines and text that show a reading, projected to the pixels of its photo."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clockread.fields import percent
from clockread.geometry import Floats, rim

if TYPE_CHECKING:
    from clockread.clock import Pair
    from clockread.reading import Reading

Points = NDArray[np.float64]
Color = tuple[int, int, int]  # BGR

HOUR_COLOR: Color = (60, 60, 255)
MINUTE_COLOR: Color = (255, 160, 30)
SECOND_COLOR: Color = (240, 90, 230)

DASHED_BELOW = 0.9  # confidence; such a dial has a dashed outline and a label with its percentage
HOUR_HAND_LENGTH = 0.55  # dial radii
MINUTE_HAND_LENGTH = 0.85
SECOND_HAND_LENGTH = 0.9
TWELVE_MARK = (0.9, 1.08)
OUTLINE_POINTS = 360
SUBPIXEL_BITS = 4


def dial_to_image(
    homography: Sequence[Sequence[float]], points: Floats, scale: float = 1.0
) -> Points:
    """Return pixels (N, 2) of dial points (N, 2) in radii; not finite behind the camera."""
    matrix = np.asarray(homography, dtype=np.float64)
    homogeneous = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    center_side = np.sign(matrix[2, 2]) or 1.0
    with np.errstate(all="ignore"):
        depth = np.where(homogeneous[:, 2:] * center_side > 0, homogeneous[:, 2:], np.nan)
        pixels: Points = homogeneous[:, :2] / depth
    return (pixels + 0.5) / scale - 0.5


def hand_tip(pair: Pair, length: float) -> Points:
    """Return the dial point (2,) at ``length`` radii along a hand (sin, cos); NaN for (0, 0)."""
    sine, cosine = pair
    norm = math.hypot(sine, cosine)
    if not (math.isfinite(norm) and norm > 0):
        return np.full(2, np.nan)
    return np.array([sine, -cosine]) * (length / norm)


@dataclass(frozen=True)
class DrawnDial:
    """Lines and text that show a reading, in pixels of the image."""

    text: str
    doubtful: bool
    outline: Points  # (OUTLINE_POINTS, 2)
    twelve: Points  # (2, 2), the ends of the mark at 12
    hands: dict[Color, Points]  # (2, 2) each, center and tip; not finite if the hand points nowhere

    @cached_property
    def middle(self) -> Points:
        """Middle (x, y) of the outline's box."""
        middle: Points = (self.outline.min(axis=0) + self.outline.max(axis=0)) / 2
        return middle

    @cached_property
    def radius(self) -> float:
        """Half the mean side of the outline's box."""
        return float(np.ptp(self.outline, axis=0).mean()) / 2


def drawn_dial(reading: Reading, scale: float, *, seconds: bool) -> DrawnDial | None:
    """Return the lines and the text that show a reading; None if its pose is infinite."""
    outline = dial_to_image(reading.homography, rim(OUTLINE_POINTS), scale)
    if not np.isfinite(outline).all():
        return None
    hands = {
        MINUTE_COLOR: (reading.minute_sincos, MINUTE_HAND_LENGTH),
        HOUR_COLOR: (reading.hour_sincos, HOUR_HAND_LENGTH),
    }
    if seconds and reading.second is not None:
        hands[SECOND_COLOR] = (reading.second_sincos, SECOND_HAND_LENGTH)
    lines = [np.array([[0.0, -radius] for radius in TWELVE_MARK])]
    lines += [np.array([(0.0, 0.0), hand_tip(pair, length)]) for pair, length in hands.values()]
    twelve, *drawn = dial_to_image(reading.homography, np.concatenate(lines), scale).reshape(
        -1, 2, 2
    )
    doubtful = not reading.confidence >= DASHED_BELOW  # nan is doubtful too
    percentage = f" {percent(reading.confidence)}" if doubtful else ""
    text = reading.time_text(seconds=seconds) + percentage
    return DrawnDial(text, doubtful, outline, twelve, dict(zip(hands, drawn, strict=True)))


def fixed_point(points: Points) -> NDArray[np.int32]:
    """Return points in the fixed-point coordinates that OpenCV draws with."""
    return np.rint(points * (1 << SUBPIXEL_BITS)).astype(np.int32)
