"""Round things other than clocks: plates, wheels, windows, gauges, signs, balls."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

import cv2
import numpy as np

from training.dials.canvas import (
    AZIMUTH,
    CANVAS,
    RADIUS,
    SQUARE,
    Canvas,
    X,
    Y,
    around,
    at_angle,
    bar,
    disc_points,
    noise,
    photo_crop,
    pick_font,
    trapezoid,
    turned,
)
from training.dials.case import draw_case, pick_tones
from training.dials.face import WORDS
from training.dials.glass import draw_glass
from training.dials.presets import Preset

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def contrasting(rng: Random, tone: float, least: float = 60) -> float:
    """Return another tone, at least ``least`` grey levels away."""
    if tone > 127:
        return tone - rng.uniform(least, max(least, tone))
    return tone + rng.uniform(least, max(least, 255 - tone))


def _disc(rng: Random, canvas: Canvas) -> float:
    """Draw a clock's case with an empty face and return the face's tone."""
    tones = pick_tones(rng)
    if rng.random() < 0.65:
        draw_case(rng, canvas, tones, Preset())
        canvas.wall_tone = None
    canvas.circle(1.0, tones.face)
    canvas.circle(1.0, 255, target=canvas.mask)
    return tones.face


def _plate(rng: Random, canvas: Canvas) -> None:
    tone = _disc(rng, canvas)
    for _ in range(rng.randrange(0, 5)):
        radius = rng.uniform(0.15, 0.97)
        canvas.circle(radius, tone + rng.gauss(0, 45), rng.choice((0.01, 0.02, 0.06)))
    if rng.random() < 0.3:  # a pattern on the rim
        n, r = rng.choice((8, 12, 16, 24, 36)), rng.uniform(0.75, 0.92)
        dots = [disc_points(8, rng.uniform(0.02, 0.09), place) for place in around(n, r)]
        canvas.fill(dots, contrasting(rng, tone))
    if rng.random() < 0.5:
        amount = rng.uniform(0.1, 0.4)
        canvas.shade(1 + amount * np.where(rng.uniform(0.5, 0.8) > RADIUS, X, -X))


def _wheel(rng: Random, canvas: Canvas) -> None:
    tone = rng.uniform(0, 255)
    rim, hub = rng.uniform(0.04, 0.3), rng.uniform(0.05, 0.25)
    n = rng.choice((3, 4, 5, 6, 7, 8, 10, 12, 16, 24))
    if rng.random() < 0.5:  # closed behind the spokes
        canvas.circle(1.0, contrasting(rng, tone))
        canvas.circle(1.0, 255, target=canvas.mask)
    half, taper = rng.uniform(0.01, 0.5 / n), rng.uniform(0.5, 1.6)
    spoke = trapezoid(half, 0, half * taper, -1 + rim / 2)
    start = rng.uniform(0, 360)
    shapes = [turned(spoke, start + 360 * i / n) for i in range(n)]
    for target, value in ((None, tone), (canvas.mask, 255)):
        for shape in shapes:
            canvas.fill([shape], value, target)
        canvas.circle(1 - rim / 2, value, rim, target=target)
        canvas.circle(hub, value, target=target)
    if rng.random() < 0.5:  # tire
        canvas.circle(1.12, rng.uniform(10, 90), 0.24)
        canvas.circle(1.12, 255, 0.24, target=canvas.mask)
    canvas.circle(hub * rng.uniform(0.2, 0.7), contrasting(rng, tone))


def _window(rng: Random, canvas: Canvas) -> None:
    tone = _disc(rng, canvas)
    bars = contrasting(rng, tone, 40)
    if rng.random() < 0.4:  # bars straight across, in both directions
        n, half = rng.randrange(1, 4), rng.uniform(0.015, 0.08)
        for i in range(n):
            at = 2 * (i + 1) / (n + 1) - 1
            quad = bar(math.sqrt(max(0.0, 1 - at * at)), at - half, at + half)
            canvas.fill([quad], bars)
            canvas.fill([quad[:, ::-1].copy()], bars)
    else:  # petals of a rose window
        n, at = rng.choice((6, 8, 10, 12, 16)), rng.uniform(0.55, 0.72)
        size, long = rng.uniform(0.08, 0.22), rng.uniform(1, 2.0)
        petal = disc_points(16, size * long, (0, -at), 1 / long)
        for i in range(n):
            canvas.fill([turned(petal, 360 * i / n)], bars)
        canvas.circle(rng.uniform(0.1, 0.3), bars)
    if rng.random() < 0.4:
        _reflection(rng, canvas)


def _reflection(rng: Random, canvas: Canvas) -> None:
    scene = photo_crop(rng, CANVAS, CANVAS)
    if scene is not None:
        mixed = cv2.addWeighted(canvas.grey, 0.5, scene, rng.uniform(0.2, 0.5), 0)
        canvas.grey = np.where(RADIUS < 0.97, mixed, canvas.grey).astype(np.uint8)


def _medallion(rng: Random, canvas: Canvas) -> None:
    """Draw a picture in a round frame."""
    _disc(rng, canvas)
    scene = photo_crop(rng, CANVAS, CANVAS)
    if scene is not None:
        canvas.grey = np.where(rng.uniform(0.8, 1.0) > RADIUS, scene, canvas.grey).astype(np.uint8)


def _picture(rng: Random, canvas: Canvas) -> None:
    """Draw a picture or a mirror in a rectangular frame."""
    half = np.array([rng.uniform(0.5, 1.1), rng.uniform(0.5, 1.1)])
    canvas.fill([SQUARE * (half + rng.uniform(0.03, 0.25))], rng.uniform(0, 255))
    canvas.fill([SQUARE * (half + 0.25)], 255, canvas.mask)
    scene = photo_crop(rng, CANVAS, CANVAS)
    if scene is not None:
        inside = (np.abs(X) < half[0]) & (np.abs(Y) < half[1])
        canvas.grey = np.where(inside, scene, canvas.grey).astype(np.uint8)


def _button(rng: Random, canvas: Canvas) -> None:
    tone = _disc(rng, canvas)
    n, at = rng.choice((2, 4)), rng.uniform(0.15, 0.35)
    for i in range(n):
        a = 2 * math.pi * (i + 0.5) / n
        hole = (at * math.sin(a), at * math.cos(a))
        canvas.circle(rng.uniform(0.07, 0.16), contrasting(rng, tone), center=hole)
    canvas.circle(rng.uniform(0.6, 0.85), tone + rng.gauss(0, 40), 0.04)


def _gauge(rng: Random, canvas: Canvas) -> None:
    tone = _disc(rng, canvas)
    ink = contrasting(rng, tone, 70)
    span, n = rng.uniform(90, 300), rng.randrange(5, 14)
    start, r = -span / 2 + rng.choice((0, 0, 0, 90, 180)), rng.uniform(0.7, 0.95)
    minor = rng.choice((1, 2, 5, 10))
    for i in range((n - 1) * minor + 1):
        width, length = (0.015, 0.06) if i % minor else (0.025, 0.14)
        tick = bar(width, -r, -r + length)
        canvas.fill([turned(tick, start + span * i / ((n - 1) * minor))], ink)
    if rng.random() < 0.7:
        font, step = pick_font(rng), rng.choice((1, 2, 5, 10, 20, 50, 100))
        for i in range(n):
            a = math.radians(start + span * i / (n - 1))
            canvas.write(font, str(i * step), at_angle(r - 0.28, a), 0.13, ink)
    if rng.random() < 0.5:
        font, unit = pick_font(rng), rng.choice(("bar", "km/h", "°C", "psi", "V", "A", "rpm"))
        canvas.write(font, unit, (0, rng.uniform(0.25, 0.6)), 0.15, ink)
    if rng.random() < 0.3:
        arc = turned(disc_points(72, r - 0.02)[: int(span / 5)], start)
        canvas.stroke([arc], ink, 0.02, closed=False)
    half, tail = rng.uniform(0.012, 0.05), rng.uniform(0, 0.3)
    needle = turned(trapezoid(half, tail, half * 0.3, -r + 0.05), start + span * rng.random())
    canvas.fill([needle], ink if rng.random() < 0.6 else rng.uniform(0, 255))
    canvas.circle(rng.uniform(0.04, 0.14), ink)


def _compass(rng: Random, canvas: Canvas) -> None:
    tone = _disc(rng, canvas)
    ink, font = contrasting(rng, tone, 70), pick_font(rng)
    turn = rng.uniform(0, 360) if rng.random() < 0.5 else 0.0
    for i, letter in enumerate("NESW"):
        canvas.write(font, letter, at_angle(0.8, math.radians(90 * i)), 0.22, ink)
    points = rng.choice((1, 2, 4))
    for i in range(points * 2):
        kite = np.array([[0, -0.45 if i % 2 else -0.62], [0.1, 0], [-0.1, 0]])
        shade = ink if i % 2 else contrasting(rng, tone, 40)
        canvas.fill([turned(kite, turn + 180 * i / points)], shade)
    if rng.random() < 0.5:
        for i in range(36):
            canvas.fill([turned(bar(0.01, -0.97, -0.92), 10 * i)], ink)


def _text_ring(rng: Random, canvas: Canvas) -> None:
    tone = _disc(rng, canvas)
    ink, font, r = contrasting(rng, tone, 70), pick_font(rng), rng.uniform(0.65, 0.85)
    text = "".join(rng.choices(LETTERS + " ", k=rng.randrange(8, 30)))
    span = 360 if rng.random() < 0.5 else rng.uniform(120, 300)
    for i, letter in enumerate(text):
        degrees = -span / 2 + span * i / len(text)
        if letter != " ":
            canvas.write(font, letter, at_angle(r, math.radians(degrees)), 0.16, ink, degrees)
    canvas.circle(r - 0.15, ink, 0.02)
    if rng.random() < 0.6:
        font, word = pick_font(rng), rng.choice(WORDS)
        canvas.write(font, word, (0, 0), rng.uniform(0.12, 0.3), ink, aspect=0.7)


def _sign(rng: Random, canvas: Canvas) -> None:
    """Draw a traffic sign, a badge or a number plate: a ring and some characters or a symbol."""
    tone = _disc(rng, canvas)
    ink = contrasting(rng, tone, 70)
    if rng.random() < 0.7:
        width = rng.uniform(0.04, 0.25)
        canvas.circle(1 - width / 2, rng.choice((ink, rng.uniform(0, 255))), width)
    kind = rng.random()
    if kind < 0.65:
        if rng.random() < 0.6:
            text = str(rng.randrange(1, 130))
        else:
            text = "".join(rng.choices(LETTERS, k=rng.randrange(1, 4)))
        font = pick_font(rng)
        canvas.write(font, text, (0, 0), rng.uniform(0.5, 1.0) / max(1, len(text)) ** 0.4, ink)
    elif kind < 0.8:  # a bar, an arrow or a cross
        half, long = rng.uniform(0.06, 0.2), rng.uniform(0.5, 0.9)
        stroke, turn = bar(half, -long, long), rng.choice((0, 45, 90, 135))
        canvas.fill([turned(stroke, turn)], ink)
        if rng.random() < 0.4:
            canvas.fill([turned(stroke, turn + 90)], ink)
    else:  # a star
        n, inner = rng.randrange(3, 9), rng.uniform(0.2, 0.5)
        r = np.where(np.arange(2 * n) % 2 == 0, 0.8, inner)[:, None]
        canvas.fill([disc_points(2 * n) * r], ink)


def _donut(rng: Random, canvas: Canvas) -> None:
    tone, width = rng.uniform(30, 255), rng.uniform(0.2, 0.8)
    canvas.circle(1 - width / 2, tone, width)
    canvas.circle(1 - width / 2, 255, width, target=canvas.mask)
    away = np.abs(RADIUS - 1 + width / 2) / (width / 2)
    round_ = 1.1 - rng.uniform(0.1, 0.6) * np.minimum(away, 1) ** 2
    canvas.shade(round_ + 0.2 * (X + Y) * rng.uniform(-1, 1))


def _ball(rng: Random, canvas: Canvas) -> None:
    canvas.circle(1.0, rng.uniform(40, 255))
    canvas.circle(1.0, 255, target=canvas.mask)
    x, y = rng.uniform(-0.6, 0.6), rng.uniform(-0.8, 0.3)
    canvas.shade(1.25 - rng.uniform(0.2, 0.5) * np.hypot(X - x, Y - y))
    kind = rng.random()
    if kind < 0.3:  # seams
        for _ in range(rng.randrange(1, 4)):
            seam = disc_points(32, 0.99, (0, 0), rng.uniform(0.2, 0.9))
            canvas.stroke([turned(seam, rng.uniform(0, 180))], rng.uniform(0, 255), 0.03)
    elif kind < 0.55:
        grain = cv2.blur(noise(rng, CANVAS, CANVAS), (5, 5)) * rng.uniform(10, 60)
        canvas.grey = np.asarray(cv2.add(canvas.grey, grain, dtype=cv2.CV_8U), dtype=np.uint8)


def _record(rng: Random, canvas: Canvas) -> None:
    """Draw a gramophone record, a loudspeaker or a target: many rings."""
    tone = _disc(rng, canvas)
    for r in np.arange(0.95, rng.uniform(0.1, 0.4), -rng.uniform(0.03, 0.18)):
        canvas.circle(float(r), tone + rng.gauss(0, 30), 0.02)
    canvas.circle(rng.uniform(0.05, 0.35), rng.uniform(0, 255))
    if rng.random() < 0.5:
        canvas.shade(1 + 0.3 * np.cos(2 * AZIMUTH + rng.uniform(0, 6.3)))


Lookalike = Callable[[Random, Canvas], None]
_KINDS: tuple[tuple[Lookalike, float], ...] = (
    (_plate, 15), (_wheel, 10), (_window, 10), (_medallion, 8), (_picture, 7), (_button, 4),
    (_gauge, 12), (_compass, 5), (_text_ring, 7), (_sign, 12), (_donut, 4), (_ball, 8),
    (_record, 6),
)  # fmt: skip


def draw_lookalike(rng: Random) -> Canvas:
    """Draw something round (or square) other than a clock, seen straight on, of about radius 1."""
    canvas = Canvas()
    kind = rng.choices([kind for kind, _ in _KINDS], [weight for _, weight in _KINDS])[0]
    kind(rng, canvas)
    if rng.random() < 0.4:
        draw_glass(rng, canvas)
    return canvas
