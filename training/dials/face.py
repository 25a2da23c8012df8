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
    Canvas,
    Points,
    X,
    Y,
    disc_points,
    font_files,
    glyphs,
    photo_crop,
    soft_noise,
    turned,
)
from training.dials.case import Tones
from training.dials.presets import Preset, chance

ROMAN = ("XII", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI")
WATCHMAKERS_ROMAN = ("XII", "I", "II", "III", "IIII", "V", "VI", "VII", "VIII", "IX", "X", "XI")
ARABIC = ("12", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11")
WORDS = (
    "QUARTZ",
    "Paris",
    "LONDON",
    "Regulator",
    "Swiss Made",
    "Royal",
    "Station",
    "GENEVE",
    "Time",
    "AUTOMATIC",
    "1853",
    "Bros & Co",
    "Ltd.",
)


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
        gain = 1 + amount * 0.5 * np.sin(
            (X * math.cos(a) + Y * math.sin(a)) * rng.uniform(10, 90)
            + 2 * soft_noise(rng, CANVAS, CANVAS, 6)
        )
    elif kind < 0.88:  # stains
        gain = 1 + amount * 0.6 * soft_noise(rng, CANVAS, CANVAS, rng.choice((4, 8, 16, 40)))
    else:
        gain = np.ones_like(RADIUS)
        picture = photo_crop(rng, CANVAS, CANVAS)
        if picture is not None:
            gain += (
                (picture.astype(np.float32) - float(picture.mean())) / 255 * rng.uniform(0.2, 1.0)
            )
            if rng.random() < 0.5:
                gain = np.where(rng.uniform(0.4, 0.8) > RADIUS, gain, 1)
    inside = np.where(RADIUS <= 1.0, gain, 1.0).astype(np.float32)
    canvas.shade(np.maximum(inside, 0))


def draw_face(rng: Random, canvas: Canvas, tones: Tones, preset: Preset) -> None:
    """The face disc with its texture, bands, rings and central ornament.

    Of ``preset`` it takes the shares of textures, of a tower dial's tracery and of painted eyes and mouths.
    """
    canvas.circle(1.0, tones.face)
    if (
        rng.random() < 0.2 and canvas.wall_tone is None
    ):  # a band of another tone under the numerals, or another centre
        tone = float(np.clip(tones.face + rng.uniform(-55, 55), 0, 255))
        if abs(tone - tones.hands) > 50:
            canvas.circle(rng.uniform(0.4, 0.8), tone)
    if canvas.wall_tone is None and chance(rng, preset.textured):
        _face_texture(rng, canvas)
    middle = (tones.face + tones.ink) / 2
    if rng.random() < 0.45:
        for _ in range(rng.randrange(1, 4)):
            canvas.circle(
                rng.choice((0.98, rng.uniform(0.25, 0.97))),
                rng.choice((tones.ink, middle)),
                rng.uniform(0.004, 0.02),
            )
    ornament = rng.random()
    if chance(rng, preset.smile):
        _smile(rng, canvas, tones.ink)
    if rng.random() < preset.tracery:
        n = rng.choice((6, 8, 12, 24))
        canvas.stroke(
            [np.array([[0, -rng.uniform(0.05, 0.3)], [0, -0.7]]) @ np.eye(2) for _ in range(1)]
            + [turned(np.array([[0.0, -0.15], [0.0, -0.7]]), 360 * i / n) for i in range(n)],
            middle,
            rng.uniform(0.004, 0.02),
            closed=False,
        )
    elif ornament < 0.08:
        n = rng.choice((6, 8, 12))
        r = rng.uniform(0.2, 0.45)
        canvas.stroke(
            [
                disc_points(16, r, (r * math.sin(a), -r * math.cos(a)))
                for a in np.arange(n) * 2 * math.pi / n
            ],
            middle,
            0.008,
        )
    elif ornament < 0.12:
        n = rng.choice((5, 8, 12, 16))
        star = disc_points(2 * n, rng.uniform(0.2, 0.5))
        star[1::2] *= rng.uniform(0.3, 0.7)
        canvas.fill([star], (tones.face * 2 + tones.ink) / 3)
    elif ornament < 0.17:
        canvas.circle(rng.uniform(0.15, 0.5), (tones.face * 2 + tones.ink) / 3)


def _smile(rng: Random, canvas: Canvas, tone: float) -> None:
    apart, up, size, wide = (
        rng.uniform(0.2, 0.4),
        rng.uniform(0.1, 0.4),
        rng.uniform(0.03, 0.12),
        rng.uniform(0.3, 0.6),
    )
    for side in (-1, 1):
        canvas.circle(size, tone, center=(side * apart, -up))
    x = np.linspace(-wide, wide, 17)
    mouth = np.stack([x, rng.uniform(0.3, 0.5) - rng.uniform(-0.3, 1.2) * x * x], axis=1)
    canvas.stroke([mouth], tone, rng.uniform(0.02, 0.05), closed=False)


def _sub_dial(rng: Random, canvas: Canvas, x: float, y: float, r: float, tones: Tones) -> None:
    canvas.circle(r, float(np.clip(tones.face + rng.uniform(-50, 50), 0, 255)), center=(x, y))
    canvas.circle(r, tones.ink, rng.uniform(0.004, 0.012), (x, y))
    n = rng.choice((4, 12, 30))
    for i in range(n):
        a = 2 * math.pi * i / n
        p = np.array(
            [
                [r * 0.78 * math.sin(a), -r * 0.78 * math.cos(a)],
                [r * 0.95 * math.sin(a), -r * 0.95 * math.cos(a)],
            ]
        ) + (x, y)
        canvas.stroke([p], tones.ink, 0.006, closed=False)
    a = rng.uniform(0, 2 * math.pi)
    p = np.array(
        [
            [x - r * 0.2 * math.sin(a), y + r * 0.2 * math.cos(a)],
            [x + r * 0.8 * math.sin(a), y - r * 0.8 * math.cos(a)],
        ]
    )
    canvas.stroke([p], tones.hands, 0.012, closed=False)


def draw_extras(rng: Random, canvas: Canvas, tones: Tones, preset: Preset) -> None:
    """Logos, date windows, sub-dials and winding holes."""
    for y in (-0.38, -0.3, 0.32, 0.42):
        if rng.random() < 0.22:
            word = (
                rng.choice(WORDS)
                if rng.random() < 0.7
                else "".join(
                    rng.choices("abcdefghiklmnoprstuvwz", k=rng.randrange(3, 9))
                ).capitalize()
            )
            text = glyphs(rng.randrange(len(font_files())), word)
            canvas.stamp(
                text,
                rng.uniform(-0.05, 0.05),
                y + rng.uniform(-0.04, 0.04),
                rng.uniform(0.04, 0.13),
                0,
                (tones.ink * 2 + tones.face) / 3,
            )
    if rng.random() < preset.date:  # date window
        a = math.radians(rng.choice((90, 90, 90, 135, 180, 270)))
        r = rng.uniform(0.5, 0.75)
        x, y = r * math.sin(a), -r * math.cos(a)
        w, h = rng.uniform(0.07, 0.14), rng.uniform(0.05, 0.08)
        canvas.fill(
            [np.array([[x - w, y - h], [x + w, y - h], [x + w, y + h], [x - w, y + h]])],
            255 - tones.ink,
        )
        canvas.stamp(
            glyphs(rng.randrange(len(font_files())), str(rng.randrange(1, 32))),
            x,
            y,
            h * 1.5,
            0,
            tones.ink,
        )
    if rng.random() < preset.sub_dials:
        places = rng.sample(
            [(0.0, 0.45), (0.0, -0.45), (-0.45, 0.0), (0.45, 0.0)], rng.choice((1, 1, 2, 3))
        )
        size = rng.uniform(0.16, 0.3)
        for x, y in places:
            _sub_dial(rng, canvas, x, y, size, tones)
    if rng.random() < 0.08:  # winding holes
        for side in (-1, 1):
            canvas.circle(
                rng.uniform(0.03, 0.06),
                20,
                center=(side * rng.uniform(0.25, 0.4), rng.uniform(0.1, 0.3)),
            )


def _mark(kind: str, width: float, inner: float, outer: float) -> Points:
    if kind == "bar":
        return np.array([[-width, -inner], [width, -inner], [width, -outer], [-width, -outer]])
    if kind == "wedge":
        return np.array(
            [
                [-width * 0.3, -inner],
                [width * 0.3, -inner],
                [width * 1.4, -outer],
                [-width * 1.4, -outer],
            ]
        )
    if kind == "triangle":
        return np.array([[0, -inner], [width * 2, -outer], [-width * 2, -outer]])
    if kind == "diamond":
        mid = (inner + outer) / 2
        return np.array([[0, -inner], [width * 1.8, -mid], [0, -outer], [-width * 1.8, -mid]])
    return disc_points(10, max(width * 1.4, 0.012), (0, -(inner + outer) / 2))


@dataclass(frozen=True)
class Track:
    """Where the marks end, for the numerals to stay clear of them."""

    inner: float
    twelve_marked: bool  # in its own way


def draw_track(
    rng: Random, canvas: Canvas, tones: Tones, numerals: bool, bare: float = 0.0
) -> Track:
    """Minute track and hour marks; a share ``bare`` of the faces without numerals has neither."""
    outer = rng.uniform(0.9, 0.99) if rng.random() < 0.85 else rng.uniform(0.7, 0.9)
    length = rng.uniform(0.025, 0.09)
    inner = outer - length
    style = rng.choices(
        ("ticks", "dots", "railway", "hours", "none"), (46, 8, 16, 18, 12 if numerals else 0)
    )[0]
    if not numerals and chance(rng, bare):
        style = "none"
    width = rng.uniform(0.003, 0.012)
    tone = tones.ink if rng.random() < 0.8 else (tones.ink + tones.face) / 2
    if style in ("ticks", "railway"):
        canvas.fill([turned(_mark("bar", width, inner, outer), 6.0 * i) for i in range(60)], tone)
    elif style == "dots":
        canvas.fill([turned(_mark("dot", width, inner, outer), 6.0 * i) for i in range(60)], tone)
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
        only = rng.choice((1.0, 1.0, 1.0, 1.8))  # quarters stand out on some dials
        for i in range(0, 12, every):
            w = hour_width * (only if i % 3 == 0 else 1.0)
            canvas.fill([turned(_mark(kind, w, hour_inner, outer), 30.0 * i)], tone)
        twelve_marked = rng.random() < (0.15 if numerals else 0.4)
        if twelve_marked:
            w = hour_width * 1.6
            pair = [
                _mark("bar", hour_width, hour_inner, outer) + (s * hour_width * 1.6, 0)
                for s in (-1, 1)
            ]
            canvas.fill(
                [_mark("triangle", w, hour_inner, outer)] if rng.random() < 0.5 else pair, tone
            )
        inner = min(inner, hour_inner)
    return Track(inner if style != "none" else rng.uniform(0.9, 1.0), twelve_marked)


def _numeral_set(rng: Random, roman: float) -> tuple[tuple[str, ...], Sequence[int]]:
    arabic = rng.random() >= roman
    texts = ARABIC if arabic else (WATCHMAKERS_ROMAN if rng.random() < 0.6 else ROMAN)
    which = rng.choices(
        (range(12), range(0, 12, 3), range(0, 12, 2), range(0, 12, 6), range(1)), (80, 11, 5, 2, 2)
    )[0]
    return texts, which


def draw_numerals(
    rng: Random, canvas: Canvas, tones: Tones, track: Track, roman_share: float
) -> None:
    """Numerals in one font: upright, radial, or radial and readable from below."""
    texts, which = _numeral_set(rng, roman_share)
    roman = "V" in "".join(texts)
    font = rng.randrange(len(font_files()))
    height = rng.uniform(0.11, 0.3) if roman else rng.uniform(0.1, 0.27)
    tall = rng.uniform(1.0, 1.5) if roman else rng.uniform(0.9, 1.35)
    gap = rng.uniform(0.01, 0.08)
    if rng.random() < 0.12 and track.inner < 0.85:  # numerals outside the track
        track = Track(1.0, track.twelve_marked)
    radius = track.inner - gap - height * 0.5
    way = rng.choices(("radial", "readable", "upright"), (75, 8, 17) if roman else (14, 4, 82))[0]
    tone = tones.ink
    if rng.random() < 0.08:  # each on its own plate
        plate = float(np.clip(tones.face + rng.choice((-1, 1)) * rng.uniform(30, 120), 0, 255))
        tone = 0.0 if plate > 127 else 255.0
        size = height * rng.uniform(0.6, 0.75)
        shape = (
            disc_points(14, size)
            if rng.random() < 0.5
            else np.array([[-1.1, -1], [1.1, -1], [0.9, 1], [-0.9, 1]]) * size
        )
        canvas.fill([turned(shape + (0, -radius), 30.0 * i) for i in which], plate)
    if rng.random() < 0.05 and len(which) == 12:
        which = [i for i in which if rng.random() < 0.9]
    squeeze = 1.0 / tall
    for i in which:
        angle = 30.0 * i
        a = math.radians(angle)
        turn = 0.0
        if way == "radial":
            turn = angle
        elif way == "readable":
            turn = angle if angle <= 90 or angle >= 270 else angle - 180
        alpha = glyphs(font, texts[i])
        aspect = squeeze
        limit = 2 * radius * math.sin(math.radians(15)) * (1.0 if len(which) > 6 else 1.8)
        wide = alpha.shape[1] / alpha.shape[0] * height * aspect
        if wide > limit:
            aspect *= limit / wide
        away = (
            radius
            if way != "upright"
            else radius - max(0.0, min(wide, limit) - height) * 0.35 * abs(math.sin(a))
        )
        canvas.stamp(alpha, away * math.sin(a), -away * math.cos(a), height, turn, tone, aspect)
    if rng.random() < 0.05:  # a second ring: 13 to 24 inside, or minutes outside
        inner = radius - height * 0.5 - 0.08
        for i in range(12):
            a = math.radians(30 * i)
            canvas.stamp(
                glyphs(font, str(i + 12 if i else 24)),
                inner * math.sin(a),
                -inner * math.cos(a),
                0.09,
                0,
                tone,
            )
    elif rng.random() < 0.06 and radius < 0.75:
        for i in range(12):
            a = math.radians(30 * i)
            canvas.stamp(
                glyphs(font, str(5 * i or 60)),
                0.92 * math.sin(a),
                -0.92 * math.cos(a),
                0.08,
                rng.choice((0, 30 * i)),
                tone,
            )
