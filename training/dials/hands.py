"""Hands: endless shapes from a few families, as polygons that point to 12."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import cv2
import numpy as np

from training.dials.canvas import (
    CANVAS,
    UNIT,
    Canvas,
    Grey,
    Points,
    X,
    Y,
    blend,
    disc_points,
    turned,
)
from training.dials.case import Tones
from training.dials.presets import Preset
from training.dials.randomness import chance, log_uniform, other_tone

Stations = list[tuple[float, float]]  # distance along the hand, half width


def profile(stations: Stations) -> Points:
    """Return a shape symmetric about the hand's axis."""
    s = np.array(stations)
    right = np.stack([s[:, 1], -s[:, 0]], axis=1)
    left = np.stack([-s[::-1, 1], -s[::-1, 0]], axis=1)
    return np.concatenate([right, left])


def _smooth(stations: Stations, n: int = 14) -> Stations:
    s = np.array(stations)
    t = np.linspace(0, 1, n)
    t0 = np.linspace(0, 1, len(s))
    # cosine interpolation between stations: round lobes without overshoot
    k = np.clip(np.searchsorted(t0, t, side="right") - 1, 0, len(s) - 2)
    f = (t - t0[k]) / (t0[k + 1] - t0[k])
    f = (1 - np.cos(np.pi * f)) / 2
    return [(float(a), float(b)) for a, b in s[k] * (1 - f[:, None]) + s[k + 1] * f[:, None]]


# Blades: polygons of one hand from the axis outwards, by its length, half its greatest width, and
# half the width of its thin parts.


def _bar(rng: Random, length: float, half: float, _thin: float) -> list[Points]:
    point = rng.choice((0.0, half, 2 * half))
    return [profile([(0, half), (length - point, half), (length, half if point == 0 else 0)])]


def _round(_rng: Random, length: float, half: float, _thin: float) -> list[Points]:
    angles = np.linspace(0, math.pi / 2, 7)
    bow = [(length - half * (1 - math.sin(t)), half * math.cos(t)) for t in angles]
    return [profile([(0, half), *bow])]


def _taper(rng: Random, length: float, half: float, _thin: float) -> list[Points]:
    return [profile([(0, half), (length, half * rng.uniform(0, 0.4))])]


def _widening(rng: Random, length: float, half: float, thin: float) -> list[Points]:
    wide = length * rng.uniform(0.9, 0.98)
    return [profile([(0, thin), (wide, half), (length, rng.choice((0, half)))])]


def _dauphine(rng: Random, length: float, half: float, thin: float) -> list[Points]:
    return [profile([(0, thin), (length * rng.uniform(0.05, 0.35), half), (length, 0)])]


def _sword(rng: Random, length: float, half: float, thin: float) -> list[Points]:
    return [profile([(0, thin), (length * rng.uniform(0.6, 0.9), half), (length, 0)])]


def _leaf(rng: Random, length: float, half: float, thin: float) -> list[Points]:
    wide = rng.uniform(0.3, 0.7)
    widths = (thin, half * 0.75, half, half * 0.6, 0.0)
    places = (0.0, length * wide * 0.5, length * wide, length * (1 + wide) / 2, length)
    return [profile(_smooth(list(zip(places, widths, strict=True))))]


def _arrow(rng: Random, length: float, half: float, thin: float) -> list[Points]:
    head = rng.uniform(0.12, 0.3) * length
    back, wide = head * rng.uniform(0.7, 1.2), half * rng.uniform(0.9, 1.6)
    return [profile([(0, thin), (length - head, thin), (length - back, wide), (length, 0)])]


def _spade(rng: Random, length: float, half: float, thin: float) -> list[Points]:
    low = length * rng.uniform(0.5, 0.72)
    lobe = half * rng.uniform(1.2, 2.4)
    mid = low + (length - low) * 0.35
    places = (low - 0.02, low + 0.01, mid - 0.02, mid + 0.03, length * 0.97, length)
    widths = (thin, lobe * 0.5, lobe, lobe * 0.7, thin * 0.7, 0.0)
    stem = profile([(0, thin * rng.uniform(1, 2)), (low - 0.03, thin)])
    return [stem, profile(_smooth(list(zip(places, widths, strict=True))))]


def _breguet(rng: Random, length: float, half: float, thin: float) -> list[Points]:
    at = length * rng.uniform(0.6, 0.82)
    ring = half * rng.uniform(1.0, 1.8) + 0.01
    stem = profile([(0, thin * 1.5), (at - ring * 0.8, thin)])
    tip = profile([(at + ring * 0.8, thin * 1.2), (length, 0)])
    hole = disc_points(16, ring * rng.uniform(0.4, 0.7), (0, -at - ring * 0.15))
    return [stem, tip, disc_points(20, ring, (0, -at)), hole]


def _skeleton(rng: Random, length: float, half: float, _thin: float) -> list[Points]:
    wide = length * rng.uniform(0.4, 0.8)
    rim = half * rng.uniform(0.3, 0.5)
    tip = 0 if rng.random() < 0.6 else half
    outer = profile([(0, half * 0.7), (wide, half), (length, tip)])
    end = length * rng.uniform(0.8, 0.93)
    return [outer, profile([(length * 0.15, rim * 0.7), (wide, rim), (end, rim * 0.5)])]


def _ornate(rng: Random, length: float, half: float, thin: float) -> list[Points]:
    """Return lobes of random width along a stem, some pierced."""
    n = rng.randrange(4, 9)
    lobes = [(length * i / n, thin + (half * 1.5 - thin) * rng.random() ** 2) for i in range(n)]
    shapes = [profile(_smooth([*lobes, (length, 0.0)], 24))]
    if rng.random() < 0.4:
        at, size = max(lobes, key=lambda lobe: lobe[1])
        shapes.append(disc_points(10, size * 0.55, (0, -at)))
    return shapes


Blade = Callable[[Random, float, float, float], list[Points]]
BLADES: tuple[Blade, ...] = (
    *(_bar,) * 6, *(_taper,) * 4, *(_widening,) * 2, *(_dauphine,) * 2, *(_sword,) * 3,
    *(_leaf,) * 3, *(_arrow,) * 2, *(_spade,) * 3, *(_breguet,) * 2, *(_skeleton,) * 2,
    *(_ornate,) * 4,
)  # fmt: skip
_BOLD_BLADES: tuple[Blade, ...] = (
    *(_round,) * 8, *(_bar,) * 4, *(_taper,) * 3, _dauphine, _sword, _arrow, _arrow, _leaf, _leaf,
    _spade,
)  # fmt: skip
_NEVER_FINE = (_leaf, _skeleton, _spade, _ornate, _breguet, _dauphine, _sword)
_PIERCED = (_skeleton, _ornate)  # their polygons are filled even-odd together


def _tail(rng: Random, kind: str, length: float, half: float) -> list[Points]:
    """Return polygons behind the axis."""
    if kind == "none":
        return []
    if kind == "bar":
        return [profile([(-length, half * rng.uniform(0.5, 1.0)), (0.0, half)])]
    if kind == "counterweight":
        size = half * rng.uniform(1.0, 2.0) + 0.01
        stem = profile([(-length, half * 0.4), (0.0, half * 0.5)])
        return [stem, disc_points(14, size, (0, length))]
    flare = half * rng.uniform(1.0, 2.2)
    return [profile([(-length, flare), (-length * 0.4, half * 0.5), (0.0, half * 0.6)])]


@dataclass(frozen=True)
class Hand:
    """One hand, ready to draw."""

    shapes: list[list[Points]]  # groups; shapes within a group are filled even-odd
    angle: float  # degrees
    tone: float
    outline: float | None = None  # tone of a thin outline
    facet: float | None = None  # tone of the right half, for a bevelled hand
    inlay: tuple[float, list[Points]] | None = None  # tone and shape of a luminous strip
    sheen: tuple[float, float, float] | None = None  # grey levels, waves per radius, phase


def _group(
    rng: Random, kind: Blade, length: float, half: float, tail: list[Points]
) -> list[list[Points]]:
    thin = half * rng.uniform(0.15, 0.45)
    blade = kind(rng, length, half, thin)
    parts = [blade] if kind in _PIERCED or len(blade) == 1 else [blade[:1], blade[1:]]
    return [*parts, *([t] for t in tail)]


def _sizes(rng: Random, bold: float) -> tuple[bool, tuple[float, float], tuple[float, float]]:
    """Return whether the hands are bold, and the (length, half width) of hour and minute hand."""
    minute = rng.uniform(0.66, 1.0) if rng.random() < 0.9 else rng.uniform(0.5, 0.7)
    ratio = rng.uniform(0.5, 0.8) if rng.random() < 0.93 else rng.uniform(0.8, 0.92)
    half = log_uniform(rng, 0.009, 0.05)
    wider = rng.uniform(1.0, 1.9) if rng.random() < 0.85 else rng.uniform(0.85, 1.05)
    thick = chance(rng, bold)
    if thick:
        minute, half = minute * rng.uniform(0.8, 1.08), log_uniform(rng, 0.025, 0.1)
        wider = rng.uniform(0.95, 1.4)
    if ratio > 0.8:  # nearly as long: only the width distinguishes them
        wider = max(wider, 1.5)
    return thick, (minute * ratio, half * wider), (minute, half)


def make_pair(
    rng: Random, hour_angle: float, minute_angle: float, tones: Tones, preset: Preset
) -> list[Hand]:
    """Return hour and minute hand, mostly in one style.

    Args:
        rng: Source of all random numbers.
        hour_angle: Of the hour hand, degrees.
        minute_angle: Of the minute hand, degrees.
        tones: Of the clock.
        preset: Shares of bold, luminous and polished hands.

    Returns:
        The hour hand and the minute hand.
    """
    tone = tones.hands
    bold, (hour_length, hour_half), (minute_length, minute_half) = _sizes(rng, preset.bold)
    kind = rng.choice(_BOLD_BLADES if bold else BLADES)
    if kind in _NEVER_FINE:
        minute_half, hour_half = max(minute_half, 0.016), max(hour_half, 0.022)
    hour_kind = kind if rng.random() < 0.9 else rng.choice(BLADES)
    tail_kind = rng.choice(("none", "none", "bar", "bar", "counterweight", "flare"))
    tail_length = rng.uniform(0.04, 0.3) if rng.random() < 0.8 else rng.uniform(0.25, 0.42)
    outline = None if rng.random() < 0.75 else (0.0 if tone > 110 else 255.0)
    if bold and rng.random() < 0.35:
        outline = 0.0 if tone > 60 else 255.0
    facet = None if rng.random() < 0.85 else other_tone(rng, tone, 25, 80)
    lume = rng.random() < preset.lume
    sheen = None
    if rng.random() < preset.sheen:
        sheen = rng.uniform(30, 130) * rng.choice((-1, 1)), rng.uniform(0.5, 2.2)
    style = rng.getrandbits(32)
    hands = []
    for blade, length, half, angle, tail_share, two_tone in (
        (hour_kind, hour_length, hour_half, hour_angle, 0.85, 0.25 if bold else 0.04),
        (kind, minute_length, minute_half, minute_angle, 1.0, 0.04),
    ):
        same = Random(style if blade is kind else style + 1)  # one style has one set of proportions
        tail = _tail(same, tail_kind, tail_length * tail_share, half)
        groups = _group(same, blade, length, half, tail)
        inlay = None
        if lume and half > 0.014:
            strip = profile([(length * 0.3, half * 0.45), (length * 0.88, half * 0.4)])
            inlay = (235.0 if tone < 140 else 40.0, [strip])
        own = other_tone(rng, tones.face, 60, 160) if rng.random() < two_tone else tone
        shine = None if sheen is None else (*sheen, rng.uniform(0, 2 * math.pi))
        hands.append(Hand(groups, angle, own, outline, facet, inlay, shine))
    return hands


def make_second(rng: Random, angle: float, tone: float, face_tone: float) -> Hand:
    """Return a thin second hand with one of the usual counterweights.

    Args:
        rng: Source of all random numbers.
        angle: Of the hand, degrees.
        tone: Of the other hands.
        face_tone: Of the face.

    Returns:
        The hand.
    """
    length = rng.uniform(0.7, 1.0)
    half = rng.uniform(0.004, 0.013)
    tail = rng.uniform(0.0, 0.4)
    shapes = [
        [profile([(-tail, half * rng.uniform(1, 2.5)), (length, half * rng.uniform(0.5, 1))])]
    ]
    mark = rng.random()
    if mark < 0.12:
        size = rng.uniform(0.03, 0.09)
        shapes.append([disc_points(16, size, (0, -length * rng.uniform(0.6, 0.95)))])
    elif mark < 0.3:
        size = rng.uniform(0.02, 0.05)
        shapes.append([disc_points(14, size, (0, tail * rng.uniform(0.6, 1.0)))])
    elif mark < 0.4:
        shapes.append([profile([(-tail, half * 4), (-tail * 0.5, half * 3)])])
    shade = tone if rng.random() < 0.45 else other_tone(rng, face_tone, 25, 110)
    return Hand(shapes, angle, shade)


def make_alarm(rng: Random, face_tone: float) -> Hand:
    """Return a short thin alarm hand, set to any angle."""
    shade = other_tone(rng, face_tone, 30, 120)
    half = rng.uniform(0.006, 0.02)
    shape = profile([(0, half), (rng.uniform(0.3, 0.5), half * rng.random())])
    return Hand([[shape]], rng.uniform(0, 360), shade)


def make_marker(rng: Random, hour_angle: float, minute_angle: float, tone: float) -> list[Hand]:
    """Return hour and minute hand as plain strokes of a pen, of nearly the same width.

    Args:
        rng: Source of all random numbers.
        hour_angle: Of the hour hand, degrees.
        minute_angle: Of the minute hand, degrees.
        tone: Of both.

    Returns:
        The hour hand and the minute hand.
    """
    half = rng.uniform(0.012, 0.05)
    minute = rng.uniform(0.55, 0.95)
    hour = minute * rng.uniform(0.5, 0.78)
    tail = rng.uniform(0, 0.08) if rng.random() < 0.4 else 0.0
    hour_half = half * rng.uniform(1.0, 1.5)
    return [
        Hand([[profile([(-tail, w), (length, w * rng.choice((1.0, 0.6)))])]], angle, tone)
        for length, w, angle in ((hour, hour_half, hour_angle), (minute, half, minute_angle))
    ]


def _polish(canvas: Canvas, shapes: list[Points], hand: Hand) -> None:
    """Draw light and dark along a hand of polished metal."""
    assert hand.sheen is not None
    levels, waves, phase = hand.sheen
    a = math.radians(hand.angle)
    points = np.concatenate(shapes) * UNIT + CANVAS / 2
    (left, top), (right, bottom) = points.min(axis=0).astype(int) - 3, points.max(axis=0) + 4
    box = np.s_[max(0, top) : max(0, int(bottom)), max(0, left) : max(0, int(right))]
    along = X[box] * math.sin(a) - Y[box] * math.cos(a)
    wave = (1 + np.sin(along * (2 * math.pi * waves) + phase)) / 2
    alpha: Grey = np.zeros((CANVAS, CANVAS), np.uint8)
    canvas.fill(shapes, 255, alpha)
    lit = np.clip(hand.tone + levels * wave, 0, 255).astype(np.uint8)
    blend(canvas.grey[box], alpha[box], lit)


def _cast_shadow(rng: Random, canvas: Canvas, hands: list[Hand]) -> None:
    """Darken the face where one light, of random height and direction, is blocked by the hands."""
    shadow: Grey = np.zeros((CANVAS, CANVAS), np.uint8)
    for hand in hands:
        for group in hand.shapes:
            canvas.fill([turned(p, hand.angle) for p in group], 255, shadow)
    height = rng.uniform(0.01, 0.07)
    direction = rng.uniform(0, 2 * math.pi)
    dx, dy = height * math.sin(direction) * UNIT, height * math.cos(direction) * UNIT
    blur = rng.choice((3, 5, 9))
    move, size = np.array([[1, 0, dx], [0, 1, dy]]), (CANVAS, CANVAS)
    shadow = cv2.warpAffine(cv2.blur(shadow, (blur, blur)), move, size, flags=cv2.INTER_NEAREST)
    lost = cv2.multiply(canvas.grey, shadow, scale=rng.uniform(0.15, 0.6) / 255)
    canvas.grey = cv2.subtract(canvas.grey, lost)


def draw_hands(
    rng: Random, canvas: Canvas, hands: list[Hand], cap_radius: float, cap_tone: float
) -> None:
    """Draw hands in order, the first lowest, some with a shadow, then the cap over the axis.

    Args:
        rng: Source of all random numbers.
        canvas: Drawn on.
        hands: To draw.
        cap_radius: Of the cap, dial units; 0 for none.
        cap_tone: Of the cap.
    """
    if rng.random() < 0.55:
        _cast_shadow(rng, canvas, hands)
    for hand in hands:
        for group in hand.shapes:
            shapes = [turned(p, hand.angle) for p in group]
            canvas.fill(shapes, hand.tone)
            if hand.facet is not None and len(group) == 1:
                right = group[0].copy()
                right[:, 0] = np.maximum(right[:, 0], 0)
                canvas.fill([turned(right, hand.angle)], hand.facet)
            if hand.sheen is not None:
                _polish(canvas, shapes, hand)
            if hand.outline is not None:
                canvas.stroke(shapes, hand.outline, 0.01)
        if hand.inlay is not None:
            canvas.fill([turned(p, hand.angle) for p in hand.inlay[1]], hand.inlay[0])
    if cap_radius > 0:
        canvas.circle(cap_radius, cap_tone)
        if rng.random() < 0.35:
            size = cap_radius * rng.uniform(0.3, 0.6)
            tone = 255 - cap_tone if rng.random() < 0.5 else min(255, cap_tone + 60)
            canvas.circle(size, tone)
