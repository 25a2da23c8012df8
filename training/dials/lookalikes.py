"""Round things that are no clocks: plates, wheels, windows, gauges, compasses, signs, balls; what a finder must leave alone."""

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
    Canvas,
    X,
    Y,
    disc_points,
    font_files,
    glyphs,
    noise,
    photo_crop,
    turned,
)
from training.dials.case import draw_case, pick_tones
from training.dials.face import WORDS
from training.dials.glass import draw_glass
from training.dials.presets import Preset

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _font(rng: Random) -> int:
    return rng.randrange(len(font_files()))


def _away(rng: Random, tone: float, least: float = 60) -> float:
    """Another tone, at least ``least`` grey levels off."""
    return (
        tone - rng.uniform(least, max(least, tone))
        if tone > 127
        else tone + rng.uniform(least, max(least, 255 - tone))
    )


def _disc(rng: Random, canvas: Canvas) -> float:
    """A case with an empty face, as a clock's; returns the face's tone."""
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
        canvas.circle(
            rng.uniform(0.15, 0.97), tone + rng.gauss(0, 45), rng.choice((0.01, 0.02, 0.06))
        )
    if rng.random() < 0.3:  # a pattern on the rim
        n, r = rng.choice((8, 12, 16, 24, 36)), rng.uniform(0.75, 0.92)
        canvas.fill(
            [
                disc_points(8, rng.uniform(0.02, 0.09), (r * math.sin(a), -r * math.cos(a)))
                for a in np.arange(n) * 2 * math.pi / n
            ],
            _away(rng, tone),
        )
    if rng.random() < 0.5:
        canvas.shade(
            (1 + rng.uniform(0.1, 0.4) * np.where(rng.uniform(0.5, 0.8) > RADIUS, X, -X)).astype(
                np.float32
            )
        )


def _wheel(rng: Random, canvas: Canvas) -> None:
    tone = rng.uniform(0, 255)
    rim, hub, n = (
        rng.uniform(0.04, 0.3),
        rng.uniform(0.05, 0.25),
        rng.choice((3, 4, 5, 6, 7, 8, 10, 12, 16, 24)),
    )
    if rng.random() < 0.5:  # closed behind the spokes
        canvas.circle(1.0, _away(rng, tone))
        canvas.circle(1.0, 255, target=canvas.mask)
    half, taper = rng.uniform(0.01, 0.5 / n), rng.uniform(0.5, 1.6)
    spoke = np.array(
        [[-half, 0], [half, 0], [half * taper, -1 + rim / 2], [-half * taper, -1 + rim / 2]]
    )
    start = rng.uniform(0, 360)
    shapes = [turned(spoke, start + 360 * i / n) for i in range(n)]
    for target, value in ((None, tone), (canvas.mask, 255)):
        for shape in shapes:
            canvas.fill([shape], value, target)
        canvas.circle(1 - rim / 2, value, rim, target=target)
        canvas.circle(hub, value, target=target)
    if rng.random() < 0.5:  # tyre
        canvas.circle(1.12, rng.uniform(10, 90), 0.24)
        canvas.circle(1.12, 255, 0.24, target=canvas.mask)
    canvas.circle(hub * rng.uniform(0.2, 0.7), _away(rng, tone))


def _window(rng: Random, canvas: Canvas) -> None:
    tone = _disc(rng, canvas)
    bar = _away(rng, tone, 40)
    kind = rng.random()
    if kind < 0.4:  # bars straight across
        n, half = rng.randrange(1, 4), rng.uniform(0.015, 0.08)
        for i in range(n):
            at = (2 * (i + 1) / (n + 1) - 1) * 1.0
            reach = math.sqrt(max(0.0, 1 - at * at))
            for quad in (
                [[-reach, at - half], [reach, at - half], [reach, at + half], [-reach, at + half]],
            ):
                canvas.fill([np.array(quad)], bar)
                canvas.fill([np.array(quad)[:, ::-1].copy()], bar)
    else:  # petals of a rose window
        n, at, size = (
            rng.choice((6, 8, 10, 12, 16)),
            rng.uniform(0.55, 0.72),
            rng.uniform(0.08, 0.22),
        )
        long = rng.uniform(1, 2.0)
        petal = disc_points(16, size * long, (0, -at), 1 / long)
        for i in range(n):
            canvas.fill([turned(petal, 360 * i / n)], bar)
        canvas.circle(rng.uniform(0.1, 0.3), bar)
    if rng.random() < 0.4:
        _reflection(rng, canvas)


def _reflection(rng: Random, canvas: Canvas) -> None:
    scene = photo_crop(rng, CANVAS, CANVAS)
    if scene is not None:
        mixed = cv2.addWeighted(canvas.grey, 0.5, scene, rng.uniform(0.2, 0.5), 0)
        canvas.grey = np.where(RADIUS < 0.97, mixed, canvas.grey).astype(np.uint8)


def _medallion(rng: Random, canvas: Canvas) -> None:
    """A picture in a round frame."""
    _disc(rng, canvas)
    scene = photo_crop(rng, CANVAS, CANVAS)
    if scene is not None:
        canvas.grey = np.where(rng.uniform(0.8, 1.0) > RADIUS, scene, canvas.grey).astype(np.uint8)


def _picture(rng: Random, canvas: Canvas) -> None:
    """A picture or a mirror in a rectangular frame."""
    half = np.array([rng.uniform(0.5, 1.1), rng.uniform(0.5, 1.1)])
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    canvas.fill([corners * (half + rng.uniform(0.03, 0.25))], rng.uniform(0, 255))
    canvas.fill([corners * (half + 0.25)], 255, canvas.mask)
    scene = photo_crop(rng, CANVAS, CANVAS)
    if scene is not None:
        inside = (np.abs(X) < half[0]) & (np.abs(Y) < half[1])
        canvas.grey = np.where(inside, scene, canvas.grey).astype(np.uint8)


def _button(rng: Random, canvas: Canvas) -> None:
    tone = _disc(rng, canvas)
    n, at = rng.choice((2, 4)), rng.uniform(0.15, 0.35)
    for i in range(n):
        a = 2 * math.pi * (i + 0.5) / n
        canvas.circle(
            rng.uniform(0.07, 0.16), _away(rng, tone), center=(at * math.sin(a), at * math.cos(a))
        )
    canvas.circle(rng.uniform(0.6, 0.85), tone + rng.gauss(0, 40), 0.04)


def _gauge(rng: Random, canvas: Canvas) -> None:
    tone = _disc(rng, canvas)
    ink = _away(rng, tone, 70)
    span, n = rng.uniform(90, 300), rng.randrange(5, 14)
    start, r = -span / 2 + rng.choice((0, 0, 0, 90, 180)), rng.uniform(0.7, 0.95)
    minor = rng.choice((1, 2, 5, 10))
    for i in range((n - 1) * minor + 1):
        length = 0.14 if i % minor == 0 else 0.06
        width = 0.015 if i % minor else 0.025
        tick = np.array([[-width, -r], [width, -r], [width, -r + length], [-width, -r + length]])
        canvas.fill([turned(tick, start + span * i / ((n - 1) * minor))], ink)
    if rng.random() < 0.7:
        font, step = _font(rng), rng.choice((1, 2, 5, 10, 20, 50, 100))
        for i in range(n):
            a = math.radians(start + span * i / (n - 1))
            canvas.stamp(
                glyphs(font, str(i * step)),
                (r - 0.28) * math.sin(a),
                -(r - 0.28) * math.cos(a),
                0.13,
                0,
                ink,
            )
    if rng.random() < 0.5:
        canvas.stamp(
            glyphs(_font(rng), rng.choice(("bar", "km/h", "°C", "psi", "V", "A", "rpm"))),
            0,
            rng.uniform(0.25, 0.6),
            0.15,
            0,
            ink,
        )
    if rng.random() < 0.3:
        canvas.stroke(
            [turned(disc_points(72, r - 0.02)[: int(span / 5)], start)], ink, 0.02, closed=False
        )
    half, tail = rng.uniform(0.012, 0.05), rng.uniform(0, 0.3)
    needle = np.array(
        [[-half, tail], [half, tail], [half * 0.3, -r + 0.05], [-half * 0.3, -r + 0.05]]
    )
    canvas.fill(
        [turned(needle, start + span * rng.random())],
        ink if rng.random() < 0.6 else rng.uniform(0, 255),
    )
    canvas.circle(rng.uniform(0.04, 0.14), ink)


def _compass(rng: Random, canvas: Canvas) -> None:
    tone = _disc(rng, canvas)
    ink, font = _away(rng, tone, 70), _font(rng)
    turn = rng.uniform(0, 360) if rng.random() < 0.5 else 0.0
    for i, letter in enumerate("NESW"):
        a = math.radians(90 * i)
        canvas.stamp(glyphs(font, letter), 0.8 * math.sin(a), -0.8 * math.cos(a), 0.22, 0, ink)
    points = rng.choice((1, 2, 4))
    for i in range(points * 2):
        kite = np.array([[0, -0.62 if i % 2 == 0 else -0.45], [0.1, 0], [-0.1, 0]])
        canvas.fill([turned(kite, turn + 180 * i / points)], ink if i % 2 else _away(rng, tone, 40))
    if rng.random() < 0.5:
        for i in range(36):
            canvas.fill(
                [
                    turned(
                        np.array([[-0.01, -0.97], [0.01, -0.97], [0.01, -0.92], [-0.01, -0.92]]),
                        10 * i,
                    )
                ],
                ink,
            )


def _text_ring(rng: Random, canvas: Canvas) -> None:
    tone = _disc(rng, canvas)
    ink, font, r = _away(rng, tone, 70), _font(rng), rng.uniform(0.65, 0.85)
    text = "".join(rng.choices(LETTERS + " ", k=rng.randrange(8, 30)))
    span = 360 if rng.random() < 0.5 else rng.uniform(120, 300)
    for i, letter in enumerate(text):
        degrees = -span / 2 + span * i / len(text)
        a = math.radians(degrees)
        if letter != " ":
            canvas.stamp(
                glyphs(font, letter), r * math.sin(a), -r * math.cos(a), 0.16, degrees, ink
            )
    canvas.circle(r - 0.15, ink, 0.02)
    if rng.random() < 0.6:
        canvas.stamp(
            glyphs(_font(rng), rng.choice(WORDS)), 0, 0, rng.uniform(0.12, 0.3), 0, ink, 0.7
        )


def _sign(rng: Random, canvas: Canvas) -> None:
    """A traffic sign, a badge or a number plate: a ring and one to three characters, or a symbol."""
    tone = _disc(rng, canvas)
    ink = _away(rng, tone, 70)
    if rng.random() < 0.7:
        width = rng.uniform(0.04, 0.25)
        canvas.circle(1 - width / 2, rng.choice((ink, rng.uniform(0, 255))), width)
    kind = rng.random()
    if kind < 0.65:
        text = (
            str(rng.randrange(1, 130))
            if rng.random() < 0.6
            else "".join(rng.choices(LETTERS, k=rng.randrange(1, 4)))
        )
        canvas.stamp(
            glyphs(_font(rng), text), 0, 0, rng.uniform(0.5, 1.0) / max(1, len(text)) ** 0.4, 0, ink
        )
    elif kind < 0.8:  # a bar, an arrow or a cross
        half, long = rng.uniform(0.06, 0.2), rng.uniform(0.5, 0.9)
        bar = np.array([[-half, -long], [half, -long], [half, long], [-half, long]])
        turn = rng.choice((0, 45, 90, 135))
        canvas.fill([turned(bar, turn)], ink)
        if rng.random() < 0.4:
            canvas.fill([turned(bar, turn + 90)], ink)
    else:  # a star
        n, inner = rng.randrange(3, 9), rng.uniform(0.2, 0.5)
        r = np.where(np.arange(2 * n) % 2 == 0, 0.8, inner)[:, None]
        canvas.fill([disc_points(2 * n) * r], ink)


def _donut(rng: Random, canvas: Canvas) -> None:
    tone, width = rng.uniform(30, 255), rng.uniform(0.2, 0.8)
    canvas.circle(1 - width / 2, tone, width)
    canvas.circle(1 - width / 2, 255, width, target=canvas.mask)
    away = np.abs(RADIUS - 1 + width / 2) / (width / 2)
    canvas.shade(
        (
            1.1
            - rng.uniform(0.1, 0.6) * np.minimum(away, 1) ** 2
            + 0.2 * (X + Y) * rng.uniform(-1, 1)
        ).astype(np.float32)
    )


def _ball(rng: Random, canvas: Canvas) -> None:
    canvas.circle(1.0, rng.uniform(40, 255))
    canvas.circle(1.0, 255, target=canvas.mask)
    x, y = rng.uniform(-0.6, 0.6), rng.uniform(-0.8, 0.3)
    canvas.shade((1.25 - rng.uniform(0.2, 0.5) * np.hypot(X - x, Y - y)).astype(np.float32))
    kind = rng.random()
    if kind < 0.3:  # seams
        for _ in range(rng.randrange(1, 4)):
            canvas.stroke(
                [turned(disc_points(32, 0.99, (0, 0), rng.uniform(0.2, 0.9)), rng.uniform(0, 180))],
                rng.uniform(0, 255),
                0.03,
            )
    elif kind < 0.55:
        grain = cv2.blur(noise(rng, CANVAS, CANVAS), (5, 5)) * rng.uniform(10, 60)
        canvas.grey = np.asarray(cv2.add(canvas.grey, grain, dtype=cv2.CV_8U), dtype=np.uint8)


def _record(rng: Random, canvas: Canvas) -> None:
    """A gramophone record, a loudspeaker or a target: many rings."""
    tone = _disc(rng, canvas)
    for r in np.arange(0.95, rng.uniform(0.1, 0.4), -rng.uniform(0.03, 0.18)):
        canvas.circle(float(r), tone + rng.gauss(0, 30), 0.02)
    canvas.circle(rng.uniform(0.05, 0.35), rng.uniform(0, 255))
    if rng.random() < 0.5:
        canvas.shade((1 + 0.3 * np.cos(2 * AZIMUTH + rng.uniform(0, 6.3))).astype(np.float32))


_KINDS: tuple[tuple[Callable[[Random, Canvas], None], float], ...] = (
    (_plate, 15), (_wheel, 10), (_window, 10), (_medallion, 8), (_picture, 7), (_button, 4), (_gauge, 12), (_compass, 5),
    (_text_ring, 7), (_sign, 12), (_donut, 4), (_ball, 8), (_record, 6),
)  # fmt: skip


def draw_lookalike(rng: Random) -> Canvas:
    """Something round (now and then square) that is no clock, seen straight on, of about radius 1."""
    canvas = Canvas()
    kind = rng.choices([kind for kind, _ in _KINDS], [weight for _, weight in _KINDS])[0]
    kind(rng, canvas)
    if rng.random() < 0.4:
        draw_glass(rng, canvas)
    return canvas
