"""Rectangular dials, wider or taller than their inscribed circle: mantel clocks, tank watches."""

from __future__ import annotations

import math
from random import Random

import numpy as np

from training.dials.canvas import SQUARE, Canvas, Points, at_angle, bar, pick_font, turned
from training.dials.case import Tones
from training.dials.face import ARABIC, ROMAN, WATCHMAKERS_ROMAN
from training.dials.randomness import near_tone

Half = tuple[float, float]  # half width and half height, dial units


def _frame(half: Half, cut: float) -> Points:
    """Return a rectangle whose corners are cut by ``cut`` dial units."""
    x, y = half
    if cut <= 0:
        return SQUARE * half
    quarter = [(x, y - cut), (x - cut, y)]
    corners = []
    for sx, sy in ((1, 1), (-1, 1), (-1, -1), (1, -1)):
        points = [(sx * px, sy * py) for px, py in quarter]
        corners += points if sx * sy > 0 else points[::-1]
    return np.array(corners)


def _reach(half: Half, radians: float) -> float:
    """Return the distance from the axis to the rectangle in a direction."""
    x, y = half
    return 1 / max(abs(math.sin(radians)) / x, abs(math.cos(radians)) / y)


def draw_oblong_case(rng: Random, canvas: Canvas, tones: Tones) -> tuple[Half, Half]:
    """Draw case and face of a rectangular clock.

    Args:
        rng: Source of all random numbers.
        canvas: Drawn on.
        tones: Of the clock.

    Returns:
        The half sizes of face and case; the shorter one of the face is 1.
    """
    long = rng.uniform(1.0, 1.42)
    face = (long, 1.0) if rng.random() < 0.6 else (1.0, long)
    border = rng.uniform(0.03, 1.62 - long)
    case = (face[0] + border, face[1] + border * rng.uniform(0.7, 1.0))
    cut = rng.uniform(0.1, 0.5) if rng.random() < 0.3 else 0.0
    canvas.solid(_frame(case, cut), tones.case)
    for share in sorted((rng.random() for _ in range(rng.randrange(0, 3))), reverse=True):
        step = (face[0] + (case[0] - face[0]) * share, face[1] + (case[1] - face[1]) * share)
        canvas.fill([_frame(step, cut * share)], near_tone(rng, tones.case, 80))
    canvas.fill([_frame(face, cut * 0.5)], tones.face)
    if rng.random() < 0.35:  # another center
        share = rng.uniform(0.45, 0.75)
        tone = near_tone(rng, tones.face, 45)
        canvas.fill([SQUARE * face * share], tone)
    return face, case


def draw_oblong_track(
    rng: Random, canvas: Canvas, tones: Tones, face: Half, *, numerals: bool
) -> None:
    """Draw marks along the rectangle, or round the circle, and perhaps numerals inside.

    Args:
        rng: Source of all random numbers.
        canvas: Drawn on.
        tones: Of the clock.
        face: Half sizes of the face.
        numerals: Whether it has any.
    """
    edge = face if rng.random() < 0.6 else (1.0, 1.0)
    rounded = edge != face and rng.random() < 0.7
    margin, length = rng.uniform(0.03, 0.12), rng.uniform(0.03, 0.08)
    width, ink = rng.uniform(0.004, 0.012), tones.ink

    def outer(radians: float) -> float:
        return (1.0 if rounded else _reach(edge, radians)) - margin

    track = rng.random()
    for i in range(60):
        a = math.radians(6 * i)
        half, reach = (width * 2, length * 1.3) if i % 5 == 0 else (width, length)
        if track < 0.55 or (track < 0.8 and i % 5 == 0):
            canvas.fill([turned(bar(half, -outer(a), -outer(a) + reach), 6 * i)], ink)
    if track < 0.3 and not rounded:
        inner = (edge[0] - margin - length, edge[1] - margin - length)
        canvas.stroke([SQUARE * inner], ink, width)
    if numerals:
        texts = rng.choice((ARABIC, ARABIC, ROMAN, WATCHMAKERS_ROMAN))
        font, height = pick_font(rng), rng.uniform(0.13, 0.26)
        every = rng.choices((1, 3), (80, 20))[0]
        radial = texts is not ARABIC and rng.random() < 0.6
        for i in range(0, 12, every):
            a = math.radians(30 * i)
            at = outer(a) - length - height * 0.7
            turn = 30 * i if radial else 0
            canvas.write(font, texts[i], at_angle(at, a), height, ink, turn, 0.75)
    elif track >= 0.55:
        for i in range(12):
            a, half = math.radians(30 * i), rng.choice((0.012, 0.025))
            canvas.fill([turned(bar(half, -outer(a), -outer(a) + 0.25), 30 * i)], ink)
