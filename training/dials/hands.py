"""Hands: endless shapes from a few families, each a list of polygons that points to 12."""

from __future__ import annotations

import math
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
from training.dials.presets import Preset, chance


def _profile(stations: list[tuple[float, float]]) -> Points:
    """A shape symmetric about the hand's axis from (distance along the hand, half width) stations."""
    s = np.array(stations)
    right = np.stack([s[:, 1], -s[:, 0]], axis=1)
    left = np.stack([-s[::-1, 1], -s[::-1, 0]], axis=1)
    return np.concatenate([right, left])


def _smooth(stations: list[tuple[float, float]], n: int = 14) -> list[tuple[float, float]]:
    s = np.array(stations)
    t = np.linspace(0, 1, n)
    t0 = np.linspace(0, 1, len(s))
    # cosine interpolation between stations: round lobes without overshoot
    k = np.clip(np.searchsorted(t0, t, side="right") - 1, 0, len(s) - 2)
    f = (t - t0[k]) / (t0[k + 1] - t0[k])
    f = (1 - np.cos(np.pi * f)) / 2
    return [(float(a), float(b)) for a, b in s[k] * (1 - f[:, None]) + s[k + 1] * f[:, None]]


def _blade(rng: Random, kind: str, length: float, half: float) -> list[Points]:
    """Polygons of one hand from the axis outwards; ``half`` is half its greatest width."""
    thin = half * rng.uniform(0.15, 0.45)
    if kind == "bar":
        point = rng.choice((0.0, half, 2 * half))
        return [_profile([(0, half), (length - point, half), (length, half if point == 0 else 0)])]
    if kind == "round":
        bow = [
            (length - half * (1 - math.sin(t)), half * math.cos(t))
            for t in np.linspace(0, math.pi / 2, 7)
        ]
        return [_profile([(0, half), *bow])]
    if kind == "taper":
        return [_profile([(0, half), (length, half * rng.uniform(0, 0.4))])]
    if kind == "widening":
        return [
            _profile(
                [
                    (0, thin),
                    (length * rng.uniform(0.9, 0.98), half),
                    (length, rng.choice((0, half))),
                ]
            )
        ]
    if kind == "dauphine":
        return [_profile([(0, thin), (length * rng.uniform(0.05, 0.35), half), (length, 0)])]
    if kind == "sword":
        wide = rng.uniform(0.6, 0.9)
        return [_profile([(0, thin), (length * wide, half), (length, 0)])]
    if kind == "leaf":
        wide = rng.uniform(0.3, 0.7)
        stations = [
            (0.0, thin),
            (length * wide * 0.5, half * 0.75),
            (length * wide, half),
            (length * (1 + wide) / 2, half * 0.6),
            (length, 0.0),
        ]
        return [_profile(_smooth(stations))]
    if kind == "arrow":
        head = rng.uniform(0.12, 0.3) * length
        back = head * rng.uniform(0.7, 1.2)
        return [
            _profile(
                [
                    (0, thin),
                    (length - head, thin),
                    (length - back, half * rng.uniform(0.9, 1.6)),
                    (length, 0),
                ]
            )
        ]
    if kind == "spade":
        low = length * rng.uniform(0.5, 0.72)
        lobe = half * rng.uniform(1.2, 2.4)
        mid = low + (length - low) * 0.35
        stations = [
            (low - 0.02, thin),
            (low + 0.01, lobe * 0.5),
            (mid - 0.02, lobe),
            (mid + 0.03, lobe * 0.7),
            (length * 0.97, thin * 0.7),
            (length, 0.0),
        ]
        return [
            _profile([(0, thin * rng.uniform(1, 2)), (low - 0.03, thin)]),
            _profile(_smooth(stations)),
        ]
    if kind == "breguet":
        at = length * rng.uniform(0.6, 0.82)
        ring = half * rng.uniform(1.0, 1.8) + 0.01
        stem = _profile([(0, thin * 1.5), (at - ring * 0.8, thin)])
        tip = _profile([(at + ring * 0.8, thin * 1.2), (length, 0)])
        hole = disc_points(16, ring * rng.uniform(0.4, 0.7), (0, -at - ring * 0.15))
        return [stem, tip, disc_points(20, ring, (0, -at)), hole]
    if kind == "skeleton":
        wide = rng.uniform(0.4, 0.8)
        rim = rng.uniform(0.3, 0.5)
        outer = _profile(
            [(0, half * 0.7), (length * wide, half), (length, 0 if rng.random() < 0.6 else half)]
        )
        inner = _profile(
            [
                (length * 0.15, half * 0.7 * rim),
                (length * wide, half * rim),
                (length * rng.uniform(0.8, 0.93), half * rim * 0.5),
            ]
        )
        return [outer, inner]
    # ornate: lobes of random width along a stem, some pierced
    n = rng.randrange(4, 9)
    lobes = [(length * i / n, thin + (half * 1.5 - thin) * rng.random() ** 2) for i in range(n)]
    shapes = [_profile(_smooth([*lobes, (length, 0.0)], 24))]
    if rng.random() < 0.4:
        at, size = max(lobes, key=lambda lobe: lobe[1])
        shapes.append(disc_points(10, size * 0.55, (0, -at)))
    return shapes


_KINDS: tuple[str, ...] = (
    ("bar",) * 6
    + ("taper",) * 4
    + ("widening",) * 2
    + ("dauphine",) * 2
    + ("sword",) * 3
    + ("leaf",) * 3
    + ("arrow",) * 2
)
_KINDS += ("spade",) * 3 + ("breguet",) * 2 + ("skeleton",) * 2 + ("ornate",) * 4
_BOLD_KINDS = (
    ("round",) * 8
    + ("bar",) * 4
    + ("taper",) * 3
    + ("dauphine", "sword", "arrow", "arrow", "leaf", "leaf", "spade")
)


def _tail(rng: Random, kind: str, length: float, half: float) -> list[Points]:
    """Polygons behind the axis."""
    if kind == "none":
        return []
    if kind == "bar":
        return [_profile([(-length, half * rng.uniform(0.5, 1.0)), (0.0, half)])]
    if kind == "counterweight":
        size = half * rng.uniform(1.0, 2.0) + 0.01
        return [
            _profile([(-length, half * 0.4), (0.0, half * 0.5)]),
            disc_points(14, size, (0, length)),
        ]
    flare = half * rng.uniform(1.0, 2.2)
    return [_profile([(-length, flare), (-length * 0.4, half * 0.5), (0.0, half * 0.6)])]


@dataclass(frozen=True)
class Hand:
    """One hand, ready to draw."""

    shapes: list[list[Points]]  # groups; shapes within a group are filled even-odd
    angle: float  # degrees
    tone: float
    outline: float | None = None  # tone of a thin outline
    facet: float | None = None  # tone of the right half, for a bevelled hand
    inlay: tuple[float, list[Points]] | None = None  # tone and shape of a luminous strip
    sheen: tuple[float, float, float] | None = (
        None  # grey levels, waves a radius and phase of what polished metal reflects
    )


def _group(
    rng: Random, kind: str, length: float, half: float, tail: list[Points]
) -> list[list[Points]]:
    blade = _blade(rng, kind, length, half)
    groups = (
        [blade]
        if kind in ("skeleton", "ornate")
        else [[blade[0]], *([blade[1:]] if len(blade) > 1 else [])]
    )
    return [*groups, *([t] for t in tail)]


def make_pair(
    rng: Random, hour_angle: float, minute_angle: float, tones: Tones, preset: Preset
) -> list[Hand]:
    """Hour and minute hand in one style (now and then in two), the hour hand first."""
    tone, face_tone = tones.hands, tones.face
    minute_length = rng.uniform(0.66, 1.0) if rng.random() < 0.9 else rng.uniform(0.5, 0.7)
    ratio = rng.uniform(0.5, 0.8) if rng.random() < 0.93 else rng.uniform(0.8, 0.92)
    hour_length = minute_length * ratio
    minute_half = math.exp(rng.uniform(math.log(0.009), math.log(0.05)))
    hour_half = minute_half * (
        rng.uniform(1.0, 1.9) if rng.random() < 0.85 else rng.uniform(0.85, 1.05)
    )
    bold = chance(rng, preset.bold)
    if bold:
        minute_length, minute_half = (
            minute_length * rng.uniform(0.8, 1.08),
            math.exp(rng.uniform(math.log(0.025), math.log(0.1))),
        )
        hour_length, hour_half = minute_length * ratio, minute_half * rng.uniform(0.95, 1.4)
    if ratio > 0.8:
        hour_half = max(
            hour_half, minute_half * 1.5
        )  # nearly as long: only the width tells them apart
    kind = rng.choice(_BOLD_KINDS if bold else _KINDS)
    if kind in ("leaf", "skeleton", "spade", "ornate", "breguet", "dauphine", "sword"):
        minute_half = max(minute_half, 0.016)
        hour_half = max(hour_half, 0.022)
    other = kind if rng.random() < 0.9 else rng.choice(_KINDS)
    tail_kind = rng.choice(("none", "none", "bar", "bar", "counterweight", "flare"))
    tail_length = rng.uniform(0.04, 0.3) if rng.random() < 0.8 else rng.uniform(0.25, 0.42)
    outline = None if rng.random() < 0.75 else (0.0 if tone > 110 else 255.0)
    if bold and rng.random() < 0.35:
        outline = 0.0 if tone > 60 else 255.0
    facet = (
        None
        if rng.random() < 0.85
        else float(np.clip(tone + rng.choice((-1, 1)) * rng.uniform(25, 80), 0, 255))
    )
    lume = rng.random() < preset.lume
    sheen = (
        (rng.uniform(30, 130) * rng.choice((-1, 1)), rng.uniform(0.5, 2.2))
        if rng.random() < preset.sheen
        else None
    )
    style = rng.getrandbits(32)
    hands = []
    for name, length, half, angle, k in (
        ("hour", hour_length, hour_half, hour_angle, other),
        ("minute", minute_length, minute_half, minute_angle, kind),
    ):
        same = Random(
            style if k == kind else style + 1
        )  # both hands of a style share its proportions
        tail = _tail(same, tail_kind, tail_length * (1.0 if name == "minute" else 0.85), half)
        groups = _group(same, k, length, half, tail)
        inlay = None
        if lume and half > 0.014:
            shade = 235.0 if tone < 140 else 40.0
            inlay = (shade, [_profile([(length * 0.3, half * 0.45), (length * 0.88, half * 0.4)])])
        hand_tone = tone
        if rng.random() < (0.25 if bold and name == "hour" else 0.04):  # hands of two colours
            hand_tone = float(
                np.clip(face_tone + rng.choice((-1, 1)) * rng.uniform(60, 160), 0, 255)
            )
        shine = None if sheen is None else (*sheen, rng.uniform(0, 2 * math.pi))
        hands.append(Hand(groups, angle, hand_tone, outline, facet, inlay, shine))
    return hands


def make_second(rng: Random, angle: float, tone: float, face_tone: float) -> Hand:
    """A thin second hand with one of the usual counterweights."""
    length = rng.uniform(0.7, 1.0)
    half = rng.uniform(0.004, 0.013)
    tail = rng.uniform(0.0, 0.4)
    shapes = [
        [_profile([(-tail, half * rng.uniform(1, 2.5)), (length, half * rng.uniform(0.5, 1))])]
    ]
    mark = rng.random()
    if mark < 0.12:
        shapes.append(
            [disc_points(16, rng.uniform(0.03, 0.09), (0, -length * rng.uniform(0.6, 0.95)))]
        )
    elif mark < 0.3:
        shapes.append([disc_points(14, rng.uniform(0.02, 0.05), (0, tail * rng.uniform(0.6, 1.0)))])
    elif mark < 0.4:
        shapes.append([_profile([(-tail, half * 4), (-tail * 0.5, half * 3)])])
    own = rng.random()
    if own < 0.45:
        shade = tone
    else:
        shade = float(np.clip(face_tone + rng.choice((-1, 1)) * rng.uniform(25, 110), 0, 255))
    return Hand(shapes, angle, shade)


def make_alarm(rng: Random, face_tone: float) -> Hand:
    """A short thin alarm hand, wherever it is set."""
    shade = float(np.clip(face_tone + rng.choice((-1, 1)) * rng.uniform(30, 120), 0, 255))
    half = rng.uniform(0.006, 0.02)
    return Hand(
        [[_profile([(0, half), (rng.uniform(0.3, 0.5), half * rng.random())])]],
        rng.uniform(0, 360),
        shade,
    )


def make_marker(rng: Random, hour_angle: float, minute_angle: float, tone: float) -> list[Hand]:
    """Two plain strokes as drawn with a pen: uniform width for both."""
    half = rng.uniform(0.012, 0.05)
    minute = rng.uniform(0.55, 0.95)
    lengths = (minute * rng.uniform(0.5, 0.78), minute)
    tail = rng.uniform(0, 0.08) if rng.random() < 0.4 else 0.0
    widths = (half * rng.uniform(1.0, 1.5), half)
    bars = [
        [_profile([(-tail, w), (length, w * rng.choice((1.0, 0.6)))])]
        for length, w in zip(lengths, widths, strict=True)
    ]
    return [
        Hand([bar], angle, tone)
        for bar, angle in zip(bars, (hour_angle, minute_angle), strict=True)
    ]


def _polish(canvas: Canvas, shapes: list[Points], hand: Hand) -> None:
    """Light and dark along a hand of polished metal."""
    assert hand.sheen is not None
    levels, waves, phase = hand.sheen
    a = math.radians(hand.angle)
    along = X * math.sin(a) - Y * math.cos(a)
    lit = np.clip(
        hand.tone + levels * (1 + np.sin(along * (2 * math.pi * waves) + phase)) / 2, 0, 255
    ).astype(np.uint8)
    alpha: Grey = np.zeros((CANVAS, CANVAS), np.uint8)
    canvas.fill(shapes, 255, alpha)
    blend(canvas.grey, alpha, lit)


def draw_hands(
    rng: Random, canvas: Canvas, hands: list[Hand], cap_radius: float, cap_tone: float
) -> None:
    """Draw hands in order (the first lowest) with one light's shadow, then the cap over the axis."""
    if rng.random() < 0.55:
        shadow: Grey = np.zeros((CANVAS, CANVAS), np.uint8)
        for hand in hands:
            for group in hand.shapes:
                canvas.fill([turned(p, hand.angle) for p in group], 255, shadow)
        height = rng.uniform(0.01, 0.07)
        direction = rng.uniform(0, 2 * math.pi)
        dx, dy = height * math.sin(direction) * UNIT, height * math.cos(direction) * UNIT
        blur = rng.choice((3, 5, 9))
        shadow = cv2.blur(shadow, (blur, blur))
        shifted = cv2.warpAffine(
            shadow, np.array([[1, 0, dx], [0, 1, dy]]), (CANVAS, CANVAS), flags=cv2.INTER_NEAREST
        )
        depth = rng.uniform(0.15, 0.6)
        canvas.grey = cv2.subtract(
            canvas.grey, cv2.multiply(canvas.grey, shifted, scale=depth / 255)
        )
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
            canvas.circle(
                cap_radius * rng.uniform(0.3, 0.6),
                255 - cap_tone if rng.random() < 0.5 else min(255, cap_tone + 60),
            )
