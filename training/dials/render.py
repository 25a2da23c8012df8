"""One rendered dial from one seed, with exact labels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray

from clockread.clock import hand_angles
from training.dials.backdrop import flat_backdrop, make_backdrop
from training.dials.camera import Matrix, degrade, view
from training.dials.canvas import CANVAS, UNIT, Canvas, Grey
from training.dials.case import draw_case, pick_tones
from training.dials.face import draw_extras, draw_face, draw_numerals, draw_track
from training.dials.glass import draw_glass, draw_occlusion
from training.dials.hands import draw_hands, make_alarm, make_marker, make_pair, make_second
from training.dials.lookalikes import draw_lookalike
from training.dials.presets import Preset, chance
from training.dials.things import pick_thing, things

_THINGS = 0.4  # share of things cut out of photographs, of the pictures without a dial


@dataclass(frozen=True)
class Dial:
    """A dial as drawn, before any camera sees it."""

    canvas: Canvas
    outer: float  # case radius over face radius
    oriented: bool  # numerals or a mark of its own tell where 12 is
    minutes: int  # time shown, whole minutes past twelve, 0..719
    hour_angle: float  # degrees, where the hand really points
    minute_angle: float
    second_angle: float  # degrees; nan without a second hand


@dataclass(frozen=True)
class Picture:
    """A rendered crop: (size, size) uint8 grey and its labels; the homography maps the dial plane to pixels."""

    image: Grey
    homography: Matrix
    dial: Dial


def draw_dial(rng: Random, preset: Preset) -> Dial:
    """A whole clock, seen straight on."""
    minutes = rng.randrange(720)
    has_second = rng.random() < preset.second_hand
    seconds = rng.random() * 60
    late = seconds / 60 if has_second and rng.random() < 0.6 else 0.0
    hour, minute = (float(v) for v in hand_angles(minutes + late))
    hour += rng.gauss(0, 1.2) if rng.random() < 0.93 else rng.gauss(0, 4)
    if chance(rng, preset.careless):
        hour = (
            30.0 * (minutes // 60)
            if rng.random() < 0.6
            else hour + max(-12.0, min(12.0, rng.gauss(0, 6)))
        )
    minute += rng.gauss(0, 0.5)
    canvas, tones = Canvas(), pick_tones(rng, preset.light_face)
    outer = draw_case(rng, canvas, tones, preset)
    draw_face(rng, canvas, tones, preset)
    numerals = rng.random() < preset.numerals
    track = draw_track(rng, canvas, tones, numerals, preset.bare)
    if numerals:
        draw_numerals(rng, canvas, tones, track, preset.roman)
    draw_extras(rng, canvas, tones, preset)
    marker = rng.random() < preset.marker
    pair = (
        make_marker(rng, hour, minute, tones.hands)
        if marker
        else make_pair(rng, hour, minute, tones, preset)
    )
    if rng.random() < 0.06:
        pair.reverse()
    hands = [make_alarm(rng, tones.face)] if rng.random() < preset.alarm else []
    hands += pair
    second_angle = seconds * 6
    if has_second:
        second = make_second(rng, second_angle, tones.hands, tones.face)
        hands = [second, *hands] if rng.random() < 0.15 else [*hands, second]
    cap = (
        0.0 if (marker and rng.random() < 0.7) or rng.random() < 0.05 else rng.uniform(0.015, 0.09)
    )
    cap_tone = tones.hands if rng.random() < 0.7 else rng.uniform(0, 255)
    draw_hands(rng, canvas, hands, cap, cap_tone)
    canvas.lift_marks()
    if canvas.wall_tone is None and chance(rng, preset.textured):
        draw_glass(rng, canvas)
    draw_occlusion(rng, canvas)
    return Dial(
        canvas,
        outer,
        numerals or track.twelve_marked,
        minutes,
        hour % 360,
        minute % 360,
        second_angle if has_second else math.nan,
    )


def draw_no_dial(rng: Random) -> Dial:
    """Something that only looks like a clock, in a clock's place; its time means nothing."""
    return Dial(draw_lookalike(rng), 1.1, True, 0, 0.0, 0.0, math.nan)


_TO_CANVAS = np.array([[UNIT, 0, CANVAS / 2 - 0.5], [0, UNIT, CANVAS / 2 - 0.5], [0, 0, 1.0]])
_FROM_CANVAS = np.linalg.inv(_TO_CANVAS)
_CIRCLE = np.stack(
    [np.cos(np.arange(24) * math.pi / 12), np.sin(np.arange(24) * math.pi / 12), np.ones(24)]
)


def extent(homography: NDArray[np.floating], radius: float) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of a circle of ``radius`` on the dial plane."""
    q = homography @ (_CIRCLE * [[radius], [radius], [1]])
    q = q[:2] / q[2]
    return float(q[0].min()), float(q[1].min()), float(q[0].max()), float(q[1].max())


def paste(dial: Dial, background: Grey, homography: Matrix) -> Grey:
    """The dial seen through ``homography`` (dial plane to pixels) in front of ``background``."""
    h, w = background.shape
    matrix = homography @ _FROM_CANVAS
    scale = math.sqrt(
        abs(np.linalg.det(matrix[:2, :2] - np.outer(homography[:2, 2], matrix[2, :2])))
    )
    grey, mask = dial.canvas.grey, dial.canvas.mask
    if scale < 0.6:  # thin hands would alias
        k = max(2, round(0.7 / scale))
        grey, mask = cv2.blur(grey, (k, k)), cv2.blur(mask, (k, k))
    seen = cv2.warpPerspective(
        grey, matrix, (w, h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    alpha = cv2.warpPerspective(
        mask, matrix, (w, h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )
    return np.asarray(
        cv2.add(
            cv2.multiply(seen, alpha, scale=1 / 255),
            cv2.multiply(background, 255 - alpha, scale=1 / 255),
        ),
        dtype=np.uint8,
    )


def _photographed(rng: Random, dial: Dial, preset: Preset, size: int) -> Picture:
    plane, _ = view(rng, preset.optics, oriented=dial.oriented)
    left, top, right, bottom = extent(plane, dial.outer if rng.random() < 0.75 else 1.0)
    low, high = (math.log(v) for v in preset.margin)
    scale = size / (max(right - left, bottom - top) * math.exp(rng.uniform(low, high)))
    center = (size - 1) / 2
    place = np.array(
        [
            [scale, 0, center - scale * (left + right) / 2 + rng.gauss(0, preset.shift) * size / 2],
            [0, scale, center - scale * (top + bottom) / 2 + rng.gauss(0, preset.shift) * size / 2],
            [0, 0, 1.0],
        ]
    )
    homography = place @ plane
    flat = chance(rng, preset.flat_wall)
    backdrop = flat_backdrop(rng, size, size) if flat else make_backdrop(rng, size, size)
    if dial.canvas.wall_tone is not None:  # marks must still stand out from the wall
        share = dial.canvas.wall_share
        backdrop = cv2.addWeighted(
            backdrop, 1 - share, backdrop, 0.0, share * dial.canvas.wall_tone
        )
    image = paste(dial, backdrop, homography)
    image = degrade(rng, image, preset.optics, scale)
    return Picture(image, homography / homography[2, 2], dial)


def render(seed: int, preset: Preset, size: int) -> Picture:
    """The dial of ``seed`` in a loose square crop of (size, size) pixels; the same seed gives the same pixels."""
    rng = Random(seed)
    return _photographed(rng, draw_dial(rng, preset), preset, size)


def render_without(seed: int, preset: Preset, size: int) -> Grey:
    """A (size, size) picture without a dial, by its seed: something that only looks like one, a thing, or a mere background."""
    rng = Random(seed)
    kind = rng.random()
    if things() and kind < _THINGS:
        flat = rng.random() < 0.5
        image = (
            flat_backdrop(rng, size, size)
            if flat
            else np.ascontiguousarray(make_backdrop(rng, size, size))
        )
        thing = pick_thing(rng, 0.5 * size, 1.1 * size)
        x, y = (size / 2 + rng.gauss(0, preset.shift) * size / 2 for _ in range(2))
        thing.lay(image, x, y)
        return degrade(rng, image, preset.optics, size / 3)
    if rng.random() < 0.5:
        return degrade(rng, make_backdrop(rng, size, size), preset.optics, size / 3)
    return _photographed(rng, draw_no_dial(rng), preset, size).image
