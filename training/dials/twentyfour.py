"""Dials with 24 hours: track and numerals."""

from __future__ import annotations

import math
from random import Random

import numpy as np

from training.dials.canvas import (
    AZIMUTH,
    RADIUS,
    Canvas,
    at_angle,
    bar,
    disc_points,
    glyphs,
    pick_font,
    spun,
)
from training.dials.case import Tones
from training.dials.face import ROMAN


def _texts(rng: Random, noon_up: bool) -> list[str]:
    """Return 24 texts, clockwise from the top; empty ones are not written."""
    start = 12 if noon_up else 0
    hours = [(start + i) % 24 for i in range(24)]
    if rng.random() < 0.2:  # twice I to XII, as on astronomical clocks
        return [ROMAN[hour % 12] for hour in hours]
    midnight = "24" if rng.random() < 0.6 else "0" if rng.random() < 0.7 else "00"
    texts = [str(hour) if hour else midnight for hour in hours]
    every = rng.choices((1, 2, 3), (60, 32, 8))[0]
    return [text if hour % every == 0 else "" for hour, text in zip(hours, texts, strict=True)]


def _night(rng: Random, canvas: Canvas, noon_up: bool) -> None:
    """Darken, or lighten, the half of the face that belongs to the night."""
    away = np.cos(AZIMUTH) * (-1 if noon_up else 1)
    gain = rng.uniform(0.35, 0.85) if rng.random() < 0.8 else rng.uniform(1.1, 1.4)
    night = (away > rng.uniform(-0.2, 0.2)) & (rng.uniform(0.5, 1.0) > RADIUS)
    canvas.shade(np.where(night, gain, 1))


def draw_24_hours(rng: Random, canvas: Canvas, tones: Tones, noon_up: bool) -> None:
    """Draw the track and numerals of a 24-hour dial.

    Args:
        rng: Source of all random numbers.
        canvas: Drawn on.
        tones: Of the clock.
        noon_up: Whether 12 and not 24 is at the top.
    """
    if canvas.wall_tone is None and rng.random() < 0.15:
        _night(rng, canvas, noon_up)
    texts = _texts(rng, noon_up)
    font, height = pick_font(rng), rng.uniform(0.09, 0.17)
    outer = rng.uniform(0.9, 0.99)
    length, width = rng.uniform(0.03, 0.08), rng.uniform(0.003, 0.01)
    inside = rng.random() < 0.7  # of the track; else the numerals are outside
    radius = outer - length - height * rng.uniform(0.65, 0.9) if inside else outer - height * 0.6
    ring = outer if inside else radius - height * 0.7
    minutes = rng.random() < 0.75
    marks, tick = 60 if minutes else 120, bar(width, -ring + length, -ring)
    canvas.fill(spun(tick, np.arange(marks) * 360 / marks), tones.ink)
    kind = rng.random()
    if kind < 0.75:
        dot = disc_points(8, width * 3, (0, -ring + length * 1.6))
        mark = bar(width * 2.2, -ring + length, -ring) if kind < 0.6 else dot
        canvas.fill(spun(mark, np.arange(24) * 15), tones.ink)
    if minutes and rng.random() < 0.5:  # figures of the minutes
        at = 0.96 if outer < 0.93 and inside else ring - length - (height * 1.9 if inside else 0.06)
        for i in range(12):
            a = math.radians(30 * i)
            canvas.write(font, str(5 * i or 60), at_angle(at, a), 0.055, tones.ink)
    way = rng.choices(("upright", "radial", "readable"), (50, 38, 12))[0]
    limit = 2 * radius * math.sin(math.radians(7.5)) * (0.85 if "" not in texts else 1.5)
    for i, text in enumerate(texts):
        if text:
            angle = 15.0 * i
            turn = 0.0 if way == "upright" else angle
            if way == "readable" and 90 < angle < 270:
                turn -= 180
            shape = glyphs(font, text).shape
            wide = shape[1] / shape[0] * height
            place, aspect = at_angle(radius, math.radians(angle)), min(1.0, limit / wide)
            canvas.write(font, text, place, height, tones.ink, turn, aspect)
