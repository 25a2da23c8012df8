"""The face: texture, minute track, numerals and ornament."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from clockread.geometry import Floats
from training.dials.canvas import (
    AZIMUTH,
    CANVAS,
    RADIUS,
    SQUARE,
    Canvas,
    Points,
    X,
    Y,
    around,
    at_angle,
    bar,
    disc_points,
    glyphs,
    photo_crop,
    pick_font,
    soft_noise,
    spun,
    trapezoid,
    turned,
)
from training.dials.case import Tones
from training.dials.presets import Preset
from training.dials.randomness import chance, near_tone, other_tone

ROMAN = ("XII", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI")
WATCHMAKERS_ROMAN = (*ROMAN[:4], "IIII", *ROMAN[5:])
ARABIC = ("12", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11")
WORDS = (
    "QUARTZ", "Paris", "LONDON", "Regulator", "Swiss Made", "Royal", "Station", "GENEVE", "Time",
    "AUTOMATIC", "1853", "Bros & Co", "Ltd.",
)  # fmt: skip


def _face_texture(rng: Random, canvas: Canvas) -> None:
    kind = rng.random()
    if kind < 0.35:
        return
    amount = rng.uniform(0.03, 0.22)
    if kind < 0.5:  # vignette or glow
        gain: Floats = 1 + amount * rng.choice((-1, 1)) * (RADIUS - 0.5)
    elif kind < 0.6:  # sunburst
        gain = 1 + amount * np.sin(rng.choice((2, 4)) * AZIMUTH + rng.uniform(0, 6.3))
    elif kind < 0.7:  # brushed or wood
        a = rng.uniform(0, math.pi)
        phase = (X * math.cos(a) + Y * math.sin(a)) * rng.uniform(10, 90)
        gain = 1 + amount * 0.5 * np.sin(phase + 2 * soft_noise(rng, CANVAS, CANVAS, 6))
    elif kind < 0.88:  # stains
        gain = 1 + amount * 0.6 * soft_noise(rng, CANVAS, CANVAS, rng.choice((4, 8, 16, 40)))
    else:
        gain = np.ones_like(RADIUS)
        picture = photo_crop(rng, CANVAS, CANVAS)
        if picture is not None:
            away = picture.astype(np.float32) - float(picture.mean())
            gain += away / 255 * rng.uniform(0.2, 1.0)
            if rng.random() < 0.5:
                gain = np.where(rng.uniform(0.4, 0.8) > RADIUS, gain, 1)
    inside = np.where(RADIUS <= 1.0, gain, 1.0).astype(np.float32)
    canvas.shade(np.maximum(inside, 0))


def draw_face(rng: Random, canvas: Canvas, tones: Tones, preset: Preset) -> None:
    """Draw the face disc with its texture, bands, rings and central ornament.

    Args:
        rng: Source of all random numbers.
        canvas: Drawn on.
        tones: Of the clock.
        preset: Shares of textures, of a tower dial's tracery and of painted eyes and mouths.
    """
    canvas.circle(1.0, tones.face)
    if rng.random() < 0.2 and canvas.wall_tone is None:
        tone = near_tone(rng, tones.face, 55)  # of a band under the numerals, or the center
        if abs(tone - tones.hands) > 50:
            canvas.circle(rng.uniform(0.4, 0.8), tone)
    if canvas.wall_tone is None and chance(rng, preset.textured):
        _face_texture(rng, canvas)
    middle = (tones.face + tones.ink) / 2
    if rng.random() < 0.45:
        for _ in range(rng.randrange(1, 4)):
            radius = rng.choice((0.98, rng.uniform(0.25, 0.97)))
            canvas.circle(radius, rng.choice((tones.ink, middle)), rng.uniform(0.004, 0.02))
    kind = rng.random()
    if chance(rng, preset.smile):
        _smile(rng, canvas, tones.ink)
    if rng.random() < preset.tracery:
        n = rng.choice((6, 8, 12, 24))
        spokes = [np.array([[0, -rng.uniform(0.05, 0.3)], [0, -0.7]])]
        spokes += [turned(np.array([[0.0, -0.15], [0.0, -0.7]]), 360 * i / n) for i in range(n)]
        canvas.stroke(spokes, middle, rng.uniform(0.004, 0.02), closed=False)
    else:
        _ornament(rng, canvas, kind, middle, (tones.face * 2 + tones.ink) / 3)


def _ornament(rng: Random, canvas: Canvas, kind: float, middle: float, pale: float) -> None:
    """Draw a rosette, a star or a disc at the center, or nothing, by a ``kind`` of 0..1."""
    if kind < 0.08:
        n, r = rng.choice((6, 8, 12)), rng.uniform(0.2, 0.45)
        canvas.stroke([disc_points(16, r, place) for place in around(n, r)], middle, 0.008)
    elif kind < 0.12:
        n = rng.choice((5, 8, 12, 16))
        star = disc_points(2 * n, rng.uniform(0.2, 0.5))
        star[1::2] *= rng.uniform(0.3, 0.7)
        canvas.fill([star], pale)
    elif kind < 0.17:
        canvas.circle(rng.uniform(0.15, 0.5), pale)


def _smile(rng: Random, canvas: Canvas, tone: float) -> None:
    ranges = ((0.2, 0.4), (0.1, 0.4), (0.03, 0.12), (0.3, 0.6))
    apart, up, size, wide = (rng.uniform(*limits) for limits in ranges)
    for side in (-1, 1):
        canvas.circle(size, tone, center=(side * apart, -up))
    x = np.linspace(-wide, wide, 17)
    mouth = np.stack([x, rng.uniform(0.3, 0.5) - rng.uniform(-0.3, 1.2) * x * x], axis=1)
    canvas.stroke([mouth], tone, rng.uniform(0.02, 0.05), closed=False)


def _sub_dial(
    rng: Random, canvas: Canvas, place: tuple[float, float], r: float, tones: Tones
) -> None:
    x, y = place
    canvas.circle(r, near_tone(rng, tones.face, 50), center=place)
    canvas.circle(r, tones.ink, rng.uniform(0.004, 0.012), place)

    def line(angle: float, inner: float, outer: float, tone: float, width: float) -> None:
        s, c = math.sin(angle), math.cos(angle)
        ends = [[x + inner * s, y - inner * c], [x + outer * s, y - outer * c]]
        canvas.stroke([np.array(ends)], tone, width, closed=False)

    n = rng.choice((4, 12, 30))
    for i in range(n):
        line(2 * math.pi * i / n, r * 0.78, r * 0.95, tones.ink, 0.006)
    line(rng.uniform(0, 2 * math.pi), -r * 0.2, r * 0.8, tones.hands, 0.012)


def draw_extras(rng: Random, canvas: Canvas, tones: Tones, preset: Preset) -> None:
    """Draw logos, date windows, subdials and winding holes."""
    for y in (-0.38, -0.3, 0.32, 0.42):
        if rng.random() < 0.22:
            if rng.random() < 0.7:
                word = rng.choice(WORDS)
            else:
                letters = rng.choices("abcdefghiklmnoprstuvwz", k=rng.randrange(3, 9))
                word = "".join(letters).capitalize()
            font = pick_font(rng)
            place = rng.uniform(-0.05, 0.05), y + rng.uniform(-0.04, 0.04)
            tone = (tones.ink * 2 + tones.face) / 3
            canvas.write(font, word, place, rng.uniform(0.04, 0.13), tone)
    if rng.random() < preset.date:  # date window
        a = math.radians(rng.choice((90, 90, 90, 135, 180, 270)))
        place = at_angle(rng.uniform(0.5, 0.75), a)
        half = rng.uniform(0.07, 0.14), rng.uniform(0.05, 0.08)
        canvas.fill([SQUARE * half + place], 255 - tones.ink)
        canvas.write(pick_font(rng), str(rng.randrange(1, 32)), place, half[1] * 1.5, tones.ink)
    if rng.random() < preset.sub_dials:
        places = [(0.0, 0.45), (0.0, -0.45), (-0.45, 0.0), (0.45, 0.0)]
        places = rng.sample(places, rng.choice((1, 1, 2, 3)))
        size = rng.uniform(0.16, 0.3)
        for place in places:
            _sub_dial(rng, canvas, place, size, tones)
    if rng.random() < 0.08:  # winding holes
        for side in (-1, 1):
            size = rng.uniform(0.03, 0.06)
            hole = side * rng.uniform(0.25, 0.4), rng.uniform(0.1, 0.3)
            canvas.circle(size, 20, center=hole)


def _mark(kind: str, width: float, inner: float, outer: float) -> Points:
    """Return an hour mark or tick at 12, between two radii."""
    if kind == "bar":
        return bar(width, -inner, -outer)
    if kind == "wedge":
        return trapezoid(width * 0.3, -inner, width * 1.4, -outer)
    if kind == "triangle":
        return np.array([[0, -inner], [width * 2, -outer], [-width * 2, -outer]])
    middle = (inner + outer) / 2
    if kind == "diamond":
        side = width * 1.8
        return np.array([[0, -inner], [side, -middle], [0, -outer], [-side, -middle]])
    return disc_points(10, max(width * 1.4, 0.012), (0, -middle))


@dataclass(frozen=True)
class Track:
    """The minute track, which the numerals must stay clear of."""

    inner: float  # radius where its marks end
    twelve_marked: bool  # the mark at 12 differs from the others


def draw_track(
    rng: Random, canvas: Canvas, tones: Tones, numerals: bool, bare: float = 0.0
) -> Track:
    """Draw minute track and hour marks.

    Args:
        rng: Source of all random numbers.
        canvas: Drawn on.
        tones: Of the clock.
        numerals: Whether the face has numerals.
        bare: Share of the faces without numerals that have no marks either.

    Returns:
        Where the marks end.
    """
    outer = rng.uniform(0.9, 0.99) if rng.random() < 0.85 else rng.uniform(0.7, 0.9)
    length = rng.uniform(0.025, 0.09)
    inner = outer - length
    styles = ("ticks", "dots", "railway", "hours", "none")
    style = rng.choices(styles, (46, 8, 16, 18, 12 if numerals else 0))[0]
    if not numerals and chance(rng, bare):
        style = "none"
    width = rng.uniform(0.003, 0.012)
    tone = tones.ink if rng.random() < 0.8 else (tones.ink + tones.face) / 2
    if style in ("ticks", "railway", "dots"):
        minute = _mark("dot" if style == "dots" else "bar", width, inner, outer)
        canvas.fill(spun(minute, 6.0 * np.arange(60)), tone)
    if style == "railway":
        canvas.circle(inner, tone, rng.uniform(0.004, 0.012))
        canvas.circle(outer, tone, rng.uniform(0.004, 0.012))
    twelve_marked = False
    if style != "none" and (not numerals or rng.random() < 0.6):
        kind = rng.choice(("bar", "bar", "bar", "wedge", "triangle", "diamond", "dot"))
        if numerals:
            hour_inner, hour_width = inner - rng.uniform(0, 0.05), width * rng.uniform(1.2, 4)
        else:
            hour_inner, hour_width = outer - rng.uniform(0.08, 0.4), rng.uniform(0.008, 0.05)
        every = 3 if not numerals and rng.random() < 0.06 else 1
        quarters = rng.choice((1.0, 1.0, 1.0, 1.8))  # their width over that of the other hours
        hours = np.arange(0, 12, every)
        for which, w in ((hours % 3 == 0, hour_width * quarters), (hours % 3 > 0, hour_width)):
            mark = _mark(kind, w, hour_inner, outer)
            canvas.fill(spun(mark, 30.0 * hours[which]), tone)
        twelve_marked = rng.random() < (0.15 if numerals else 0.4)
        if twelve_marked:
            w = hour_width * 1.6
            marks = [_mark("triangle", w, hour_inner, outer)]
            if rng.random() >= 0.5:
                marks = [_mark("bar", hour_width, hour_inner, outer) + (s * w, 0) for s in (-1, 1)]
            canvas.fill(marks, tone)
        inner = min(inner, hour_inner)
    return Track(inner if style != "none" else rng.uniform(0.9, 1.0), twelve_marked)


def _numeral_set(rng: Random, roman: float) -> tuple[tuple[str, ...], Sequence[int]]:
    """Pick twelve texts, and the hours that are written."""
    texts = ARABIC
    if rng.random() < roman:
        texts = WATCHMAKERS_ROMAN if rng.random() < 0.6 else ROMAN
    hours = (range(12), range(0, 12, 3), range(0, 12, 2), range(0, 12, 6), range(1))
    return texts, rng.choices(hours, (80, 11, 5, 2, 2))[0]


def draw_numerals(
    rng: Random, canvas: Canvas, tones: Tones, track: Track, roman_share: float
) -> None:
    """Draw numerals in one font: upright, radial, or radial and readable from below.

    Args:
        rng: Source of all random numbers.
        canvas: Drawn on.
        tones: Of the clock.
        track: The minute track that is already there.
        roman_share: Share of Roman numerals.
    """
    texts, which = _numeral_set(rng, roman_share)
    roman = texts is not ARABIC
    font = pick_font(rng)
    height = rng.uniform(0.11, 0.3) if roman else rng.uniform(0.1, 0.27)
    squeeze = 1.0 / (rng.uniform(1.0, 1.5) if roman else rng.uniform(0.9, 1.35))
    gap = rng.uniform(0.01, 0.08)
    outside = rng.random() < 0.12 and track.inner < 0.85  # of the track
    radius = (1.0 if outside else track.inner) - gap - height * 0.5
    way = rng.choices(("radial", "readable", "upright"), (75, 8, 17) if roman else (14, 4, 82))[0]
    tone = tones.ink
    if rng.random() < 0.08:  # each on its own plate
        plate = other_tone(rng, tones.face, 30, 120)
        tone = 0.0 if plate > 127 else 255.0
        size = height * rng.uniform(0.6, 0.75)
        disc = rng.random() < 0.5
        shape = disc_points(14, size) if disc else trapezoid(1.1, -1, 0.9, 1) * size
        canvas.fill([turned(shape + (0, -radius), 30.0 * i) for i in which], plate)
    if rng.random() < 0.05 and len(which) == 12:
        which = [i for i in which if rng.random() < 0.9]
    limit = 2 * radius * math.sin(math.radians(15)) * (1.0 if len(which) > 6 else 1.8)
    for i in which:
        angle = 30.0 * i
        a = math.radians(angle)
        turn = 0.0 if way == "upright" else angle
        if way == "readable" and 90 < angle < 270:
            turn -= 180
        alpha = glyphs(font, texts[i])
        wide = alpha.shape[1] / alpha.shape[0] * height * squeeze
        aspect = squeeze * (limit / wide) if wide > limit else squeeze
        away = radius
        if way == "upright":
            away -= max(0.0, min(wide, limit) - height) * 0.35 * abs(math.sin(a))
        canvas.stamp(alpha, *at_angle(away, a), height, turn, tone, aspect)
    places = [math.radians(30 * i) for i in range(12)]
    if rng.random() < 0.05:  # a second ring: 13 to 24 inside, or minutes outside
        inner = radius - height * 0.5 - 0.08
        for i, a in enumerate(places):
            canvas.write(font, str(i + 12 if i else 24), at_angle(inner, a), 0.09, tone)
    elif rng.random() < 0.06 and radius < 0.75:
        for i, a in enumerate(places):
            turn = rng.choice((0, 30 * i))
            canvas.write(font, str(5 * i or 60), at_angle(0.92, a), 0.08, tone, turn)
