"""Labels: their size, and places in a photo where they cover neither dials nor hands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clockread.opencv import cv2
from clockread.overlay.dial import SUBPIXEL_BITS, DrawnDial, Points, fixed_point

Corner = tuple[int, int]  # x, y of a label's first pixel

TEXT_HEIGHT_OF_DIAL = 0.16
# At least and at most: a small dial's time can be read, a large one is not covered.
TEXT_HEIGHT_OF_PHOTO = (0.025, 0.06)
MIN_TEXT_HEIGHT = 10.0  # pixels
SMALLER_TEXTS = (1.0, 0.75, 0.55, 0.4)  # tried in turn until there is room for the label
LAST_TEXT_HEIGHT = 7.0  # pixels; for a label that would cover a hand otherwise
GRID_CELLS = 500  # along the long side of a photo, in which room for labels is sought
# Dial radii that a label may be further away to be below, above, right or left of its dial.
PREFERENCE = (0.0, 0.3, 0.6, 0.7)
# Dial radii from the best place; a smaller label there is better than a larger one further away.
NEAR_LABEL = 0.4
FURTHEST_LABEL = 1.5  # radii of the photo's largest dial, if it has several
FONT = cv2.FONT_HERSHEY_SIMPLEX


@dataclass(frozen=True)
class Label:
    """Measures of a text on its plate, in pixels."""

    width: int
    height: int
    margin: int
    size: float  # of OpenCV's font, without unit
    stroke: int


def labels_for(dial: DrawnDial, height: int, width: int) -> list[Label]:
    """Return the labels that a dial may have in a photo of that size, largest first."""
    lowest, highest = (
        max(share * (height + width) / 2, MIN_TEXT_HEIGHT) for share in TEXT_HEIGHT_OF_PHOTO
    )
    diameter = float(np.ptp(dial.outline, axis=0).max())
    usual = min(max(diameter * TEXT_HEIGHT_OF_DIAL, lowest), highest)
    heights = [*(max(share * usual, MIN_TEXT_HEIGHT) for share in SMALLER_TEXTS), LAST_TEXT_HEIGHT]
    return [
        _label(dial.text, min(text_height, height / 3), height, width) for text_height in heights
    ]


def _label(text: str, wanted: float, height: int, width: int) -> Label:
    """Return the label with digits ``wanted`` pixels high, or smaller to fit the photo."""
    stroke, margin = max(1, round(wanted / 9)), max(2, round(wanted / 3))
    size = wanted / cv2.getTextSize("0", FONT, 1.0, 1)[0][1]
    text_width = cv2.getTextSize(text, FONT, size, stroke)[0][0]
    if text_width > width - 2 * margin:
        size *= max(width - 2 * margin, 1) / text_width
    (text_width, text_height), _ = cv2.getTextSize(text, FONT, size, stroke)
    return Label(
        min(text_width + 2 * margin, width),
        min(text_height + 2 * margin, height),
        margin,
        size,
        stroke,
    )


class Places:
    """The room for labels in a photo: a grid of cells that dials, hands and labels occupy."""

    def __init__(self, height: int, width: int, dials: Sequence[DrawnDial], thickness: int) -> None:
        self._height, self._width = height, width
        self._cell = -(-max(height, width) // GRID_CELLS)  # pixels
        shape = (-(-height // self._cell), -(-width // self._cell))
        self._dials, self._lines = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
        self._gap = thickness + 2  # pixels at least between a dial and a label
        self.of_one_dial = len(dials) == 1
        self._furthest = (
            math.inf
            if self.of_one_dial
            else FURTHEST_LABEL * max((dial.radius for dial in dials), default=0.0)
        )
        thin, thick = (  # lines, in cells
            -(-2 * width // self._cell) + 1 for width in (self._gap, self._gap + 2 * thickness)
        )
        for dial in dials:
            outline = self._in_cells(dial.outline)
            cv2.fillPoly(self._dials, [outline], 1, cv2.LINE_8, SUBPIXEL_BITS)
            cv2.polylines(self._dials, [outline], True, 1, thin, cv2.LINE_8, SUBPIXEL_BITS)
            cv2.polylines(
                self._dials,
                [self._in_cells(dial.twelve)],
                False,
                1,
                thick,
                cv2.LINE_8,
                SUBPIXEL_BITS,
            )
            hands = [
                self._in_cells(hand) for hand in dial.hands.values() if np.isfinite(hand).all()
            ]
            cv2.polylines(self._lines, hands, False, 1, thick, cv2.LINE_8, SUBPIXEL_BITS)
        self._to_nearest = np.full(shape, np.inf)
        for dial in dials:
            np.minimum(self._to_nearest, self._distance(dial), out=self._to_nearest)

    def _in_cells(self, points: Points) -> NDArray[np.int32]:
        far = 4.0 * max(self._height, self._width)
        return fixed_point((points.clip(-far, far) + 0.5) / self._cell - 0.5)

    def _distance(self, dial: DrawnDial) -> NDArray[np.float64]:
        """Return the distance in pixels from each cell to the rim of a dial, negative inside."""
        rows, columns = self._dials.shape
        x = np.arange(columns) * self._cell - dial.middle[0]
        y = np.arange(rows) * self._cell - dial.middle[1]
        distance: NDArray[np.float64] = np.hypot(x[None], y[:, None]) - dial.radius
        return distance

    def take(self, dial: DrawnDial, labels: Sequence[Label]) -> tuple[Label, Corner]:
        """Choose one of a dial's labels, largest first, and its place, which later labels avoid."""
        occupied = _sums(self._dials | self._lines)
        place = (
            self._free(dial, labels, occupied, near=True)
            or self._free(dial, labels, occupied)
            or self._free(dial, labels, occupied, own=False)
            or self._least_covering(dial, labels)
        )
        (label, (x, y)), cell, gap = place, self._cell, self._gap
        rows = slice(max(0, y - gap) // cell, -(-(y + label.height + gap) // cell))
        self._lines[rows, max(0, x - gap) // cell : -(-(x + label.width + gap) // cell)] = 1
        return place

    def _free(
        self,
        dial: DrawnDial,
        labels: Sequence[Label],
        occupied: NDArray[np.float64],
        *,
        near: bool = False,
        own: bool = True,
    ) -> tuple[Label, Corner] | None:
        """Return the first label that has a place which covers no dial and no label.

        ``near``: of several dials, only places close below, above or beside this one. ``own``: only
        places that no other dial is closer to.
        """
        for label in labels[:-1]:
            free = self._covered(occupied, label) == 0
            if not free.any():
                continue
            distance, to_nearest = (
                self._at_middle(field, label, free.shape)
                for field in (self._distance(dial), self._to_nearest)
            )
            free &= distance <= (to_nearest + label.height / 2 if own else self._furthest)
            if free.any():
                away = np.where(free, self._away(dial, label, free.shape), np.inf)
                if not near or self.of_one_dial or away.min() <= NEAR_LABEL * dial.radius:
                    return label, self._corner(away)
        return None

    def _away(self, dial: DrawnDial, label: Label, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Return each place's distance, pixels, to the closest of four places beside it."""
        (left, top), (right, bottom) = dial.outline.min(axis=0), dial.outline.max(axis=0)
        x, y = dial.middle - (label.width / 2, label.height / 2)
        beyond = 2 * (self._gap + self._cell)
        good = [
            (x, bottom + beyond),
            (x, top - label.height - beyond),
            (right + beyond, y),
            (left - label.width - beyond, y),
        ]
        ys, xs = self._cell * np.mgrid[: shape[0], : shape[1]]
        away = [
            np.hypot(xs - x, ys - y) + part * dial.radius
            for (x, y), part in zip(good, PREFERENCE, strict=True)
        ]
        least: NDArray[np.float64] = np.min(away, axis=0)
        return least

    def _least_covering(self, dial: DrawnDial, labels: Sequence[Label]) -> tuple[Label, Corner]:
        """Return the place that covers no hand, no label, and as little as possible of the dials.

        A single dial gets a place close to a corner of the photo; one of several dials gets its own
        disc and the smallest label.
        """
        for label in labels[1 if self.of_one_dial else -2 :]:
            lines, dials = (
                self._covered(_sums(mask), label) for mask in (self._lines, self._dials)
            )
            if self.of_one_dial:
                y, x = (np.arange(n) for n in lines.shape)
                to_corner = np.minimum(y, y[::-1])[:, None] + np.minimum(x, x[::-1])[None]
                away = 1e-6 * to_corner
            else:
                away = 1e3 * self._at_middle(self._distance(dial), label, lines.shape).clip(min=0.0)
            corner = self._corner(1e12 * lines + dials + away)
            if lines[corner[1] // self._cell, corner[0] // self._cell] == 0:
                break
        return label, corner

    def _at_middle(
        self, field: NDArray[np.float64], label: Label, shape: tuple[int, ...]
    ) -> NDArray[np.float64]:
        """Return the values of a field under the middle of a label in each place."""
        down, right = label.height // (2 * self._cell), label.width // (2 * self._cell)
        return field[down : down + shape[0], right : right + shape[1]]

    def _covered(self, sums: NDArray[np.float64], label: Label) -> NDArray[np.float64]:
        """Count the occupied cells under a label for each place of its corner, by `_sums`."""
        rows = (self._height - label.height) // self._cell + 1
        columns = (self._width - label.width) // self._cell + 1
        high, wide = -(-label.height // self._cell), -(-label.width // self._cell)
        bands = sums[high : high + rows] - sums[:rows]
        covered: NDArray[np.float64] = bands[:, wide : wide + columns] - bands[:, :columns]
        return covered

    def _corner(self, cost: NDArray[np.float64]) -> Corner:
        y, x = np.unravel_index(int(cost.argmin()), cost.shape)
        return int(x) * self._cell, int(y) * self._cell


def _sums(mask: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the sum of all cells above and left of each corner of a cell."""
    return np.asarray(cv2.integral(mask), dtype=np.float64)
