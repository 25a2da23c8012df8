"""Drawing on a flat dial: anti-aliased shapes in dial units on uint8 grey, and borrowed artwork.

The canvas looks straight at the dial plane: face radius 1 is `UNIT` pixels, y points down.
`Canvas.grey` holds the tones, `Canvas.mask` the coverage (255 object, 0 wall behind).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from training.assets import background_photos, fonts
from training.dials.randomness import log_uniform

Grey = NDArray[Any]  # uint8; OpenCV's type stubs carry no dtype
Points = NDArray[np.floating]

UNIT = 96  # canvas pixels per face radius
CANVAS = 320  # canvas side, pixels; everything beyond 1.66 radii is cut off
_SHIFT = 4  # fractional bits of OpenCV's fixed-point coordinates
_FIXED = 1 << _SHIFT
_GLYPH_HEIGHT = 40  # pixels of a cached glyph

_axis = (np.arange(CANVAS, dtype=np.float32) - CANVAS / 2 + 0.5) / UNIT
X = np.broadcast_to(_axis[None, :], (CANVAS, CANVAS))
Y = np.broadcast_to(_axis[:, None], (CANVAS, CANVAS))
RADIUS = np.sqrt(X * X + Y * Y)
AZIMUTH = np.arctan2(X, -Y)  # radians, clockwise from 12
SQUARE = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])  # clockwise from the upper left corner


def disc_points(
    n: int = 48, radius: float = 1.0, center: tuple[float, float] = (0.0, 0.0), aspect: float = 1.0
) -> Points:
    """Return n points of a circle (an ellipse ``aspect`` times as wide), from 12, clockwise."""
    a = np.arange(n) * (2 * math.pi / n)
    return np.stack(
        [center[0] + radius * aspect * np.sin(a), center[1] - radius * np.cos(a)], axis=1
    )


def turned(points: Points, degrees: float) -> Points:
    """Return points turned clockwise about the origin."""
    r = math.radians(degrees)
    c, s = math.cos(r), math.sin(r)
    return points @ np.array([[c, s], [-s, c]])


def spun(points: Points, degrees: NDArray[Any]) -> list[Points]:
    """Return copies of points, turned clockwise about the origin by several angles."""
    r = np.radians(degrees)
    c, s = np.cos(r), np.sin(r)
    return list(points @ np.stack([np.stack([c, s], -1), np.stack([-s, c], -1)], -2))


def at_angle(radius: float, radians: float) -> tuple[float, float]:
    """Return the point at an angle clockwise from 12."""
    return radius * math.sin(radians), -radius * math.cos(radians)


def around(n: int, radius: float) -> list[tuple[float, float]]:
    """Return n points spread evenly over a circle, from 12, clockwise."""
    return [at_angle(radius, a) for a in np.arange(n) * 2 * math.pi / n]


def trapezoid(half_1: float, y_1: float, half_2: float, y_2: float) -> Points:
    """Return a shape symmetric about x = 0: its half width at y_1 and at y_2."""
    return np.array([[-half_1, y_1], [half_1, y_1], [half_2, y_2], [-half_2, y_2]])


def bar(half: float, y_1: float, y_2: float) -> Points:
    """Return a rectangle symmetric about x = 0, from y_1 to y_2."""
    return trapezoid(half, y_1, half, y_2)


class Canvas:
    """The picture of one dial while it is drawn."""

    def __init__(self) -> None:
        self.grey: Grey = np.full((CANVAS, CANVAS), 128, np.uint8)
        self.mask: Grey = np.zeros((CANVAS, CANVAS), np.uint8)
        self.wall_tone: float | None = None  # face tone if marks and hands sit on the wall itself
        self.wall_share = 0.8  # weight of that tone between the marks; the rest is the background
        self.backwards = False  # whether `flip` comes last: texts are stamped to be right then

    def lift_marks(self) -> None:
        """Mask the marks of a dial on a bare wall: all pixels that differ from the face's tone."""
        if self.wall_tone is not None:
            away = cv2.absdiff(self.grey, np.full_like(self.grey, int(self.wall_tone)))
            ink = np.clip((away.astype(np.int16) - 12) * 8, 0, 255).astype(np.uint8)
            ink[RADIUS > 1.0] = 0
            np.maximum(self.mask, ink, out=self.mask)

    def fill(self, shapes: list[Points], tone: float, target: Grey | None = None) -> None:
        """Fill polygons with a tone 0..255; even-odd, so a shape inside a shape is a hole."""
        image = self.grey if target is None else target
        cv2.fillPoly(image, _fixed_point(shapes), tone, cv2.LINE_AA, _SHIFT)

    def solid(self, shape: Points, tone: float) -> None:
        """Fill one polygon with a tone, as a part of the object."""
        self.fill([shape], tone)
        self.fill([shape], 255, self.mask)

    def stroke(
        self, shapes: list[Points], tone: float, width: float, *, closed: bool = True
    ) -> None:
        """Outline polygons with a line of ``width`` dial units (at least one pixel)."""
        pixels = max(1, round(width * UNIT))
        cv2.polylines(self.grey, _fixed_point(shapes), closed, tone, pixels, cv2.LINE_AA, _SHIFT)

    def circle(
        self,
        radius: float,
        tone: float,
        width: float = -1.0,
        center: tuple[float, float] = (0, 0),
        target: Grey | None = None,
    ) -> None:
        """Draw a disc, or a ring of ``width`` dial units centered on ``radius``."""
        x, y = (int((v * UNIT + CANVAS / 2 - 0.5) * _FIXED) for v in center)
        pixels = -1 if width < 0 else max(1, round(width * UNIT))
        image = self.grey if target is None else target
        r = int(radius * UNIT * _FIXED)
        cv2.circle(image, (x, y), r, tone, pixels, cv2.LINE_AA, _SHIFT)

    def write(
        self,
        font: int,
        text: str,
        place: tuple[float, float],
        height: float,
        tone: float,
        degrees: float = 0.0,
        aspect: float = 1.0,
    ) -> None:
        """Write a text in font number ``font`` around ``place``; the rest as in `stamp`."""
        self.stamp(glyphs(font, text), *place, height, degrees, tone, aspect)

    def stamp(
        self,
        alpha: Grey,
        x: float,
        y: float,
        height: float,
        degrees: float,
        tone: float,
        aspect: float = 1.0,
    ) -> None:
        """Blend a glyph into the picture.

        Args:
            alpha: The glyph, uint8 coverage.
            x: Its middle, dial units.
            y: Its middle, dial units.
            height: Of the glyph, dial units.
            degrees: By which it is turned, clockwise.
            tone: Of the glyph, 0..255.
            aspect: Factor by which it is widened.
        """
        if self.backwards:
            alpha = alpha[:, ::-1]
        h, w = alpha.shape
        scale = height * UNIT / h
        r = math.radians(degrees)
        c, s = math.cos(r) * scale, math.sin(r) * scale
        a, b = c * aspect, s * aspect
        px, py = x * UNIT + CANVAS / 2 - 0.5, y * UNIT + CANVAS / 2 - 0.5
        half_w = (abs(a) * w + abs(s) * h) / 2 + 1
        half_h = (abs(b) * w + abs(c) * h) / 2 + 1
        left, top = max(0, int(px - half_w)), max(0, int(py - half_h))
        right, bottom = min(CANVAS, int(px + half_w) + 2), min(CANVAS, int(py + half_h) + 2)
        if right - left < 2 or bottom - top < 2:
            return
        cx, cy = (w - 1) / 2, (h - 1) / 2
        matrix = np.array(
            [[a, -s, px - left - a * cx + s * cy], [b, c, py - top - b * cx - c * cy]]
        )
        if scale < 0.6:  # bilinear sampling would drop strokes; a blur is cheaper than an area warp
            alpha = cv2.blur(alpha, (2, 2) if scale > 0.4 else (3, 3))
        part = cv2.warpAffine(alpha, matrix, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
        blend(self.grey[top:bottom, left:right], part, tone)

    def flip(self) -> None:
        """Mirror the picture about its vertical axis."""
        self.grey, self.mask = (
            np.ascontiguousarray(image[:, ::-1]) for image in (self.grey, self.mask)
        )

    def shade(self, gain: NDArray[np.floating]) -> None:
        """Multiply the tones by a gain image around 1."""
        self.grey = cv2.multiply(self.grey, gain.astype(np.float32), dtype=cv2.CV_8U)


def _fixed_point(shapes: Sequence[Points]) -> list[NDArray[np.int32]]:
    if len(shapes) > 2 and len({len(p) for p in shapes}) == 1:  # one array is much faster
        return list(((np.stack(shapes) * UNIT + (CANVAS / 2 - 0.5)) * _FIXED).astype(np.int32))
    return [((p * UNIT + (CANVAS / 2 - 0.5)) * _FIXED).astype(np.int32) for p in shapes]


def blend(roi: Grey, alpha: Grey, tone: float | Grey) -> None:
    """Blend a tone (or image) into ``roi`` in place by an alpha of 0..255."""
    weight = alpha.astype(np.int16)
    base = roi.astype(np.int16)
    other = tone if isinstance(tone, np.ndarray) else int(tone)
    np.copyto(roi, (base + ((other - base) * weight >> 8)).astype(np.uint8))


@functools.cache
def font_files() -> tuple[Path, ...]:
    """Return the fonts of the collected artwork, or the few that come with matplotlib."""
    return tuple(fonts(None))


def pick_font(rng: Random) -> int:
    """Return the number of a random font."""
    return rng.randrange(len(font_files()))


@functools.lru_cache(maxsize=8192)
def glyphs(font: int, text: str) -> Grey:
    """Return the alpha image of a text in a font, cropped to its ink, with tall letters."""
    from PIL import Image, ImageDraw, ImageFont

    file = font_files()[font % len(font_files())]
    face = ImageFont.truetype(str(file), int(_GLYPH_HEIGHT * 1.3))
    left, top, right, bottom = face.getbbox(text)
    image = Image.new("L", (max(4, int(right - left) + 4), max(4, int(bottom - top) + 4)))
    ImageDraw.Draw(image).text((2 - left, 2 - top), text, fill=255, font=face)
    return np.asarray(image)


@functools.cache
def photos() -> tuple[Grey, ...]:
    """Return the collected photographs to put behind dials; empty if none were collected."""
    return tuple(background_photos(None))


def photo_crop(rng: Random, width: int, height: int) -> Grey | None:
    """Return a random crop of a random photograph, zoomed and perhaps mirrored, or None."""
    if not photos():
        return None
    image = rng.choice(photos())
    h, w = image.shape
    zoom = log_uniform(rng, 0.35, 1.6)  # photo pixels per output pixel
    cw, ch = min(w, max(24, int(width * zoom))), min(h, max(24, int(height * zoom)))
    x, y = rng.randrange(w - cw + 1), rng.randrange(h - ch + 1)
    method = cv2.INTER_AREA if zoom > 1 else cv2.INTER_LINEAR
    crop = cv2.resize(image[y : y + ch, x : x + cw], (width, height), interpolation=method)
    return np.asarray(cv2.flip(crop, 1) if rng.random() < 0.5 else crop, dtype=np.uint8)


@functools.cache
def _noise_bank() -> NDArray[np.float32]:
    return np.random.default_rng(20).standard_normal(1 << 20, dtype=np.float32)


def noise(rng: Random, height: int, width: int) -> NDArray[np.float32]:
    """Return unit normal noise (height, width) from a fixed bank: fresh noise would be slower."""
    bank = _noise_bank()
    n = height * width
    start = rng.randrange(len(bank) - n)
    return bank[start : start + n].reshape(height, width)


def soft_noise(rng: Random, height: int, width: int, cells: int) -> NDArray[np.float32]:
    """Return smooth unit noise: ``cells`` × ``cells`` random values, interpolated."""
    smooth = cv2.resize(noise(rng, cells, cells), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(smooth, dtype=np.float32)
