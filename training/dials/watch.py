"""Worn watches: a case with lugs and crown, its strap, and the wrist or cloth around it.

Strap and wrist reach further than the dial's canvas: they are drawn on a second canvas, the
surroundings, whose unit is `REACH` dial radii. Both tell where 12 is on a dial without numerals.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray

from training.dials.canvas import (
    CANVAS,
    UNIT,
    Canvas,
    Points,
    X,
    Y,
    bar,
    blend,
    disc_points,
    noise,
    soft_noise,
    trapezoid,
    turned,
)
from training.dials.case import Tones, draw_bezel, outline
from training.dials.chronograph import tachymeter
from training.dials.randomness import log_uniform, near_tone

REACH = 2.5  # dial radii per unit of the surroundings' canvas
_PIXELS = UNIT / REACH  # of the surroundings' canvas, per dial radius
_SHAPES = ("circle", "rounded", "square", "octagon", "dodecagon")
_SHAPE_WEIGHTS = (78, 9, 5, 4, 4)

Plane = NDArray[np.floating]


def _lugs(rng: Random, outer: float, half: float) -> list[Points]:
    """Return four lugs beside a strap of half width ``half``, or two shoulders as wide as it."""
    reach, start = outer + rng.uniform(0.02, 0.28), outer * 0.55
    if rng.random() < 0.3:
        shoulder = trapezoid(outer * 0.84, -start, half * rng.uniform(1.0, 1.1), -reach)
        return [shoulder, shoulder * (1, -1)]
    width, gap = rng.uniform(0.06, 0.18), rng.uniform(-0.03, 0.04)
    inner, tip = half + gap + rng.uniform(0, 0.06), half + gap
    lug = np.array(
        [[inner, -start], [inner + width * 1.7, -start], [tip + width, -reach], [tip, -reach]]
    )
    return [lug * (x, y) for x in (-1, 1) for y in (-1, 1)]


def _crown(rng: Random, outer: float, pushers: bool) -> list[Points]:
    """Return a crown, nearly always at 3, and perhaps pushers beside it."""
    reach, half = rng.uniform(0.06, 0.2), rng.uniform(0.06, 0.15)
    at = rng.choices((90.0, 115.0, 270.0), (90, 6, 4))[0]
    parts = [turned(trapezoid(half, -outer * 0.95, half * rng.uniform(0.8, 1), -outer - reach), at)]
    if pushers or rng.random() < 0.08:
        apart, length = rng.uniform(25, 36), reach * rng.uniform(0.5, 1.1)
        pusher = bar(half * rng.uniform(0.5, 0.8), -outer * 0.95, -outer - length)
        parts += [turned(pusher, at + side * apart) for side in (-1, 1)]
    return parts


# Straps: tones by the position across (-1..1) and along (dial radii), around 0.


def _leather(rng: Random, u: Plane, v: Plane) -> Plane:
    tones = rng.uniform(10, 60) * (0.4 - (u * u) ** 2)
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
    column = np.searchsorted(edges, np.abs(u)) % 2
    shift = rng.choice((0, 1, 1)) * height / 2
    shifted = np.where(column, (v + shift) % height, v % height) / height
    shine, polished = rng.uniform(15, 70), rng.uniform(-60, 60)
    tones = shine * 4 * shifted * (1 - shifted) + polished * column
    groove = shifted < 0.1
    for edge in edges[:-1]:
        groove |= np.abs(np.abs(u) - edge) < 0.04
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


def _strap(
    rng: Random, canvas: Canvas, half: float, lengths: tuple[float, float], *, bent: bool
) -> None:
    """Draw a strap.

    Args:
        rng: Source of all random numbers.
        canvas: Of the surroundings.
        half: Half its width at the case, dial radii.
        lengths: How far it reaches above and below the axis, dial radii.
        bent: Whether it bends away from the camera towards its ends; otherwise it lies flat.
    """
    curve = 0.0 if bent else rng.gauss(0, 0.02)
    side = min(CANVAS // 2, int((half + abs(curve) * 17) * _PIXELS) + 3)
    end = min(CANVAS // 2, int(max(lengths) * _PIXELS) + 2)
    rows, columns = (slice(CANVAS // 2 - n, CANVAS // 2 + n) for n in (end, side))
    x, y = X[:1, columns] * REACH, Y[rows, :1] * REACH
    length = np.where(y < 0, *(np.float32(v) for v in lengths))
    share = np.minimum(np.abs(y) / length, 1)
    width = half * (1 - rng.uniform(0.0, 0.3) * share)
    u = (x - curve * y * y) / width
    v = np.arcsin(share) * length * np.sign(y) if bent else y
    kind = rng.choices([k for k, _ in _STRAPS], [w for _, w in _STRAPS])[0]
    tones = rng.uniform(15, 215) + kind(rng, np.clip(u, -1, 1), v)
    if bent:
        tones = tones * np.sqrt(1.05 - share**2 * rng.uniform(0.6, 1.0))
    alpha = np.minimum((1 - np.abs(u)) * width, length - np.abs(y)) * _PIXELS + 0.5
    alpha = np.clip(alpha, 0, 1)
    alpha = (alpha * 255).astype(np.uint8)
    blend(canvas.grey[rows, columns], alpha, np.clip(tones, 0, 255).astype(np.uint8))
    mask = canvas.mask[rows, columns]
    np.maximum(mask, alpha, out=mask)


class _Ground:
    """Wrist, sleeve or cloth, drawn at a third of the resolution: they have no fine parts."""

    x = X[1::3, 1::3] * np.float32(REACH)  # dial radii
    y = Y[1::3, 1::3] * np.float32(REACH)

    def __init__(self) -> None:
        self.tones = np.full_like(self.x, 128)
        self.alpha = np.zeros_like(self.x)  # 0..1

    def lay(self, tones: Plane, inside: Plane) -> None:
        """Lay tones over an area; ``inside`` is the distance from its edge, dial radii."""
        alpha = np.clip(inside * (_PIXELS / 3) + 0.5, 0, 1)
        self.tones += (tones - self.tones) * alpha
        np.maximum(self.alpha, alpha, out=self.alpha)

    def texture(self, rng: Random, scale: float, cells: int) -> Plane:
        """Return smooth noise with a standard deviation of about ``scale``."""
        return soft_noise(rng, len(self.x), len(self.y), cells) * np.float32(scale)

    def canvas(self) -> Canvas:
        """Return it at full resolution."""
        canvas = Canvas()
        for name, image in (("grey", self.tones), ("mask", self.alpha * 255)):
            small = np.clip(image, 0, 255).astype(np.uint8)
            setattr(canvas, name, cv2.resize(small, (CANVAS, CANVAS)))
        return canvas


def _wrist(rng: Random, ground: _Ground) -> float:
    """Draw an arm along the line from 9 to 3, perhaps with a sleeve, and return half its width."""
    hand, half = rng.choice((-1, 1)), rng.uniform(1.15, 2.1)
    x, y = ground.x * hand, ground.y - rng.gauss(0, 0.12)
    edge = half + rng.uniform(-0.12, 0.02) * x + rng.uniform(0, 0.5) * np.maximum(x - 1.6, 0)
    share = y / edge
    skin, shade, light = rng.uniform(50, 215), rng.uniform(0.2, 0.65), rng.uniform(-0.3, 0.3)
    tones = skin * (1 - shade * share**2 + light * share)
    tones += ground.texture(rng, rng.uniform(1, 7), 12)
    tones += noise(rng, *x.shape) * rng.uniform(0, 5)
    ground.lay(tones, edge - np.abs(y))
    if rng.random() < 0.6:  # sleeve
        start, wide = -rng.uniform(1.0, 2.6), edge * rng.uniform(1.05, 1.4)
        folds = np.sin((x + 0.3 * np.sin(2 * y)) * rng.uniform(2, 30)) * rng.uniform(0, 30)
        tones = (rng.uniform(10, 240) + folds) * (1 - 0.4 * (y / wide) ** 2)
        ground.lay(tones, np.minimum(wide - np.abs(y), start + 0.15 * np.cos(y * 2) - x))
    return half


def _cloth(rng: Random, ground: _Ground) -> None:
    """Cover everything with a cloth or a table top."""
    tones = rng.uniform(20, 245) + ground.texture(rng, rng.uniform(2, 25), rng.choice((3, 6, 20)))
    if rng.random() < 0.5:
        a, fine = rng.uniform(0, math.pi), log_uniform(rng, 2, 20)
        weave = np.sin((ground.x * math.cos(a) + ground.y * math.sin(a)) * fine)
        tones += weave * rng.uniform(2, 20)
    ground.lay(tones, np.ones_like(ground.x))


def _surroundings(rng: Random, outer: float, half: float) -> Canvas:
    """Draw strap and wrist, strap and cloth, or a strap alone that bends away."""
    ground, kind = _Ground(), rng.random()
    bent = kind < 0.5 or kind > 0.75
    lengths = outer + rng.uniform(0.3, 1.6), outer + rng.uniform(0.3, 2.4)
    if kind < 0.5:
        reach = max(_wrist(rng, ground), outer + 0.1)
        lengths = reach, reach
    elif kind < 0.75:
        lengths = rng.uniform(2.2, 6), rng.uniform(2.2, 6)
        if rng.random() < 0.7:
            _cloth(rng, ground)
    if rng.random() < 0.7:  # the watch's shadow
        x, y = ground.x - rng.uniform(-0.2, 0.2), ground.y - rng.uniform(-0.2, 0.2)
        away = np.maximum(np.hypot(x, y) - outer, 0) / rng.uniform(0.08, 0.3)
        ground.tones *= 1 - rng.uniform(0.1, 0.5) / (1 + away**2)
    canvas = ground.canvas()
    if rng.random() < 0.96:
        _strap(rng, canvas, half, lengths, bent=bent)
    return canvas


def draw_watch(
    rng: Random, canvas: Canvas, tones: Tones, scale: float, *, chronograph: bool
) -> tuple[float, Canvas]:
    """Draw the case of a wristwatch.

    Args:
        rng: Source of all random numbers.
        canvas: Drawn on.
        tones: Of the watch.
        scale: Share of scales on the bezel.
        chronograph: Whether it has pushers, and perhaps a tachymeter.

    Returns:
        The outer radius in dial units, and the surroundings.
    """
    thickness = rng.uniform(0.04, 0.16) if rng.random() < 0.5 else rng.uniform(0.14, 0.34)
    outer = 1.0 + thickness
    half = outer * rng.uniform(0.42, 0.78)
    surroundings = _surroundings(rng, outer, half)
    shape = rng.choices(_SHAPES, _SHAPE_WEIGHTS)[0]
    metal = tones.case
    for share, parts in ((0.85, _lugs(rng, outer, half)), (0.9, _crown(rng, outer, chronograph))):
        if rng.random() < share:
            tone = near_tone(rng, metal, 45)
            canvas.fill(parts, tone)
            canvas.fill(parts, 255, canvas.mask)
            canvas.stroke(parts, tone * 0.6, 0.012)
    canvas.solid(outline(shape, outer), metal)
    speeds = chronograph and thickness > 0.13 and rng.random() < 0.5
    draw_bezel(rng, canvas, metal, shape, thickness, 0.0 if speeds else scale)
    if speeds:
        ring = near_tone(rng, metal, 80)
        canvas.circle(1.0 + thickness * 0.5, ring, thickness * 0.8)
        ink = 20.0 if ring > 127 else 235.0
        tachymeter(rng, canvas, 1.0 + thickness * 0.5, thickness * rng.uniform(0.35, 0.55), ink)
    if rng.random() < 0.3:  # bright chamfer
        canvas.circle(1.0 + thickness * 0.1, near_tone(rng, 200, 55), thickness * 0.15)
    canvas.fill([disc_points(56)], tones.face)
    return outer, surroundings
