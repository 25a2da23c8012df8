"""Chronographs: subdials with hands of their own, and a tachymeter scale."""

from __future__ import annotations

import math
from random import Random

import numpy as np

from training.dials.canvas import Canvas, at_angle, bar, disc_points, pick_font, spun, turned
from training.dials.case import Tones
from training.dials.hands import profile
from training.dials.randomness import near_tone, other_tone

_LAYOUTS = (  # hours where subdials lie
    (3, 6, 9), (3, 6, 9), (12, 6, 9), (12, 6, 9), (3, 9), (12, 6), (3, 6, 9, 12), (6, 9), (6,),
)  # fmt: skip
_FIGURES = (("60", "20", "40"), ("30", "10", "20"), ("12", "3", "6", "9"), ("60", "15", "30", "45"))
_SPEEDS = (400, 300, 240, 200, 180, 160, 150, 140, 130, 120, 110, 100, 90, 80, 75, 70, 65, 60)


def tachymeter(rng: Random, canvas: Canvas, radius: float, height: float, tone: float) -> None:
    """Draw the scale that converts the seconds of a kilometer to kilometers per hour.

    Args:
        rng: Source of all random numbers.
        canvas: Drawn on.
        radius: Of the figures' middle, dial units.
        height: Of the figures, dial units.
        tone: Of the figures.
    """
    font, radial = pick_font(rng), rng.random() < 0.85
    speeds = [s for s in _SPEEDS if s % 20 == 0 or s > 100] if rng.random() < 0.5 else _SPEEDS
    for speed in speeds:
        angle = 6 * 3600 / speed
        place = at_angle(radius, math.radians(angle))
        canvas.write(font, str(speed), place, height, tone, angle if radial else 0, 0.8)
    if rng.random() < 0.7:
        place = at_angle(radius, math.radians(27))
        canvas.write(
            font, rng.choice(("TACHYMETER", "km/h", "UNITS")), place, height, tone, 27, 0.7
        )


class Subdial:
    """A small dial on the face, of radius ``r`` around ``place``."""

    def __init__(self, rng: Random, canvas: Canvas, place: tuple[float, float], r: float) -> None:
        self.rng, self.canvas, self.place, self.r = rng, canvas, np.array(place), r

    def _at(self, shape: np.ndarray, degrees: float) -> np.ndarray:
        return turned(shape, degrees) + self.place

    def draw_face(self, tone: float, ink: float) -> None:
        """Draw disc, rim, marks and figures."""
        rng, canvas, r = self.rng, self.canvas, self.r
        center = (float(self.place[0]), float(self.place[1]))
        canvas.circle(r, tone, center=center)
        for share in np.arange(0.9, 0.2, -0.1) if rng.random() < 0.3 else ():  # turned grooves
            canvas.circle(r * float(share), near_tone(rng, tone, 12), 0.005, center)
        if rng.random() < 0.6:
            canvas.circle(r, other_tone(rng, tone, 30, 130), rng.uniform(0.008, 0.03), center)
        n, length = rng.choice((12, 24, 30, 60)), r * rng.uniform(0.08, 0.2)
        figures = rng.choice(_FIGURES)
        for count, reach in ((n, length), (rng.choice((3, 4, 6, 12)), length * 1.8)):
            marks = spun(bar(0.006, -r * 0.94, -r * 0.94 + reach), np.arange(count) * 360 / count)
            canvas.fill([mark + self.place for mark in marks], ink)
        font, height = pick_font(rng), r * rng.uniform(0.22, 0.38)
        for i, text in enumerate(figures if rng.random() < 0.7 else ()):
            at = at_angle(r * rng.uniform(0.58, 0.64), 2 * math.pi * i / len(figures))
            canvas.write(font, text, (at[0] + center[0], at[1] + center[1]), height, ink)

    def draw_hand(self, angle: float, tone: float) -> None:
        """Draw a small hand at an angle in degrees, with its cap."""
        rng, r = self.rng, self.r
        half, tail = r * rng.uniform(0.03, 0.1), r * rng.uniform(0.0, 0.35)
        end = rng.uniform(0.6, 0.92) * r
        wide = rng.choice((0.0, 0.5, 0.8)) * end
        hand = profile([(-tail, half), (wide, half * rng.uniform(0.6, 1.4)), (end, half * 0.3)])
        if rng.random() < 0.5:
            shadow = self._at(hand, angle) + (0.012, 0.015)
            self.canvas.fill([shadow], 0.0 if tone > 100 else tone * 0.5)
        self.canvas.fill([self._at(hand, angle)], tone)
        self.canvas.fill([disc_points(14, half * rng.uniform(1.3, 2.2)) + self.place], tone)


def draw_subdials(rng: Random, canvas: Canvas, tones: Tones, seconds: float) -> None:
    """Draw the subdials: running seconds on one, totalizers on the others, mostly at zero.

    Args:
        rng: Source of all random numbers.
        canvas: Drawn on.
        tones: Of the watch.
        seconds: Of the time, 0..60.
    """
    layout = rng.choice(_LAYOUTS)
    reach = rng.uniform(0.4, 0.52)
    size = min(rng.uniform(0.19, 0.31), 0.92 - reach, reach * 0.72 if len(layout) > 2 else 1.0)
    inverse = rng.random() < 0.35
    face = other_tone(rng, tones.face, 70, 200) if inverse else near_tone(rng, tones.face, 30)
    ink = (0.0 if face > 127 else 235.0) if abs(face - tones.ink) < 60 else tones.ink
    hand = (20.0 if face > 127 else 240.0) if rng.random() < 0.4 else ink
    stopped = rng.random() < 0.6
    running = rng.choice(layout)
    for hour in layout:
        r = size * (rng.uniform(0.75, 1.0) if rng.random() < 0.3 else 1.0)
        subdial = Subdial(rng, canvas, at_angle(reach, math.radians(30 * hour)), r)
        subdial.draw_face(face, ink)
        idle = 0.0 if stopped else rng.uniform(0, 360)
        subdial.draw_hand(seconds * 6 if hour == running else idle, hand)
