"""Tones of a clock, and everything around its face: case, bezel, strap, bells, brackets."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import numpy as np

from training.dials.canvas import (
    AZIMUTH,
    RADIUS,
    SQUARE,
    Canvas,
    Points,
    around,
    at_angle,
    bar,
    disc_points,
    pick_font,
    spun,
    turned,
)
from training.dials.presets import Preset
from training.dials.randomness import chance, clip_tone, near_tone

OVAL = 1.28  # width over height of an oval case
OPENWORK_CONTRAST = 90.0  # grey levels between the marks and the mean of the background


@dataclass(frozen=True)
class Tones:
    """The greys of one clock, 0..255."""

    face: float
    ink: float  # numerals and track
    hands: float
    case: float


def pick_tones(rng: Random, light_face: float = 0.68) -> Tones:
    """Pick tones with enough contrast for people; a share ``light_face`` of the faces is light."""
    light = rng.random() < light_face
    face = rng.uniform(140, 255) if light else rng.uniform(0, 120)

    def against(weak: float) -> float:
        if rng.random() < weak:
            return clip_tone(face + (-1 if light else 1) * rng.uniform(40, 80))
        if rng.random() < 0.05 and 60 < face < 200:
            low, high = (min(255, face + 45), 255) if light else (0, max(0, face - 50))
        else:
            low, high = (0, max(20, face - 90)) if light else (min(235, face + 90), 255)
        return rng.uniform(low, high)

    ink = against(0.15)
    hands = ink if rng.random() < 0.5 else against(0.1)
    return Tones(face, ink, hands, rng.uniform(0, 255))


_OUTLINES = ("circle", "square", "rounded", "octagon", "hexagon", "dodecagon")
_OUTLINE_WEIGHTS = (70, 6, 7, 8, 3, 2)
_CORNERS = {"octagon": 8, "hexagon": 6, "dodecagon": 12}


def outline(shape: str, radius: float) -> Points:
    """Return a case outline whose inscribed circle has ``radius``."""
    if shape == "circle":
        return disc_points(56, radius)
    if shape in ("wide", "tall"):  # ovals about the round track
        points = disc_points(56, radius, aspect=OVAL)
        return points if shape == "wide" else points[:, ::-1]
    if shape == "square":
        return SQUARE * radius
    if shape == "rounded":
        a = np.arange(56) * (2 * math.pi / 56)
        c, s = np.cos(a), np.sin(a)
        xy = [np.sign(c) * np.abs(c) ** 0.4, np.sign(s) * np.abs(s) ** 0.4]
        return np.stack(xy, axis=1) * radius
    n = _CORNERS[shape]
    return turned(disc_points(n, radius / math.cos(math.pi / n)), 180 / n)


def _strap(rng: Random, outer: float) -> list[Points]:
    """Return a strap, plain or of links; some have a crown at the right, or one between pushers."""
    half = rng.uniform(0.35, 0.75)
    shapes = [bar(half, -1.7, 1.7)]
    if rng.random() < 0.4:
        height = rng.uniform(0.06, 0.2)
        rows = [r for y in np.arange(outer + height / 2, 1.7, height * 2) for r in (y, -y)]
        links = SQUARE * (half * rng.uniform(0.3, 0.6), height / 2)
        shapes += [links + (0, y) for y in rows]
    if rng.random() < 0.5:
        inner, end = outer * 0.9, outer + 0.16
        crown = np.array([[inner, -0.1], [end, -0.1], [end, 0.1], [inner, 0.1]])
        angles = (0, -30, 30) if rng.random() < 0.3 else (rng.choice((0, 0, 25)),)
        shapes += [turned(crown, a) for a in angles]
    return shapes


def _bells(rng: Random, outer: float) -> list[Points]:
    """Return alarm bells and feet."""
    del rng
    at = outer * 0.75
    foot = np.array([[0.5, 0.8], [0.7, 0.8], [0.95, 1.6], [0.85, 1.6]]) * outer
    bells = [disc_points(20, outer * 0.4, (side * at, -at)) for side in (-1, 1)]
    return [*bells, foot * (-1, 1), foot]


def _bracket(rng: Random, outer: float) -> list[Points]:
    """Return a bracket or post."""
    half = rng.uniform(0.05, 0.3)
    return [turned(bar(half, -1.7, -outer * 0.9), rng.choice((0, 180, 90, 270)))]


def _pendulum_case(rng: Random, outer: float) -> list[Points]:
    half = rng.uniform(0.3, 1.1) * outer
    right = half * rng.uniform(0.5, 1.2)
    return [np.array([[-half, 0], [half, 0], [right, 1.7], [-half, 1.7]])]


def _rays(rng: Random, outer: float) -> list[Points]:
    n, inner = rng.choice((12, 16, 24, 36)), -outer * 0.95
    return [
        turned(
            np.array([[-0.04, inner], [0.04, inner], [0, -outer - rng.uniform(0.1, 0.4)]]),
            360 * i / n,
        )
        for i in range(n)
    ]


def _crown(rng: Random, outer: float) -> list[Points]:
    return [turned(bar(0.1, -outer - 0.16, -outer * 0.9), rng.choice((0, 90)))]


def _slab(rng: Random, outer: float) -> list[Points]:
    """Return the slab or stone that the dial is set in."""
    half = outer * rng.uniform(1.02, 1.3)
    return [outline(rng.choice(("square", "octagon", "rounded")), half)]


_ATTACHMENTS: tuple[tuple[Callable[[Random, float], list[Points]], float], ...] = (
    (_bells, 0.18), (_bracket, 0.26), (_pendulum_case, 0.31), (_rays, 0.35), (_crown, 0.42),
    (_slab, 0.52),
)  # fmt: skip  # up to which number; nothing above


def _attachments(rng: Random, canvas: Canvas, outer: float, tone: float, strap: float) -> None:
    """Draw the parts outside the case, of which a share ``strap`` is a strap."""
    kind = rng.uniform(0.12, 1.0)  # the first 12 % were straps, which have their own share now
    shapes: list[Points] = []
    if rng.random() < strap:
        shapes = _strap(rng, outer)
    else:
        draw = next((draw for draw, limit in _ATTACHMENTS if kind < limit), None)
        shapes = draw(rng, outer) if draw else []
    for shape in shapes:
        shade = near_tone(rng, tone, 60)
        canvas.solid(shape, shade)
        if rng.random() < 0.3:
            canvas.stroke([shape], 255 - shade, 0.02)


_SCALES = (  # degrees between figures, and the figures
    (60, ("60", "10", "20", "30", "40", "50")),
    (30, tuple(str(5 * i or 60) for i in range(12))),
    (45, ("60", "90", "120", "150", "200", "240", "300", "400")),
)


def _scale_on_bezel(
    rng: Random, canvas: Canvas, tone: float, radius: float, thickness: float
) -> None:
    """Draw a diver's, pilot's or rally watch's scale around the face: numbers other than hours."""
    ink = clip_tone(tone + (1 if tone < 128 else -1) * rng.uniform(60, 200))
    step, texts = rng.choice(_SCALES)
    start = rng.choice((0, 0, rng.uniform(0, 360)))  # a bezel that is turned
    height, font = thickness * rng.uniform(0.4, 0.7), pick_font(rng)
    for i, text in enumerate(texts):
        angle = start + step * i
        if i == 0 and rng.random() < 0.5:
            half = height / 2
            tip = np.array([[0, -radius + half], [half, -radius - half], [-half, -radius - half]])
            canvas.fill([turned(tip, angle)], ink)
        else:
            canvas.write(font, text, at_angle(radius, math.radians(angle)), height, ink, angle)
    between = rng.choice((0, 60, 120 if step == 30 else 60))
    half, reach = rng.uniform(0.004, 0.012), thickness * rng.uniform(0.1, 0.25)
    if between:
        angles = np.arange(between) * 360 / between
        ticks = spun(bar(half, -radius - reach, -radius + reach), start + angles)
        canvas.fill([t for t, angle in zip(ticks, angles, strict=True) if angle % step], ink)


def draw_bezel(
    rng: Random, canvas: Canvas, tone: float, shape: str, thickness: float, scale: float
) -> None:
    """Draw steps, beads or a scale (of a share ``scale``) on the ring around the face."""
    outer = 1.0 + thickness
    steps = rng.randrange(0, 4)
    inner_shape = shape if rng.random() < 0.4 else "circle"
    for i in range(steps):
        r = outer - thickness * (i + rng.uniform(0.2, 0.8)) / (steps + 1)
        step_tone = near_tone(rng, tone, 90)
        canvas.fill([outline(inner_shape if i else shape, r)], step_tone)
    middle = outer - thickness * 0.5
    if rng.random() < 0.12:  # beads, rope or scallops
        n, size = rng.choice((36, 48, 60, 72)), thickness * rng.uniform(0.2, 0.45)
        canvas.fill([disc_points(8, size, place) for place in around(n, middle)], 255 - tone)
    elif thickness > 0.12 and rng.random() < scale:
        _scale_on_bezel(rng, canvas, tone, middle, thickness)
    if rng.random() < 0.5:  # polished metal: light goes round the ring
        waves, amount = rng.choice((1, 2, 2, 3)), rng.uniform(0.1, 0.6)
        light = amount * np.sin(waves * AZIMUTH + rng.uniform(0, 6.3))
        canvas.shade(1 + np.where(RADIUS > 1, light, 0))


def draw_case(rng: Random, canvas: Canvas, tones: Tones, preset: Preset) -> float:
    """Draw case and bezel around the face.

    Args:
        rng: Source of all random numbers.
        canvas: Drawn on.
        tones: Of the clock.
        preset: Shares of straps, scales, openwork, and of faces that fill a case that is not round.

    Returns:
        The outer radius in dial units, 1 without a bezel.
    """
    bare = rng.random() < 0.1
    thickness = 0.0
    if not bare:
        thickness = rng.uniform(0.02, 0.18) if rng.random() < 0.7 else rng.uniform(0.15, 0.42)
    outer = 1.0 + thickness
    if rng.random() < 0.8 and not bare:
        _attachments(rng, canvas, outer, tones.case, preset.strap)
    fills = chance(rng, preset.shaped)
    if fills:
        shape = rng.choice(("wide", "tall", "square", "rounded", "octagon", "hexagon"))
    else:
        shape = rng.choices(_OUTLINES, _OUTLINE_WEIGHTS)[0]
    if bare and not fills and rng.random() < 0.5:
        shape = "circle"
    case = outline(shape, outer)
    canvas.fill([case], tones.case)
    contrast = min(abs(tones.face - t) for t in (tones.ink, tones.hands))
    if bare and rng.random() < 0.35:  # the wall itself is the dial
        canvas.wall_tone = tones.face
    else:
        canvas.fill([case], 255, canvas.mask)
        if not fills and rng.random() < preset.openwork and contrast > OPENWORK_CONTRAST:
            canvas.wall_tone, canvas.wall_share = tones.face, rng.uniform(0.3, 0.8)
            canvas.circle(1.0, 0, target=canvas.mask)
    if thickness > 0.03:
        draw_bezel(rng, canvas, tones.case, shape, thickness, preset.scale)
    if fills:
        canvas.fill([outline(shape, 1.0)], tones.face)
    return outer
