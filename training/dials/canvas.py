"""Drawing on a flat dial: anti-aliased shapes in dial units on uint8 grey, and the artwork that drawings borrow.

The canvas looks straight at the dial plane: face radius 1 is `UNIT` pixels, y down. `Canvas.grey` is what is seen,
`Canvas.mask` what belongs to the object (255) rather than to the wall behind it.
"""

from __future__ import annotations

import functools
import math
from pathlib import Path
from random import Random
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from training.assets import background_photos, fonts

Grey = NDArray[Any]  # uint8; OpenCV's type stubs carry no dtype
Points = NDArray[np.floating]

UNIT = 96  # canvas pixels per face radius
CANVAS = 320  # canvas side, pixels; what lies beyond 1.66 radii is cut off
_SHIFT = 4  # fractional bits of OpenCV's fixed-point coordinates
_FIXED = 1 << _SHIFT
_GLYPH_HEIGHT = 40  # pixels of a cached glyph

_axis = (np.arange(CANVAS, dtype=np.float32) - CANVAS / 2 + 0.5) / UNIT
X = np.broadcast_to(_axis[None, :], (CANVAS, CANVAS))
Y = np.broadcast_to(_axis[:, None], (CANVAS, CANVAS))
RADIUS = np.sqrt(X * X + Y * Y)
AZIMUTH = np.arctan2(X, -Y)  # radians, clockwise from 12


def disc_points(
    n: int = 48, radius: float = 1.0, center: tuple[float, float] = (0.0, 0.0), aspect: float = 1.0
) -> Points:
    """N points of a circle (or of an ellipse ``aspect`` times as wide), starting at 12, clockwise."""
    a = np.arange(n) * (2 * math.pi / n)
    return np.stack(
        [center[0] + radius * aspect * np.sin(a), center[1] - radius * np.cos(a)], axis=1
    )


def turned(points: Points, degrees: float) -> Points:
    """Points turned clockwise about the origin."""
    r = math.radians(degrees)
    c, s = math.cos(r), math.sin(r)
    return points @ np.array([[c, s], [-s, c]])


class Canvas:
    """One dial being drawn."""

    def __init__(self) -> None:
        self.grey: Grey = np.full((CANVAS, CANVAS), 128, np.uint8)
        self.mask: Grey = np.zeros((CANVAS, CANVAS), np.uint8)
        self.wall_tone: float | None = (
            None  # face tone where marks and hands sit on the wall itself
        )
        self.wall_share = 0.8  # how much of what is seen between the marks has that tone: the rest is what is behind

    def lift_marks(self) -> None:
        """Make the mask of a dial on a bare wall: whatever differs from the face's tone."""
        if self.wall_tone is not None:
            away = cv2.absdiff(self.grey, np.full_like(self.grey, int(self.wall_tone)))
            ink = np.clip((away.astype(np.int16) - 12) * 8, 0, 255).astype(np.uint8)
            ink[RADIUS > 1.0] = 0
            np.maximum(self.mask, ink, out=self.mask)

    def fill(self, shapes: list[Points], tone: float, target: Grey | None = None) -> None:
        """Fill polygons (even-odd, so a shape inside a shape is a hole) with a grey tone 0..255."""
        fixed = [((p * UNIT + (CANVAS / 2 - 0.5)) * _FIXED).astype(np.int32) for p in shapes]
        cv2.fillPoly(self.grey if target is None else target, fixed, tone, cv2.LINE_AA, _SHIFT)

    def stroke(
        self,
        shapes: list[Points],
        tone: float,
        width: float,
        *,
        closed: bool = True,
        target: Grey | None = None,
    ) -> None:
        """Outline polygons with a line of ``width`` dial units (at least one pixel)."""
        fixed = [((p * UNIT + (CANVAS / 2 - 0.5)) * _FIXED).astype(np.int32) for p in shapes]
        pixels = max(1, round(width * UNIT))
        cv2.polylines(
            self.grey if target is None else target,
            fixed,
            closed,
            tone,
            pixels,
            cv2.LINE_AA,
            _SHIFT,
        )

    def circle(
        self,
        radius: float,
        tone: float,
        width: float = -1.0,
        center: tuple[float, float] = (0, 0),
        target: Grey | None = None,
    ) -> None:
        """A disc, or a ring of ``width`` dial units centred on ``radius``."""
        x, y = ((v * UNIT + CANVAS / 2 - 0.5) * _FIXED for v in center)
        pixels = -1 if width < 0 else max(1, round(width * UNIT))
        image = self.grey if target is None else target
        cv2.circle(
            image, (int(x), int(y)), int(radius * UNIT * _FIXED), tone, pixels, cv2.LINE_AA, _SHIFT
        )

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
        """Blend a glyph's ``alpha`` at (x, y), ``height`` dial units tall, turned clockwise, in a grey tone."""
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
        if (
            scale < 0.6
        ):  # bilinear sampling would drop strokes; two pyramid steps are cheaper than an area warp
            alpha = cv2.blur(alpha, (2, 2) if scale > 0.4 else (3, 3))
        part = cv2.warpAffine(alpha, matrix, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
        roi = self.grey[top:bottom, left:right]
        blend(roi, part, tone)

    def shade(self, gain: NDArray[np.float32]) -> None:
        """Multiply what is seen by a gain image around 1."""
        self.grey = cv2.multiply(self.grey, gain, dtype=cv2.CV_8U)


def blend(roi: Grey, alpha: Grey, tone: float | Grey) -> None:
    """Blend a tone (or image) into ``roi`` in place by an alpha of 0..255."""
    weight = alpha.astype(np.int16)
    base = roi.astype(np.int16)
    other = tone if isinstance(tone, np.ndarray) else int(tone)
    np.copyto(roi, (base + ((other - base) * weight >> 8)).astype(np.uint8))


@functools.cache
def font_files() -> tuple[Path, ...]:
    """Fonts of the collected artwork, or the few that come with matplotlib."""
    return tuple(fonts(None))


@functools.lru_cache(maxsize=4096)
def glyphs(font: int, text: str) -> Grey:
    """Alpha image of a text in font number ``font``, cropped to its ink, `_GLYPH_HEIGHT` tall letters."""
    from PIL import Image, ImageDraw, ImageFont

    file = font_files()[font % len(font_files())]
    face = ImageFont.truetype(str(file), int(_GLYPH_HEIGHT * 1.3))
    left, top, right, bottom = face.getbbox(text)
    image = Image.new("L", (max(4, int(right - left) + 4), max(4, int(bottom - top) + 4)))
    ImageDraw.Draw(image).text((2 - left, 2 - top), text, fill=255, font=face)
    return np.asarray(image)


@functools.cache
def photos() -> tuple[Grey, ...]:
    """Natural photographs to put behind dials; empty where none were collected."""
    return tuple(background_photos(None))


def photo_crop(rng: Random, width: int, height: int) -> Grey | None:
    """A random crop of a random photograph, random zoom and mirroring; None where there are no photographs."""
    if not photos():
        return None
    image = rng.choice(photos())
    h, w = image.shape
    zoom = math.exp(rng.uniform(math.log(0.35), math.log(1.6)))  # photo pixels per output pixel
    cw, ch = min(w, max(24, int(width * zoom))), min(h, max(24, int(height * zoom)))
    x, y = rng.randrange(w - cw + 1), rng.randrange(h - ch + 1)
    crop = cv2.resize(
        image[y : y + ch, x : x + cw],
        (width, height),
        interpolation=cv2.INTER_AREA if zoom > 1 else cv2.INTER_LINEAR,
    )
    return np.asarray(cv2.flip(crop, 1) if rng.random() < 0.5 else crop, dtype=np.uint8)


@functools.cache
def _noise_bank() -> NDArray[np.float32]:
    return np.random.default_rng(20).standard_normal(1 << 20, dtype=np.float32)


def noise(rng: Random, height: int, width: int) -> NDArray[np.float32]:
    """Unit normal noise (height, width), cut from a fixed bank: drawing it anew costs more than the dial."""
    bank = _noise_bank()
    n = height * width
    start = rng.randrange(len(bank) - n)
    return bank[start : start + n].reshape(height, width)


def soft_noise(rng: Random, height: int, width: int, cells: int) -> NDArray[np.float32]:
    """Smooth unit noise: ``cells`` × ``cells`` random values, interpolated."""
    small = noise(rng, cells, cells)
    return np.asarray(
        cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.float32
    )
