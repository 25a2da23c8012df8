"""Clocks like the report's: on a plank table, seen from a few camera places, under a moving lamp.

The scene differs between pictures in its hands only: a dark case with a light grey face, grey
numerals and minute track, two grey bar hands of equal width and different length, a table of
planks. The camera stands at one of `PLACES` places. A place has its rotation of the dial (any
angle), its tilt of 0 to 50 degrees (which squashes the dial vertically), its distance and framing.
The lamp differs in every picture: a highlight in the glass anywhere on the dial, often over hands
or numerals, a brightness and a gradient.

`PLACES` is the one number that the report leaves open and that decides how hard the pictures are.
It was chosen by one claim only (the regression's MAE falls to about 0.46 hours), in short fits, and
is frozen; RESULTS.md has the figures.
"""

from __future__ import annotations

import functools
import math
from pathlib import Path
from random import Random
from typing import Annotated, Any

import cv2
import numpy as np
import typer
from numpy.typing import NDArray

from clockread.clock import hand_angles
from training.dials.canvas import Grey

VERSION = 1  # raise with every change that alters pixels
PLACES = 24  # camera places
MAX_TILT = 50.0  # degrees
HOUR_LENGTH, MINUTE_LENGTH, HALF_WIDTH, TAIL = 0.46, 0.68, 0.045, 0.06  # dial radii

_UNIT = 96  # canvas pixels per dial radius
_HALF = 4.0  # dial radii from the canvas' center to its edge: all that the most tilted camera sees
_CANVAS = round(2 * _HALF * _UNIT)
_CASE, _FACE, _INK, _HAND, _TABLE = 56.0, 200.0, 108.0, 86.0, 92.0  # grey levels
_SHIFT = 4  # fractional bits of OpenCV's fixed-point coordinates
Floats = NDArray[Any]  # float32; OpenCV's type stubs carry no dtype


def scaling(scale: float, x: float, y: float) -> NDArray[np.float64]:
    """Return the homography (3, 3) that scales, then moves the origin to (x, y)."""
    return np.array([[scale, 0, x], [0, scale, y], [0, 0, 1.0]])


def rotation(radians: float) -> NDArray[np.float64]:
    """Return the matrix (2, 2) that rotates clockwise in an image (y down)."""
    cos, sin = math.cos(radians), math.sin(radians)
    return np.array([[cos, -sin], [sin, cos]])


def _fill(canvas: Grey, points: NDArray[np.floating], tone: float) -> None:
    fixed = ((points * _UNIT + _CANVAS / 2 - 0.5) * (1 << _SHIFT)).astype(np.int32)
    cv2.fillPoly(canvas, [fixed], tone, cv2.LINE_AA, _SHIFT)


def _disc(canvas: Grey, radius: float, tone: float) -> None:
    a = np.linspace(0, 2 * math.pi, 120, endpoint=False)
    _fill(canvas, radius * np.stack([np.sin(a), np.cos(a)], axis=1), tone)


def _bar(degrees: float, start: float, end: float, half: float) -> NDArray[np.floating]:
    """Return the corners (4, 2) of a radial bar, in dial radii.

    Args:
        degrees: Clockwise from 12.
        start: Distance of its inner end from the dial's center.
        end: Distance of its outer end.
        half: Half its width.

    """
    a = math.radians(degrees)
    along, across = np.array([math.sin(a), -math.cos(a)]), np.array([math.cos(a), math.sin(a)])
    corners = ((start, -half), (end, -half), (end, half), (start, half))
    return np.array([r * along + w * across for r, w in corners])


def _numeral(canvas: Grey, text: str, degrees: float) -> None:
    font, scale, width = cv2.FONT_HERSHEY_DUPLEX, 0.62, 2
    (w, h), _ = cv2.getTextSize(text, font, scale, width)
    a = math.radians(degrees)
    x, y = (_CANVAS / 2 + _UNIT * 0.73 * v for v in (math.sin(a), -math.cos(a)))
    corner = round(x - w / 2), round(y + h / 2)
    cv2.putText(canvas, text, corner, font, scale, _INK, width, cv2.LINE_AA)


def _planks() -> Floats:
    """Draw the table (canvas, canvas): planks with grain along them and dark gaps between them."""
    rng = np.random.default_rng(7)
    grain: Floats = rng.normal(0, 1, (_CANVAS, _CANVAS // 32)).astype(np.float32)
    grain = cv2.resize(grain, (_CANVAS, _CANVAS), interpolation=cv2.INTER_CUBIC)
    table = _TABLE + 11 * cv2.GaussianBlur(grain, (0, 0), 1.0)
    edge = 0
    while edge < _CANVAS:
        width = int(rng.uniform(0.45, 0.6) * _UNIT)
        table[edge : edge + width] *= rng.uniform(0.8, 1.2)
        table[edge : edge + 3] *= 0.45
        edge += width
    return np.asarray(table, np.float32)


@functools.cache
def _scene() -> Grey:
    """Draw table, case, face, track and numerals, without hands (canvas, canvas)."""
    shadow = np.zeros((_CANVAS, _CANVAS), np.uint8)
    _disc(shadow, 1.22, 120)
    shade = 1 - cv2.GaussianBlur(shadow, (0, 0), 12).astype(np.float32) / 255
    canvas: Grey = np.clip(_planks() * shade, 0, 255).astype(np.uint8)
    for radius, tone in ((1.17, _CASE), (1.06, _CASE - 12), (1.0, _FACE)):
        _disc(canvas, radius, tone)
    for i in range(60):
        start, half = (0.885, 0.016) if i % 5 == 0 else (0.91, 0.008)
        _fill(canvas, _bar(6.0 * i, start, 0.945, half), _INK)
    for i in range(12):
        _numeral(canvas, str(i or 12), 30.0 * i)
    return canvas


@functools.cache
def _camera(place: int) -> NDArray[np.float64]:
    """Return the homography (3, 3) of a place, from dial radii (y down) to an image of side 1."""
    rng = Random(f"camera place {place}")
    roll, tilt = math.radians(rng.uniform(0, 360)), math.radians(rng.uniform(0, MAX_TILT))
    distance = rng.uniform(4.0, 8.0)  # dial radii
    turn = rotation(roll)
    plane = np.eye(3)
    plane[:2, :2] = np.diag([1.0, math.cos(tilt)]) @ turn
    plane[2, :2] = -math.sin(tilt) / distance * turn[1]  # higher in the picture is farther away
    scale = rng.uniform(0.31, 0.4)
    frame = scaling(scale, 0.5 + rng.uniform(-0.04, 0.04), 0.5 + rng.uniform(-0.04, 0.04))
    return np.asarray(frame @ plane)


def _lamp(rng: Random) -> tuple[Floats, Floats]:
    """Return a lamp's highlight in the glass, to add, and its gain over the scene, to multiply.

    Both are (canvas, canvas).
    """
    r, a = 1.05 * math.sqrt(rng.random()), rng.uniform(0, 2 * math.pi)
    coarse = _CANVAS // 4  # light is smooth
    axis = ((np.arange(coarse, dtype=np.float32) + 0.5) * 4 - _CANVAS / 2) / _UNIT
    dx, dy = axis - r * math.sin(a), axis + r * math.cos(a)

    def spot(width: float) -> Floats:
        x, y = (np.exp(-d * d / (2 * width * width)) for d in (dx, dy))
        return y[:, None] * x[None, :]

    glare = rng.uniform(30, 190) * spot(rng.uniform(0.05, 0.16))
    glare = glare + rng.uniform(5, 45) * spot(rng.uniform(0.25, 0.6))
    glare[axis[None, :] ** 2 + axis[:, None] ** 2 > 1] = 0  # the glass ends with the face
    gain = rng.uniform(0.72, 1.05) * (0.8 + 0.3 * spot(1.5))
    large = (_CANVAS, _CANVAS)
    return cv2.resize(glare.astype(np.float32), large), cv2.resize(gain.astype(np.float32), large)


def render_turned(seed: int, minutes: int, side: int, places: int = PLACES) -> Grey:
    """Render one image (side, side) uint8; equal arguments give equal pixels.

    Args:
        seed: Of lamp, camera place and noise.
        minutes: The time past twelve that the clock shows.
        side: Pixels.
        places: Number of camera places.

    """
    rng = Random(f"turned {seed}")
    canvas = _scene().copy()
    hour, minute = (float(a) for a in hand_angles(minutes))
    for degrees, length in ((hour, HOUR_LENGTH), (minute, MINUTE_LENGTH)):
        _fill(canvas, _bar(degrees, -TAIL, length, HALF_WIDTH), _HAND)
    _disc(canvas, 0.05, _HAND - 10)
    glare, gain = _lamp(rng)
    lit = cv2.add(cv2.multiply(canvas, gain, dtype=cv2.CV_32F), glare)
    to_dial = np.linalg.inv(scaling(_UNIT, _CANVAS / 2 - 0.5, _CANVAS / 2 - 0.5))
    large = 2 * side  # averaged down, since thin marks would alias
    matrix = scaling(large, -0.5, -0.5) @ _camera(rng.randrange(places)) @ to_dial
    image = cv2.warpPerspective(lit, matrix, (large, large), borderMode=cv2.BORDER_REFLECT)
    image = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    grain = np.random.default_rng(seed).normal(0, 1.5, image.shape)
    return np.asarray(np.clip(image + grain, 0, 255).astype(np.uint8))


def contact_sheet(columns: int = 12, rows: int = 4, side: int = 150) -> Grey:
    """Render pictures of random times side by side, to compare them with the report's."""
    rng = Random(0)
    size = rows * columns
    pictures = [render_turned(rng.randrange(18_000), rng.randrange(720), side) for _ in range(size)]
    framed = [np.pad(picture, 2, constant_values=255) for picture in pictures]
    return np.vstack([np.hstack(framed[i : i + columns]) for i in range(0, size, columns)])


def main(to: Annotated[Path, typer.Argument(help="PNG to write.")]) -> None:
    """Write a contact sheet of the rendered clocks."""
    if not cv2.imwrite(str(to), contact_sheet()):
        raise typer.BadParameter(f"{to}: cannot be written")


if __name__ == "__main__":
    typer.run(main)
