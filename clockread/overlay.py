"""Readings drawn on their photo: the dial, its 12, both hands, and the time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clockread.geometry import Floats, rim
from clockread.opencv import cv2

if TYPE_CHECKING:
    from clockread.clock import Pair
    from clockread.reading import Reading

Image = NDArray[np.uint8]
Points = NDArray[np.float64]
Color = tuple[int, int, int]
Corner = tuple[int, int]  # x, y of a label's first pixel

DIAL_COLOR: Color = (80, 220, 60)  # BGR
HOUR_COLOR: Color = (60, 60, 255)
MINUTE_COLOR: Color = (255, 160, 30)
SECOND_COLOR: Color = (240, 90, 230)
TWELVE_COLOR: Color = (0, 220, 255)
EDGE_COLOR: Color = (20, 20, 20)  # under every line, so that it shows on light photos
TEXT_COLOR: Color = (255, 255, 255)

DOUBTFUL_BELOW = 0.9  # confidence; such a dial has a dashed outline and a label with its percentage
HOUR_HAND_LENGTH = 0.55  # dial radii
MINUTE_HAND_LENGTH = 0.85
SECOND_HAND_LENGTH = 0.9
TWELVE_MARK = (0.9, 1.08)
OUTLINE_POINTS = 360
DASH_LENGTH = 16  # line widths, the gap after it included
DASHES = (5, 36)  # at least and at most in an outline
DASH_SHARE = 0.5
LINE_WIDTH = 1 / 300  # of the photo's mean side
TEXT_HEIGHT_OF_DIAL = 0.16
TEXT_HEIGHT_OF_PHOTO = (
    0.025,
    0.06,
)  # at least and at most: a small dial's time can be read, a large one is not covered
MIN_TEXT_HEIGHT = 10.0  # pixels
SMALLER_TEXTS = (1.0, 0.75, 0.55, 0.4)  # tried in turn until there is room for the label
LAST_TEXT_HEIGHT = 7.0  # pixels; for a label that would cover a hand otherwise
MIN_SIDE = 40  # pixels; a label that can be read fits into it
GRID_CELLS = 500  # along the long side of a photo, in which room for labels is sought
# Dial radii that a label may be further away to be below, above, right or left of its dial.
PREFERENCE = (0.0, 0.3, 0.6, 0.7)
# Dial radii from the best place; a smaller label there is better than a larger one further away.
NEAR_LABEL = 0.4
FURTHEST_LABEL = 1.5  # radii of the photo's largest dial, if it has several
SUBPIXEL_BITS = 4
FONT = cv2.FONT_HERSHEY_SIMPLEX


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
        dial for reading in readings if (dial := _dial(reading, scale, seconds=seconds)) is not None
    ]
    for dial in reversed(dials):
        _draw_dial(canvas, dial, thickness)
    places = _Places(height, width, dials, thickness)
    for dial in dials:
        _draw_label(canvas, dial, places, thickness)
    return canvas


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
class _Dial:
    """What is drawn of a reading, in pixels of the image."""

    text: str
    doubtful: bool
    outline: Points  # (OUTLINE_POINTS, 2)
    twelve: Points  # (2, 2), the ends of the mark at 12
    hands: dict[Color, Points]  # (2, 2) each, centre and tip; not finite if the hand points nowhere

    @cached_property
    def middle(self) -> Points:
        """Middle (x, y) of the outline's box."""
        middle: Points = (self.outline.min(axis=0) + self.outline.max(axis=0)) / 2
        return middle

    @cached_property
    def radius(self) -> float:
        """Half the mean side of the outline's box."""
        return float(np.ptp(self.outline, axis=0).mean()) / 2


def _dial(reading: Reading, scale: float, *, seconds: bool) -> _Dial | None:
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
    doubtful = not reading.confidence >= DOUBTFUL_BELOW  # nan is doubtful too
    percentage = f" {100 * reading.confidence:.0f} %" if math.isfinite(reading.confidence) else " ?"
    text = reading.time_text(seconds=seconds) + (percentage if doubtful else "")
    return _Dial(text, doubtful, outline, twelve, dict(zip(hands, drawn, strict=True)))


def _draw_dial(canvas: Image, dial: _Dial, thickness: int) -> None:
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
    fixed = [_fixed_point(line.clip(-far, far)) for line in lines if np.isfinite(line).all()]
    for line_color, width in ((EDGE_COLOR, thickness + max(2, thickness // 2)), (color, thickness)):
        cv2.polylines(canvas, fixed, False, line_color, width, cv2.LINE_AA, SUBPIXEL_BITS)


def _fixed_point(points: Points) -> NDArray[np.int32]:
    return np.rint(points * (1 << SUBPIXEL_BITS)).astype(np.int32)


@dataclass(frozen=True)
class _Label:
    """Measures of a text on its plate, in pixels."""

    width: int
    height: int
    margin: int
    size: float  # of OpenCV's font, without unit
    stroke: int


def _labels(dial: _Dial, height: int, width: int) -> list[_Label]:
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


def _label(text: str, wanted: float, height: int, width: int) -> _Label:
    """Return the label with digits ``wanted`` pixels high, or smaller to fit the photo."""
    stroke, margin = max(1, round(wanted / 9)), max(2, round(wanted / 3))
    size = wanted / cv2.getTextSize("0", FONT, 1.0, 1)[0][1]
    text_width = cv2.getTextSize(text, FONT, size, stroke)[0][0]
    if text_width > width - 2 * margin:
        size *= max(width - 2 * margin, 1) / text_width
    (text_width, text_height), _ = cv2.getTextSize(text, FONT, size, stroke)
    return _Label(
        min(text_width + 2 * margin, width),
        min(text_height + 2 * margin, height),
        margin,
        size,
        stroke,
    )


def _draw_label(canvas: Image, dial: _Dial, places: _Places, thickness: int) -> None:
    """Draw white text on a dark plate: beside the dial, or in another free place of the photo."""
    label, corner = places.take(dial, _labels(dial, canvas.shape[0], canvas.shape[1]))
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
    """Whether a plate is so close below, above or beside a dial that it can only belong to it."""
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


class _Places:
    """The room for labels in a photo: a grid of cells that dials, hands and labels occupy."""

    def __init__(self, height: int, width: int, dials: Sequence[_Dial], thickness: int) -> None:
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
        thin, thick = (
            -(-2 * width // self._cell) + 1 for width in (self._gap, self._gap + 2 * thickness)
        )  # of lines, cells
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
        return _fixed_point((points.clip(-far, far) + 0.5) / self._cell - 0.5)

    def _distance(self, dial: _Dial) -> NDArray[np.float64]:
        """Pixels from each cell to the rim of a dial, negative inside."""
        rows, columns = self._dials.shape
        x, y = (
            np.arange(columns) * self._cell - dial.middle[0],
            np.arange(rows) * self._cell - dial.middle[1],
        )
        distance: NDArray[np.float64] = np.hypot(x[None], y[:, None]) - dial.radius
        return distance

    def take(self, dial: _Dial, labels: Sequence[_Label]) -> tuple[_Label, Corner]:
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
        dial: _Dial,
        labels: Sequence[_Label],
        occupied: NDArray[np.float64],
        *,
        near: bool = False,
        own: bool = True,
    ) -> tuple[_Label, Corner] | None:
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

    def _away(self, dial: _Dial, label: _Label, shape: tuple[int, ...]) -> NDArray[np.float64]:
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

    def _least_covering(self, dial: _Dial, labels: Sequence[_Label]) -> tuple[_Label, Corner]:
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
                away = 1e-6 * (
                    np.minimum(y, y[::-1])[:, None] + np.minimum(x, x[::-1])[None]
                )  # from a corner of the photo
            else:
                away = 1e3 * self._at_middle(self._distance(dial), label, lines.shape).clip(min=0.0)
            corner = self._corner(1e12 * lines + dials + away)
            if lines[corner[1] // self._cell, corner[0] // self._cell] == 0:
                break
        return label, corner

    def _at_middle(
        self, field: NDArray[np.float64], label: _Label, shape: tuple[int, ...]
    ) -> NDArray[np.float64]:
        """Return the values of a field under the middle of a label in each place."""
        down, right = label.height // (2 * self._cell), label.width // (2 * self._cell)
        return field[down : down + shape[0], right : right + shape[1]]

    def _covered(self, sums: NDArray[np.float64], label: _Label) -> NDArray[np.float64]:
        """Count the occupied cells under a label for each place of its corner, by `_sums`."""
        rows, columns = (
            (self._height - label.height) // self._cell + 1,
            (self._width - label.width) // self._cell + 1,
        )
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
