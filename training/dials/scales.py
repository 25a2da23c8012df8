"""Parts of instruments: scales with ticks and figures, sectors, pointers, units, small print."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

import numpy as np

from training.dials.canvas import (
    Canvas,
    Points,
    at_angle,
    bar,
    disc_points,
    pick_font,
    spun,
    turned,
)
from training.dials.case import Tones
from training.dials.face import WORDS
from training.dials.hands import BLADES, Hand, draw_hands, profile
from training.dials.randomness import near_tone, other_tone

_RANGES = (  # first, last and step of the figures
    (0, 10, 1), (0, 10, 2), (0, 100, 10), (0, 100, 20), (0, 6, 1), (0, 16, 2), (0, 160, 20),
    (0, 300, 50), (0, 220, 20), (-30, 50, 10), (0, 4, 0.5), (0, 60, 10), (0, 1000, 100), (0, 12, 1),
    (-20, 120, 20), (950, 1060, 10), (0, 250, 50), (0, 400, 50), (0, 8, 1), (20, 100, 10),
    (0, 1.6, 0.2), (-1, 3, 0.5), (0, 2.5, 0.5), (0, 600, 100), (40, 240, 20), (-60, 60, 10),
    (0, 30, 5), (0, 15, 1), (0, 24, 2), (1, 12, 1), (28, 31, 0.5), (0, 5, 1), (0, 120, 10),
)  # fmt: skip
UNITS = (
    "bar", "psi", "kPa", "MPa", "°C", "°F", "km/h", "mph", "rpm x1000", "V", "A", "mA", "kW", "%",
    "mbar", "hPa", "kg", "kg/cm2", "l/min", "Hz", "dB", "Ohm", "% r.F.", "m/s", "knots", "FUEL",
)  # fmt: skip  # a few typefaces lack ° and %
LABELS = (
    "PRESSURE", "Hygrometer", "THERMOMETER", "CLASS 1.6", "EN 837-1", "DIN 16", "MADE IN ITALY",
    "No. 4711", "AIR", "OIL", "WATER", "TEMPERATURE", "INOX", "BOILER", "SPRINKLER", "BAROMETER",
    "kPa x100", "MIN", "MAX", "TEST", "VACUUM", "COMPENSATED",
)  # fmt: skip


@dataclass(frozen=True)
class Arc:
    """Where a scale begins, clockwise from the top, and how far it spans, in degrees."""

    start: float
    span: float

    def at(self, share: float) -> float:
        """Return the angle in degrees of a share of the scale."""
        return self.start + self.span * share


def pick_arc(rng: Random) -> Arc:
    """Return an arc with its gap at the bottom, or a half or quarter circle."""
    kind = rng.random()
    if kind < 0.75:
        span = rng.choice((240.0, 270.0, 270.0, 300.0, rng.uniform(200, 330)))
        return Arc(-span / 2, span)
    if kind < 0.9:
        span = rng.uniform(80, 190)
        return Arc(-span / 2, span)
    return Arc(rng.uniform(0, 360), rng.uniform(180, 330))


def pick_figures(rng: Random) -> list[str]:
    """Return the figures of a scale in order, a few of them counting down."""
    first, last, step = rng.choice(_RANGES)
    count = round((last - first) / step)
    comma = rng.choice((".", ","))
    texts = [f"{first + step * i:g}".replace(".", comma) for i in range(count + 1)]
    return texts[::-1] if rng.random() < 0.04 else texts


def draw_scale(
    rng: Random, canvas: Canvas, arc: Arc, radius: float, texts: Sequence[str], ink: float
) -> float:
    """Draw ticks and figures along an arc.

    Args:
        rng: Source of all random numbers.
        canvas: Drawn on.
        arc: Of the scale.
        radius: Where the longest ticks end, outside.
        texts: The figures, evenly spread.
        ink: Tone.

    Returns:
        The radius inside of which the face is free.
    """
    parts, minor = len(texts) - 1, rng.choice((2, 5, 5, 10))
    if parts * minor > 110:
        minor = 5 if parts <= 22 else 2
    length, width = rng.uniform(0.08, 0.15), rng.uniform(0.008, 0.022)
    inward = rng.random() < 0.75  # shorter ticks share the outer ends, otherwise the inner ones
    numbers = np.arange(parts * minor + 1)
    major, middle = numbers % minor == 0, (minor == 10) & (numbers % 5 == 0)
    for which, share in ((major, 1.0), (middle & ~major, 0.72), (~(major | middle), 0.5)):
        reach = length * share
        low = radius - reach if inward else radius - length
        tick = bar(width if share == 1 else width * 0.5, -low - reach, -low)
        canvas.fill(spun(tick, arc.start + arc.span * numbers[which] / (parts * minor)), ink)
    if rng.random() < 0.35:
        _stroke_arc(canvas, arc, radius if inward else radius - length, ink, width)
    height = rng.uniform(0.09, 0.17) * (0.8 if parts > 12 else 1.0)
    at = radius - length - height * rng.uniform(0.65, 1.0)
    if rng.random() < 0.25 and radius + height * 1.3 < 0.98:  # figures outside
        at = radius + height * 0.75
    font, radial = pick_font(rng), rng.random() < 0.35
    every = 2 if parts > 16 else 1
    for i, text in enumerate(texts):
        if i % every == 0:
            angle = arc.at(i / parts)
            place = at_angle(at, math.radians(angle))
            canvas.write(font, text, place, height, ink, angle if radial else 0, 0.9)
    return min(at, radius - length) - height * 0.6


def sector(arc: Arc, low: float, high: float, begin: float = 0.0, end: float = 1.0) -> Points:
    """Return the sector between two radii and two shares of an arc."""
    n = max(3, int(abs(arc.span) * (end - begin) / 5))
    angles = [math.radians(arc.at(begin + (end - begin) * i / n)) for i in range(n + 1)]
    outer, inner = ([at_angle(r, a) for a in angles] for r in (high, low))
    return np.array([*outer, *inner[::-1]])


def _stroke_arc(canvas: Canvas, arc: Arc, radius: float, tone: float, width: float) -> None:
    canvas.fill([sector(arc, radius - width, radius)], tone)


def draw_sectors(rng: Random, canvas: Canvas, arc: Arc, radius: float, face: float) -> None:
    """Draw one to four colored sectors along the scale."""
    width = rng.choice((0.03, 0.05, 0.1, 0.18))
    cuts = sorted(rng.random() for _ in range(rng.randrange(1, 4)))
    edges = [0.0, *cuts, 1.0]
    for begin, end in pairwise(edges):
        if rng.random() < 0.7:
            tone = other_tone(rng, face, 25, 150)
            canvas.fill([sector(arc, radius - width, radius, begin, end)], tone)


def _needle(rng: Random, angle: float, tone: float, length: float) -> Hand:
    """Return a pointer: a clock hand's shape, or a wedge with a heavy tail."""
    if rng.random() < 0.35:
        half = rng.uniform(0.012, 0.05)
        thin = half * rng.uniform(0.2, 0.5)
        shapes = [[part] for part in rng.choice(BLADES)(rng, length, half, thin)]
    else:
        half = rng.uniform(0.012, 0.05)
        shapes = [[profile([(0, half), (length, half * rng.uniform(0.05, 0.5))])]]
    tail = rng.uniform(0.1, 0.45)
    kind = rng.random()
    if kind < 0.35:  # a flat, broad tail
        shapes.append([profile([(-tail, half * rng.uniform(1.2, 2.6)), (0, half)])])
    elif kind < 0.55:  # a disc or a crescent
        size = rng.uniform(0.04, 0.1)
        shapes += [[profile([(-tail, half * 0.6), (0, half)])], [disc_points(18, size, (0, tail))]]
        if rng.random() < 0.4:
            shapes[-1].append(disc_points(16, size * 0.75, (0, tail + size * 0.4)))
    elif kind < 0.75:
        shapes.append([profile([(-tail, half), (0, half)])])
    facet = other_tone(rng, tone, 25, 80) if rng.random() < 0.12 else None
    return Hand(shapes, angle, tone, facet=facet)


def needle_tone(rng: Random, tones: Tones) -> float:
    """Return the tone of a pointer: that of the marks, or another that stands out."""
    return tones.ink if rng.random() < 0.65 else other_tone(rng, tones.face, 60, 200)


def draw_pointers(
    rng: Random, canvas: Canvas, tones: Tones, angles: Sequence[float], length: float
) -> None:
    """Draw one pointer per angle over one hub."""
    hands = []
    for i, angle in enumerate(angles):
        reach = length * (1.0 if i == 0 else rng.uniform(0.6, 1.0))
        hands.append(_needle(rng, angle, needle_tone(rng, tones), reach))
    hub = rng.uniform(0.04, 0.16)
    draw_hands(rng, canvas, hands[::-1], hub, near_tone(rng, tones.ink, 80))
    if rng.random() < 0.3:  # the slot of a screw
        tone = near_tone(rng, tones.face, 60)
        canvas.fill([turned(bar(0.012, -hub * 0.7, hub * 0.7), rng.uniform(0, 180))], tone)


def draw_texts(rng: Random, canvas: Canvas, tones: Tones, room: float) -> None:
    """Draw the unit, and small print above and below the axis."""
    tone = tones.ink if rng.random() < 0.7 else (tones.ink + tones.face) / 2
    if rng.random() < 0.85:
        place = 0.0, rng.choice((-1, 1, 1)) * rng.uniform(0.2, 0.45) * min(1, room / 0.5)
        canvas.write(pick_font(rng), rng.choice(UNITS), place, rng.uniform(0.08, 0.17), tone)
    font = pick_font(rng)
    for _ in range(rng.choice((0, 0, 1, 2, 3))):
        place = (rng.uniform(-0.06, 0.06), rng.choice((-1, 1, 1)) * rng.uniform(0.2, 0.75))
        text = rng.choice(LABELS + WORDS)
        canvas.write(font, text, place, rng.uniform(0.035, 0.09), tone, aspect=0.8)
