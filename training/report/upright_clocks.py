"""Upright clocks: the same times on clocks that hang on a wall, with 12 on top.

The report's clocks are turned, which is what makes them hard. These are flat dials of one style
(white face, twelve Arabic numerals, minute track, two dark tapering hands of clearly different
length and width) in a thin case on a plain wall. The camera is up to 35 degrees off the normal and
rolls by up to 8 degrees; its distance and framing vary. The direction of the one lamp gives the
shading and the hands' shadows. Tones of case and wall vary a little; there are no reflections and
no depth of field, and the noise is one or two grey levels.
"""

from __future__ import annotations

import math
from random import Random

import cv2
import numpy as np

from clockread.clock import hand_angles
from training.dials.canvas import (
    CANVAS,
    UNIT,
    Canvas,
    Grey,
    Points,
    blend,
    disc_points,
    noise,
    turned,
)
from training.report.turned_clocks import rotation, scaling

VERSION = 1  # raise with every change that alters pixels
_NUMERAL_HEIGHT, _NUMERAL_RADIUS = 0.17, 0.72  # dial radii
_FACE, _INK = 242.0, 18.0


def _tapering(length: float, half: float, tail: float) -> Points:
    """Return the outline (6, 2) of a hand at 12, in dial radii; ``half`` is half its width."""
    right = [[half * 0.8, tail], [half, 0], [half * 0.45, -length]]
    left = [[-x, y] for x, y in reversed(right)]
    return np.array([left[-1], *right, *left[:-1]])


def _numeral(canvas: Canvas, text: str, degrees: float) -> None:
    # OpenCV's strokes, which every installation has: with a typeface, pixels would depend on the
    # fonts of the machine
    font, width = cv2.FONT_HERSHEY_DUPLEX, 2
    (w, h), _ = cv2.getTextSize(text, font, 1.0, width)
    alpha = np.zeros((h + 8, w + 8), np.uint8)
    cv2.putText(alpha, text, (4, h + 3), font, 1.0, 255, width, cv2.LINE_AA)
    a = math.radians(degrees)
    x, y = _NUMERAL_RADIUS * math.sin(a), -_NUMERAL_RADIUS * math.cos(a)
    canvas.stamp(alpha, x, y, _NUMERAL_HEIGHT, 0.0, _INK)


def _draw(rng: Random, minutes: int, light: tuple[float, float]) -> Canvas:
    canvas = Canvas()
    case = rng.uniform(40, 110)
    canvas.circle(1.12, case)
    canvas.circle(1.12, 255, target=canvas.mask)
    canvas.circle(1.03, case + 40, 0.03)
    canvas.circle(1.0, _FACE)
    for i in range(60):
        inner, half = (0.86, 0.014) if i % 5 == 0 else (0.91, 0.006)
        mark = np.array([[-half, -0.96], [half, -0.96], [half, -inner], [-half, -inner]])
        canvas.fill([turned(mark, 6.0 * i)], _INK)
    for i in range(12):
        _numeral(canvas, str(i or 12), 30.0 * i)
    hour, minute = (float(a) for a in hand_angles(minutes))
    hands = [turned(_tapering(0.5, 0.05, 0.12), hour), turned(_tapering(0.84, 0.034, 0.15), minute)]
    shadow: Grey = np.zeros((CANVAS, CANVAS), np.uint8)
    for hand in hands:
        canvas.fill([hand + np.array(light) * 0.035], 110, shadow)
    blend(canvas.grey, cv2.blur(shadow, (5, 5)), 0.0)
    for hand in hands:
        canvas.fill([hand], _INK)
    canvas.fill([disc_points(24, 0.05)], _INK + 30)
    return canvas


def render_upright(seed: int, minutes: int, side: int) -> Grey:
    """Render one image (side, side) uint8 that shows ``minutes`` past twelve.

    Equal arguments give equal pixels.
    """
    rng = Random(seed)
    lamp = rng.uniform(0, 2 * math.pi)
    light = (math.sin(lamp), math.cos(lamp))
    canvas = _draw(rng, minutes, light)
    angles = (rng.uniform(-8, 8), rng.uniform(0, 35), rng.uniform(0, 360))
    roll, tilt, azimuth = (math.radians(v) for v in angles)
    distance = rng.uniform(3.0, 8.0)  # of the camera, in dial radii
    spin = rotation(roll)
    axis = np.array([math.cos(azimuth), math.sin(azimuth)])
    plane = np.eye(3)
    plane[:2, :2] = (np.eye(2) + (math.cos(tilt) - 1) * np.outer(axis, axis)) @ spin
    plane[2, :2] = math.sin(tilt) / distance * axis @ spin
    # averaged down from twice the side, since thin hands would alias
    size, middle = (2 * side, 2 * side), side - 0.5
    scale = 2 * side * rng.uniform(0.34, 0.4)
    x, y = (middle + 2 * side * rng.uniform(-0.03, 0.03) for _ in range(2))
    to_dial = np.linalg.inv(scaling(UNIT, CANVAS / 2 - 0.5, CANVAS / 2 - 0.5))
    matrix = scaling(scale, x, y) @ plane @ to_dial
    wall = np.full(size, rng.uniform(110, 190), np.float32)
    dial = cv2.warpPerspective(canvas.grey, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    alpha = cv2.warpPerspective(canvas.mask, matrix, size).astype(np.float32) / 255
    blended = dial.astype(np.float32) * alpha + wall * (1 - alpha)
    image = cv2.resize(blended, (side, side), interpolation=cv2.INTER_AREA)
    ramp = np.linspace(-1, 1, side, dtype=np.float32)
    slope = ramp[None, :] * light[0] + ramp[:, None] * light[1]
    gain = rng.uniform(0.6, 1.05) * (1 - rng.uniform(0, 0.35) * slope)
    grain = noise(rng, side, side) * rng.uniform(0.3, 2.0)
    return np.asarray(np.clip(image * gain + grain, 0, 255).astype(np.uint8))
