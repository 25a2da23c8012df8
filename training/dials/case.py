"""Tones of a clock, and what surrounds its face: case, bezel, strap, bells, brackets."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

import numpy as np

from training.dials.canvas import (
    AZIMUTH,
    RADIUS,
    Canvas,
    Points,
    disc_points,
    font_files,
    glyphs,
    turned,
)
from training.dials.presets import Preset, chance

OVAL = 1.28  # width over height of an oval case
OPENWORK_CONTRAST = 90.0  # grey levels between marks and the mean of what is seen between them


@dataclass(frozen=True)
class Tones:
    """The greys of one clock, 0..255."""

    face: float
    ink: float  # numerals and track
    hands: float
    case: float


def pick_tones(rng: Random, light_face: float = 0.68) -> Tones:
    """Face, ink, hand and case tones with enough contrast to be read by a person; a share ``light_face`` of the faces is light."""
    light = rng.random() < light_face
    face = rng.uniform(140, 255) if light else rng.uniform(0, 120)

    def against(weak: float) -> float:
        if rng.random() < weak:
            return float(np.clip(face + (-1 if light else 1) * rng.uniform(40, 80), 0, 255))
        if rng.random() < 0.05 and 60 < face < 200:
            return (
                rng.uniform(0, max(0, face - 50))
                if not light
                else rng.uniform(min(255, face + 45), 255)
            )
        return (
            rng.uniform(0, max(20, face - 90)) if light else rng.uniform(min(235, face + 90), 255)
        )

    ink = against(0.15)
    hands = ink if rng.random() < 0.5 else against(0.1)
    return Tones(face, ink, hands, rng.uniform(0, 255))


def _outline(rng: Random) -> str:
    return rng.choices(
        ("circle", "square", "rounded", "octagon", "hexagon", "dodecagon"), (70, 6, 7, 8, 3, 2)
    )[0]


def _polygon(shape: str, radius: float) -> Points:
    """A case outline whose inscribed circle has ``radius``."""
    if shape == "circle":
        return disc_points(56, radius)
    if shape in ("wide", "tall"):  # ovals about the round track
        points = disc_points(56, radius, aspect=OVAL)
        return points if shape == "wide" else points[:, ::-1]
    if shape == "square":
        return np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * radius
    if shape == "rounded":
        a = np.arange(56) * (2 * math.pi / 56)
        c, s = np.cos(a), np.sin(a)
        return (
            np.stack([np.sign(c) * np.abs(c) ** 0.4, np.sign(s) * np.abs(s) ** 0.4], axis=1)
            * radius
        )
    n = {"octagon": 8, "hexagon": 6, "dodecagon": 12}[shape]
    return turned(disc_points(n, radius / math.cos(math.pi / n)), 180 / n)


def _strap(rng: Random, outer: float) -> list[Points]:
    """A strap, plain or of links, and now and then a crown, or a crown between pushers, at the right."""
    half = rng.uniform(0.35, 0.75)
    shapes = [np.array([[-half, -1.7], [half, -1.7], [half, 1.7], [-half, 1.7]])]
    if rng.random() < 0.4:
        height = rng.uniform(0.06, 0.2)
        rows = [r for y in np.arange(outer + height / 2, 1.7, height * 2) for r in (y, -y)]
        links = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (
            half * rng.uniform(0.3, 0.6),
            height / 2,
        )
        shapes += [links + (0, y) for y in rows]
    if rng.random() < 0.5:
        crown = np.array(
            [[outer * 0.9, -0.1], [outer + 0.16, -0.1], [outer + 0.16, 0.1], [outer * 0.9, 0.1]]
        )
        shapes += [
            turned(crown, a)
            for a in ((0, -30, 30) if rng.random() < 0.3 else (rng.choice((0, 0, 25)),))
        ]
    return shapes


def _attachments(rng: Random, canvas: Canvas, outer: float, tone: float, strap: float) -> None:
    """What sticks out of a case: straps, crowns, bells, feet, brackets, pendulum boxes, rays."""
    kind = rng.uniform(0.12, 1.0)  # what lies below is the straps', which have a share of their own
    shapes: list[Points] = []
    if rng.random() < strap:
        shapes = _strap(rng, outer)
    elif kind < 0.18:  # alarm bells and feet
        at = outer * 0.75
        shapes = [disc_points(20, outer * 0.4, (-at, -at)), disc_points(20, outer * 0.4, (at, -at))]
        shapes += [
            np.array([[s * 0.5, 0.8], [s * 0.7, 0.8], [s * 0.95, 1.6], [s * 0.85, 1.6]]) * outer
            for s in (-1, 1)
        ]
    elif kind < 0.26:  # bracket or post
        half = rng.uniform(0.05, 0.3)
        shapes = [
            turned(
                np.array(
                    [[-half, -1.7], [half, -1.7], [half, -outer * 0.9], [-half, -outer * 0.9]]
                ),
                rng.choice((0, 180, 90, 270)),
            )
        ]
    elif kind < 0.31:  # pendulum case
        half = rng.uniform(0.3, 1.1) * outer
        shapes = [
            np.array([[-half, 0], [half, 0], [half * rng.uniform(0.5, 1.2), 1.7], [-half, 1.7]])
        ]
    elif kind < 0.35:  # rays
        n = rng.choice((12, 16, 24, 36))
        shapes = [
            turned(
                np.array(
                    [
                        [-0.04, -outer * 0.95],
                        [0.04, -outer * 0.95],
                        [0, -outer - rng.uniform(0.1, 0.4)],
                    ]
                ),
                360 * i / n,
            )
            for i in range(n)
        ]
    elif kind < 0.42:  # crown
        shapes = [
            turned(
                np.array(
                    [
                        [-0.1, -outer - 0.16],
                        [0.1, -outer - 0.16],
                        [0.1, -outer * 0.9],
                        [-0.1, -outer * 0.9],
                    ]
                ),
                rng.choice((0, 90)),
            )
        ]
    elif kind < 0.52:  # the slab or stone that the dial is set in
        half = outer * rng.uniform(1.02, 1.3)
        shapes = [_polygon(rng.choice(("square", "octagon", "rounded")), half)]
    for shape in shapes:
        shade = float(np.clip(tone + rng.uniform(-60, 60), 0, 255))
        canvas.fill([shape], shade)
        canvas.fill([shape], 255, canvas.mask)
        if rng.random() < 0.3:
            canvas.stroke([shape], 255 - shade, 0.02)


def _scale_on_bezel(
    rng: Random, canvas: Canvas, tone: float, radius: float, thickness: float
) -> None:
    """Figures and strokes of a diver's, a pilot's or a rally watch around the face: numbers that are no hours."""
    ink = float(np.clip(tone + (1 if tone < 128 else -1) * rng.uniform(60, 200), 0, 255))
    step, texts = rng.choice(
        (
            (60, ("60", "10", "20", "30", "40", "50")),
            (30, tuple(str(5 * i or 60) for i in range(12))),
            (45, ("60", "90", "120", "150", "200", "240", "300", "400")),
        )
    )
    start = rng.choice((0, 0, rng.uniform(0, 360)))  # a bezel that is turned
    height, font = thickness * rng.uniform(0.4, 0.7), rng.randrange(len(font_files()))
    for i, text in enumerate(texts):
        angle = start + step * i
        if i == 0 and rng.random() < 0.5:
            tip = np.array(
                [
                    [0, -radius + height / 2],
                    [height / 2, -radius - height / 2],
                    [-height / 2, -radius - height / 2],
                ]
            )
            canvas.fill([turned(tip, angle)], ink)
            continue
        a = math.radians(angle)
        canvas.stamp(
            glyphs(font, text), radius * math.sin(a), -radius * math.cos(a), height, angle, ink
        )
    between = rng.choice((0, 60, 120 if step == 30 else 60))
    half, reach = rng.uniform(0.004, 0.012), thickness * rng.uniform(0.1, 0.25)
    for i in range(between):
        if (i * 360 / between) % step:
            bar = np.array(
                [
                    [-half, -radius - reach],
                    [half, -radius - reach],
                    [half, -radius + reach],
                    [-half, -radius + reach],
                ]
            )
            canvas.fill([turned(bar, start + i * 360 / between)], ink)


def draw_case(rng: Random, canvas: Canvas, tones: Tones, preset: Preset) -> float:
    """Case and bezel around the face; returns the outer radius in dial units (1 where there is no bezel).

    Of ``preset`` it takes the shares of straps, scales, openwork, and of faces that fill a case which is not round.
    """
    bare = rng.random() < 0.1
    thickness = (
        0.0
        if bare
        else (rng.uniform(0.02, 0.18) if rng.random() < 0.7 else rng.uniform(0.15, 0.42))
    )
    outer = 1.0 + thickness
    if rng.random() < 0.8 and not bare:
        _attachments(rng, canvas, outer, tones.case, preset.strap)
    fills = chance(rng, preset.shaped)
    shape = (
        rng.choice(("wide", "tall", "square", "rounded", "octagon", "hexagon"))
        if fills
        else _outline(rng)
    )
    if bare and not fills and rng.random() < 0.5:
        shape = "circle"
    canvas.fill([_polygon(shape, outer)], tones.case)
    if bare and rng.random() < 0.35:  # the wall itself is the dial
        canvas.wall_tone = tones.face
    elif (
        not fills
        and rng.random() < preset.openwork
        and min(abs(tones.face - t) for t in (tones.ink, tones.hands)) > OPENWORK_CONTRAST
    ):
        canvas.wall_tone, canvas.wall_share = tones.face, rng.uniform(0.3, 0.8)
        canvas.fill([_polygon(shape, outer)], 255, canvas.mask)
        canvas.circle(1.0, 0, target=canvas.mask)
    else:
        canvas.fill([_polygon(shape, outer)], 255, canvas.mask)
    if thickness > 0.03:
        steps = rng.randrange(0, 4)
        inner_shape = shape if rng.random() < 0.4 else "circle"
        for i in range(steps):
            r = outer - thickness * (i + rng.uniform(0.2, 0.8)) / (steps + 1)
            tone = float(np.clip(tones.case + rng.uniform(-90, 90), 0, 255))
            canvas.fill([_polygon(inner_shape if i else shape, r)], tone)
        if rng.random() < 0.12:  # beads, rope or scallops
            n = rng.choice((36, 48, 60, 72))
            r, size = outer - thickness * 0.5, thickness * rng.uniform(0.2, 0.45)
            canvas.fill(
                [
                    disc_points(8, size, (r * math.sin(a), -r * math.cos(a)))
                    for a in np.arange(n) * 2 * math.pi / n
                ],
                255 - tones.case,
            )
        elif thickness > 0.12 and rng.random() < preset.scale:
            _scale_on_bezel(rng, canvas, tones.case, outer - thickness * 0.5, thickness)
        if rng.random() < 0.5:  # polished metal: light goes round the ring
            waves = rng.choice((1, 2, 2, 3))
            gain = 1 + np.where(
                RADIUS > 1, rng.uniform(0.1, 0.6) * np.sin(waves * AZIMUTH + rng.uniform(0, 6.3)), 0
            )
            canvas.shade(gain.astype(np.float32))
    if fills:
        canvas.fill([_polygon(shape, 1.0)], tones.face)
    return outer
