"""The data set `upright`: clocks that hang on a wall, 12 on top. The report's are turned; that they are is what makes them hard.

A flat dial of one style (white face, twelve Arabic numerals, minute track, two dark tapering hands of clearly different length and
width) in a thin case before a plain wall, seen through a perspective camera (up to 35 degrees off the normal, up to 8 degrees of
roll, changing distance and place) under one lamp, whose direction gives the shading and the hands' shadows. Tones of case and wall
change a little; there are no reflections, no depth of field, and the noise is a grey level or two.
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

VERSION = 1  # raise with every change that alters pixels
_NUMERAL_HEIGHT, _NUMERAL_RADIUS = 0.17, 0.72  # dial radii
_FACE, _INK = 242.0, 18.0


def _tapering(length: float, half: float, tail: float) -> Points:
    return np.array(
        [
            [-half * 0.8, tail],
            [half * 0.8, tail],
            [half, 0],
            [half * 0.45, -length],
            [-half * 0.45, -length],
            [-half, 0],
        ]
    )


def _numeral(canvas: Canvas, text: str, degrees: float) -> None:
    # OpenCV's strokes, which every installation has: a typeface would tie the pixels to what the machine has collected
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, 1.0, 2)
    alpha = np.zeros((height + 8, width + 8), np.uint8)
    cv2.putText(alpha, text, (4, height + 3), cv2.FONT_HERSHEY_DUPLEX, 1.0, 255, 2, cv2.LINE_AA)
    a = math.radians(degrees)
    canvas.stamp(
        alpha,
        _NUMERAL_RADIUS * math.sin(a),
        -_NUMERAL_RADIUS * math.cos(a),
        _NUMERAL_HEIGHT,
        0.0,
        _INK,
    )


def _draw(rng: Random, minutes: int, light: tuple[float, float]) -> Canvas:
    canvas = Canvas()
    case = rng.uniform(40, 110)
    canvas.circle(1.12, case)
    canvas.circle(1.12, 255, target=canvas.mask)
    canvas.circle(1.03, case + 40, 0.03)
    canvas.circle(1.0, _FACE)
    for i in range(60):
        inner, half = (0.86, 0.014) if i % 5 == 0 else (0.91, 0.006)
        canvas.fill(
            [
                turned(
                    np.array([[-half, -0.96], [half, -0.96], [half, -inner], [-half, -inner]]),
                    6.0 * i,
                )
            ],
            _INK,
        )
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
    """One image (side, side) uint8 of a clock that shows ``minutes`` past twelve; the same seed gives the same pixels."""
    rng = Random(seed)
    lamp = rng.uniform(0, 2 * math.pi)
    light = (math.sin(lamp), math.cos(lamp))
    canvas = _draw(rng, minutes, light)
    roll, tilt, azimuth = (
        math.radians(v) for v in (rng.uniform(-8, 8), rng.uniform(0, 35), rng.uniform(0, 360))
    )
    distance = rng.uniform(3.0, 8.0)  # of the camera, in dial radii
    spin = np.array([[math.cos(roll), -math.sin(roll)], [math.sin(roll), math.cos(roll)]])
    axis = np.array([math.cos(azimuth), math.sin(azimuth)])
    plane = np.eye(3)
    plane[:2, :2] = (np.eye(2) + (math.cos(tilt) - 1) * np.outer(axis, axis)) @ spin
    plane[2, :2] = math.sin(tilt) / distance * axis @ spin
    # drawn at twice the side and averaged: thin hands would alias
    scale = 2 * side * rng.uniform(0.34, 0.4)
    middle = side - 0.5
    place = np.array(
        [
            [scale, 0, middle + 2 * side * rng.uniform(-0.03, 0.03)],
            [0, scale, middle + 2 * side * rng.uniform(-0.03, 0.03)],
            [0, 0, 1.0],
        ]
    )
    from_canvas = np.linalg.inv(
        np.array([[UNIT, 0, CANVAS / 2 - 0.5], [0, UNIT, CANVAS / 2 - 0.5], [0, 0, 1.0]])
    )
    matrix = place @ plane @ from_canvas
    wall = np.full((2 * side, 2 * side), rng.uniform(110, 190), np.float32)
    seen = cv2.warpPerspective(
        canvas.grey, matrix, (2 * side, 2 * side), borderMode=cv2.BORDER_REPLICATE
    ).astype(np.float32)
    alpha = cv2.warpPerspective(canvas.mask, matrix, (2 * side, 2 * side)).astype(np.float32) / 255
    image = cv2.resize(
        seen * alpha + wall * (1 - alpha), (side, side), interpolation=cv2.INTER_AREA
    )
    ramp = np.linspace(-1, 1, side, dtype=np.float32)
    gain = rng.uniform(0.6, 1.05) * (
        1 - rng.uniform(0, 0.35) * (ramp[None, :] * light[0] + ramp[:, None] * light[1])
    )
    grain = noise(rng, side, side) * rng.uniform(0.3, 2.0)
    return np.asarray(np.clip(image * gain + grain, 0, 255).astype(np.uint8))
