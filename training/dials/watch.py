"""Worn watches: a case with lugs and crown, its strap, and the wrist or cloth around it.

Strap and wrist reach further than the dial's canvas: they are drawn on a second canvas, the
surroundings, whose unit is `REACH` dial radii. Both tell where 12 is on a dial without numerals.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

import numpy as np
from numpy.typing import NDArray

from training.dials.canvas import (
    CANVAS,
    RADIUS,
    UNIT,
    Canvas,
    Points,
    X,
    Y,
    disc_points,
    noise,
    soft_noise,
    trapezoid,
    turned,
)
from training.dials.case import Tones, draw_bezel, outline
from training.dials.presets import Preset
from training.dials.randomness import chance, log_uniform, near_tone

REACH = 2.5  # dial radii per unit of the surroundings' canvas
_PIXELS = UNIT / REACH  # of the surroundings' canvas, per dial radius
_SHAPES = ("circle", "rounded", "square", "octagon", "dodecagon")
_SHAPE_WEIGHTS = (78, 9, 5, 4, 4)

Plane = NDArray[np.floating]


def _lugs(rng: Random, outer: float, half: float) -> list[Points]:
    """Return four lugs that end where a strap of half width ``half`` does."""
    width, reach = rng.uniform(0.07, 0.2), outer + rng.uniform(0.02, 0.32)
    spread, start = rng.uniform(0.0, 0.14), outer * 0.55
    inner, tip = half + spread, half + rng.uniform(-0.02, spread)
    lug = np.array(
        [[inner, -start], [inner + width * 1.5, -start], [tip + width, -reach], [tip, -reach]]
    )
    return [lug * (x, y) for x in (-1, 1) for y in (-1, 1)]


def _crown(rng: Random, outer: float, pushers: bool) -> list[Points]:
    """Return a crown, nearly always at 3, and perhaps pushers at 2 and 4."""
    reach, half = rng.uniform(0.06, 0.2), rng.uniform(0.06, 0.15)
    at = rng.choices((90.0, 115.0, 270.0), (90, 6, 4))[0]
    stem = trapezoid(half * 0.6, -outer * 0.95, half * 0.6, -outer - reach * 0.4)
    head = trapezoid(half, -outer - reach * 0.3, half * rng.uniform(0.8, 1.0), -outer - reach)
    parts = [turned(stem, at), turned(head, at)]
    if pushers or rng.random() < 0.08:
        apart, length = rng.uniform(25, 36), reach * rng.uniform(0.5, 1.1)
        head = trapezoid(half * 0.75, -outer - length * 0.2, half * 0.75, -outer - length)
        stem = trapezoid(half * 0.4, -outer * 0.95, half * 0.4, -outer - length * 0.3)
        parts += [turned(part, at + side * apart) for side in (-1, 1) for part in (stem, head)]
    return parts


# Straps: tones by the position across (-1..1) and along (dial radii), around 0.


def _leather(rng: Random, u: Plane, v: Plane) -> Plane:
    tones = rng.uniform(10, 60) * (0.4 - u**4)
    if rng.random() < 0.6:  # stitches
        at, step = rng.uniform(0.75, 0.88), rng.uniform(0.07, 0.14)
        seam = (np.abs(np.abs(u) - at) < 0.06) & (v % step < step * 0.6)
        tones = np.where(seam, rng.choice((-1, 1)) * rng.uniform(50, 130), tones)
    if rng.random() < 0.3:  # scales of a crocodile
        step = rng.uniform(0.15, 0.3)
        tones = tones - 30 * ((v % step < step * 0.15) | (np.abs(u % 0.66) < 0.06))
    return tones


def _rubber(rng: Random, u: Plane, v: Plane) -> Plane:
    tones = rng.uniform(0, 40) * np.cos(u * 2) + 0 * v
    if rng.random() < 0.5:
        step = rng.uniform(0.12, 0.4)
        tones = tones - rng.uniform(20, 60) * (v % step < step * 0.3)
    return tones


def _links(rng: Random, u: Plane, v: Plane) -> Plane:
    """Return a bracelet of three or five columns, the odd ones polished and shifted."""
    height, columns = rng.uniform(0.1, 0.32), rng.choice((1, 3, 3, 3, 5, 5))
    widths = np.cumsum([1.0, *(rng.choice((0.5, 1.0, 1.6)) for _ in range(columns // 2))])
    edges = widths / widths[-1]
    column = np.searchsorted(edges, np.abs(u))
    shifted = (v + height / 2 * (column % 2) * rng.choice((0, 1, 1))) % height / height
    shine, polished = rng.uniform(15, 70), rng.uniform(-60, 60)
    tones = shine * np.sin(shifted * math.pi) + polished * (column % 2)
    groove = (shifted < 0.1) | (np.abs(np.abs(u)[..., None] - edges) < 0.04).any(axis=-1)
    return np.where(groove, -rng.uniform(50, 110), tones)


def _mesh(rng: Random, u: Plane, v: Plane) -> Plane:
    fine = rng.uniform(20, 45)
    return rng.uniform(10, 35) * np.sin(u * fine * 0.6) * np.sin(v * fine)


def _webbing(rng: Random, u: Plane, v: Plane) -> Plane:
    """Return a fabric band with stripes along it."""
    stripe = np.abs(u) < rng.uniform(0.15, 0.6)
    return rng.uniform(-90, 90) * stripe + 8 * np.sin(v * 60)


Strap = Callable[[Random, Plane, Plane], Plane]
_STRAPS: tuple[tuple[Strap, float], ...] = (
    (_leather, 32), (_rubber, 16), (_links, 38), (_mesh, 6), (_webbing, 8),
)  # fmt: skip


def _cover(canvas: Canvas, columns: slice, alpha: Plane, tones: Plane) -> None:
    """Lay tones over some columns of a canvas; ``alpha`` is 0..1."""
    alpha = np.clip(alpha, 0, 1)
    grey = canvas.grey[:, columns]
    canvas.grey[:, columns] = np.clip(grey + (tones - grey) * alpha, 0, 255).astype(np.uint8)
    rest = 1 - canvas.mask[:, columns] / 255
    canvas.mask[:, columns] = (255 * (1 - rest * (1 - alpha))).astype(np.uint8)


def _draw_strap(
    rng: Random, canvas: Canvas, half: float, lengths: tuple[float, float], round_: bool
) -> None:
    """Draw a strap.

    Args:
        rng: Source of all random numbers.
        canvas: Of the surroundings.
        half: Half its width at the case, dial radii.
        lengths: How far it reaches above and below the axis, dial radii.
        round_: Whether it bends away from the camera towards its ends.
    """
    bend = 0.0 if round_ else rng.gauss(0, 0.02)
    side = min(CANVAS // 2, int((half + abs(bend) * 18) * _PIXELS) + 3)
    columns = slice(CANVAS // 2 - side, CANVAS // 2 + side)
    x, y = X[:, columns] * REACH, Y[:, columns] * REACH
    length = np.where(y < 0, lengths[0], lengths[1])
    share = np.abs(y) / length
    width = half * (1 - rng.uniform(0.0, 0.3) * np.minimum(share, 1))
    u = (x - bend * y * y) / width
    v = np.arcsin(np.minimum(share, 1)) * length if round_ else y
    kind = rng.choices([k for k, _ in _STRAPS], [w for _, w in _STRAPS])[0]
    tones = rng.uniform(15, 215) + kind(rng, np.clip(u, -1, 1), np.asarray(v))
    if round_:
        tones = tones * np.sqrt(np.clip(1.05 - share**2 * rng.uniform(0.6, 1.0), 0, 1))
    end = np.minimum((1 - np.abs(u)) * width, length - np.abs(y)) * _PIXELS
    _cover(canvas, columns, end + 0.5, tones)


def _draw_wrist(rng: Random, canvas: Canvas) -> tuple[float, float]:
    """Draw an arm along the line from 9 to 3, a sleeve and the root of a hand.

    Args:
        rng: Source of all random numbers.
        canvas: Of the surroundings.

    Returns:
        How far a strap reaches above and below the axis, dial radii.
    """
    hand, half = rng.choice((-1, 1)), rng.uniform(1.15, 2.1)
    x, y = X * REACH * hand, Y * REACH - rng.gauss(0, 0.12)
    edge = half + rng.uniform(-0.12, 0.02) * x + rng.uniform(0, 0.5) * np.maximum(x - 1.6, 0)
    share = np.abs(y) / edge
    light, skin = rng.uniform(-0.3, 0.3), rng.uniform(50, 215)
    gain = 1 - rng.uniform(0.2, 0.65) * share**2 + light * y / edge
    tones = skin * gain + soft_noise(rng, CANVAS, CANVAS, 12) * rng.uniform(1, 7)
    tones += noise(rng, CANVAS, CANVAS) * rng.uniform(0, 6)
    everywhere = slice(None)
    _cover(canvas, everywhere, (edge - np.abs(y)) * _PIXELS + 0.5, tones)
    if rng.random() < 0.6:  # sleeve
        start = -rng.uniform(1.0, 2.6)
        wide = edge * rng.uniform(1.05, 1.4)
        cloth = rng.uniform(10, 240) + rng.uniform(0, 30) * np.sin(
            (x + 0.3 * np.sin(2 * y)) * rng.uniform(2, 40)
        )
        cloth = cloth * (1 - 0.4 * (y / wide) ** 2)
        inside = np.minimum(wide - np.abs(y), start + 0.15 * np.cos(y * 2) - x)
        _cover(canvas, everywhere, inside * _PIXELS, cloth)
    middle = float(half)
    return middle, middle


def _cloth(rng: Random, canvas: Canvas) -> None:
    """Cover everything with a cloth or a table top."""
    tones = rng.uniform(20, 245) + soft_noise(rng, CANVAS, CANVAS, rng.choice((3, 6, 20))) * (
        rng.uniform(2, 25)
    )
    if rng.random() < 0.5:
        a, fine = rng.uniform(0, math.pi), log_uniform(rng, 3, 60)
        tones = tones + rng.uniform(2, 20) * np.sin((X * math.cos(a) + Y * math.sin(a)) * fine)
    _cover(canvas, slice(None), np.ones((CANVAS, CANVAS)), tones)


def _cast_shadow(rng: Random, canvas: Canvas, outer: float) -> None:
    away = np.hypot(X * REACH - rng.uniform(-0.2, 0.2), Y * REACH - rng.uniform(-0.2, 0.2)) - outer
    canvas.shade(1 - rng.uniform(0.1, 0.5) * np.exp(-np.square(np.maximum(away, 0) / 0.15)))


def _draw_surroundings(rng: Random, outer: float, half: float) -> Canvas:
    """Draw strap and wrist, strap and cloth, or a strap alone that bends away."""
    canvas = Canvas()
    kind = rng.random()
    if kind < 0.5:
        lengths, round_ = _draw_wrist(rng, canvas), True
    elif kind < 0.75:
        if rng.random() < 0.7:
            _cloth(rng, canvas)
        lengths, round_ = (rng.uniform(2.2, 6), rng.uniform(2.2, 6)), False
    else:
        lengths, round_ = (outer + rng.uniform(0.3, 1.6), outer + rng.uniform(0.3, 2.4)), True
    if rng.random() < 0.7:
        _cast_shadow(rng, canvas, outer)
    if rng.random() < 0.96:
        longer = (max(lengths[0], outer + 0.1), max(lengths[1], outer + 0.1))
        _draw_strap(rng, canvas, half, longer, round_)
    return canvas


def draw_watch(rng: Random, canvas: Canvas, tones: Tones, preset: Preset) -> tuple[float, Canvas]:
    """Draw the case of a wristwatch.

    Args:
        rng: Source of all random numbers.
        canvas: Drawn on.
        tones: Of the watch.
        preset: Shares of chronographs, which have pushers, and of scales on the bezel.

    Returns:
        The outer radius in dial units, and the surroundings.
    """
    thickness = rng.uniform(0.04, 0.16) if rng.random() < 0.5 else rng.uniform(0.14, 0.34)
    outer = 1.0 + thickness
    half = outer * rng.uniform(0.42, 0.78)
    surroundings = _draw_surroundings(rng, outer, half)
    shape = rng.choices(_SHAPES, _SHAPE_WEIGHTS)[0]
    metal = tones.case
    for part in _lugs(rng, outer, half) if rng.random() < 0.85 else []:
        canvas.solid(part, near_tone(rng, metal, 40))
    if rng.random() < 0.9:
        for part in _crown(rng, outer, chance(rng, preset.chronograph)):
            tone = near_tone(rng, metal, 50)
            canvas.solid(part, tone)
            canvas.stroke([part], tone * 0.5, 0.012)
    canvas.solid(outline(shape, outer), metal)
    if thickness > 0.03:
        draw_bezel(rng, canvas, metal, shape, thickness, preset.scale)
    if rng.random() < 0.3:  # bright chamfer
        canvas.circle(1.0 + thickness * 0.1, near_tone(rng, 200, 55), thickness * 0.15)
    light = rng.uniform(0.1, 0.4) * np.sin(np.arctan2(X, -Y) + rng.uniform(0, 6.3))
    canvas.shade(np.where(RADIUS > 1, 1 + light, 1))
    canvas.fill([disc_points(56)], tones.face)
    return outer, surroundings
