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
from training.dials.presets import Preset
from training.dials.randomness import chance, log_uniform
from training.dials.things import antialiased, pick_thing, things

_THINGS = 0.4  # share of cut-out objects among the pictures without a dial


@dataclass(frozen=True)
class Dial:
    """A dial as drawn, before any camera sees it."""

    canvas: Canvas
    outer: float  # case radius over face radius
    oriented: bool  # numerals or a mark at 12 show where 12 is
    minutes: int  # time shown, whole minutes past twelve, 0..719
    hour_angle: float  # degrees, where the hand really points
    minute_angle: float
    second_angle: float  # degrees; nan without a second hand


@dataclass(frozen=True)
class Picture:
    """A rendered crop and its labels."""

    image: Grey  # (size, size)
    homography: Matrix  # dial plane to pixels
    dial: Dial


def _angles(rng: Random, minutes: float, careless: float) -> tuple[float, float]:
    """Return where hour and minute hand point, degrees; a share ``careless`` is drawn wrong."""
    hour, minute = (float(v) for v in hand_angles(minutes))
    hour += rng.gauss(0, 1.2) if rng.random() < 0.93 else rng.gauss(0, 4)
    if chance(rng, careless):
        if rng.random() < 0.6:
            hour = 30.0 * (int(minutes) // 60)
        else:
            hour += max(-12.0, min(12.0, rng.gauss(0, 6)))
    return hour, minute + rng.gauss(0, 0.5)


def draw_dial(rng: Random, preset: Preset) -> Dial:
    """Draw a whole clock, seen straight on."""
    minutes = rng.randrange(720)
    has_second = rng.random() < preset.second_hand
    seconds = rng.random() * 60
    late = seconds / 60 if has_second and rng.random() < 0.6 else 0.0
    hour, minute = _angles(rng, minutes + late, preset.careless)
    canvas, tones = Canvas(), pick_tones(rng, preset.light_face)
    outer = draw_case(rng, canvas, tones, preset)
    draw_face(rng, canvas, tones, preset)
    numerals = rng.random() < preset.numerals
    track = draw_track(rng, canvas, tones, numerals, preset.bare)
    if numerals:
        draw_numerals(rng, canvas, tones, track, preset.roman)
    draw_extras(rng, canvas, tones, preset)
    marker = rng.random() < preset.marker
    if marker:
        pair = make_marker(rng, hour, minute, tones.hands)
    else:
        pair = make_pair(rng, hour, minute, tones, preset)
    if rng.random() < 0.06:
        pair.reverse()
    hands = [make_alarm(rng, tones.face)] if rng.random() < preset.alarm else []
    hands += pair
    second_angle = seconds * 6
    if has_second:
        second = make_second(rng, second_angle, tones.hands, tones.face)
        hands = [second, *hands] if rng.random() < 0.15 else [*hands, second]
    capless = (marker and rng.random() < 0.7) or rng.random() < 0.05
    cap = 0.0 if capless else rng.uniform(0.015, 0.09)
    cap_tone = tones.hands if rng.random() < 0.7 else rng.uniform(0, 255)
    draw_hands(rng, canvas, hands, cap, cap_tone)
    canvas.lift_marks()
    if canvas.wall_tone is None and chance(rng, preset.textured):
        draw_glass(rng, canvas)
    draw_occlusion(rng, canvas)
    oriented = numerals or track.twelve_marked
    shown = second_angle if has_second else math.nan
    return Dial(canvas, outer, oriented, minutes, hour % 360, minute % 360, shown)


def draw_no_dial(rng: Random) -> Dial:
    """Draw something that only looks like a clock; its time has no meaning."""
    return Dial(draw_lookalike(rng), 1.1, True, 0, 0.0, 0.0, math.nan)


_TO_CANVAS = np.array([[UNIT, 0, CANVAS / 2 - 0.5], [0, UNIT, CANVAS / 2 - 0.5], [0, 0, 1.0]])
_FROM_CANVAS = np.linalg.inv(_TO_CANVAS)
_STEPS = np.arange(24) * math.pi / 12
_CIRCLE = np.stack([np.cos(_STEPS), np.sin(_STEPS), np.ones(24)])


def extent(homography: NDArray[np.floating], radius: float) -> tuple[float, float, float, float]:
    """Return left, top, right, bottom of a circle of ``radius`` on the dial plane."""
    q = homography @ (_CIRCLE * [[radius], [radius], [1]])
    q = q[:2] / q[2]
    return float(q[0].min()), float(q[1].min()), float(q[0].max()), float(q[1].max())


def paste(dial: Dial, background: Grey, homography: Matrix) -> Grey:
    """Return ``background`` with the dial in front, seen through ``homography``."""
    size = background.shape[::-1]
    matrix = homography @ _FROM_CANVAS
    linear = matrix[:2, :2] - np.outer(homography[:2, 2], matrix[2, :2])
    scale = math.sqrt(abs(np.linalg.det(linear)))
    grey, mask = (antialiased(image, scale) for image in (dial.canvas.grey, dial.canvas.mask))
    seen = cv2.warpPerspective(
        grey, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    alpha = cv2.warpPerspective(
        mask, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )
    front = cv2.multiply(seen, alpha, scale=1 / 255)
    behind = cv2.multiply(background, 255 - alpha, scale=1 / 255)
    return np.asarray(cv2.add(front, behind), dtype=np.uint8)


def _photographed(rng: Random, dial: Dial, preset: Preset, size: int) -> Picture:
    plane, _ = view(rng, preset.optics, oriented=dial.oriented)
    left, top, right, bottom = extent(plane, dial.outer if rng.random() < 0.75 else 1.0)
    scale = size / (max(right - left, bottom - top) * log_uniform(rng, *preset.margin))
    place = np.diag([scale, scale, 1.0])
    for axis, middle in enumerate(((left + right) / 2, (top + bottom) / 2)):
        place[axis, 2] = (size - 1) / 2 - scale * middle + rng.gauss(0, preset.shift) * size / 2
    homography = place @ plane
    flat = chance(rng, preset.flat_wall)
    backdrop = (flat_backdrop if flat else make_backdrop)(rng, size, size)
    if dial.canvas.wall_tone is not None:  # marks must still stand out from the wall
        share = dial.canvas.wall_share
        tone = share * dial.canvas.wall_tone
        backdrop = cv2.addWeighted(backdrop, 1 - share, backdrop, 0.0, tone)
    image = paste(dial, backdrop, homography)
    image = degrade(rng, image, preset.optics, scale)
    return Picture(image, homography / homography[2, 2], dial)


def render(seed: int, preset: Preset, size: int) -> Picture:
    """Return the dial of ``seed`` in a loose square crop.

    Args:
        seed: The same seed gives the same pixels.
        preset: Shares of features, and the camera.
        size: Side of the picture, pixels.

    Returns:
        The picture and its labels.

    """
    rng = Random(seed)
    return _photographed(rng, draw_dial(rng, preset), preset, size)


def render_without(seed: int, preset: Preset, size: int) -> Grey:
    """Return a picture without a dial: a lookalike, an object, or a mere background.

    Args:
        seed: The same seed gives the same pixels.
        preset: The camera.
        size: Side of the picture, pixels.

    Returns:
        The picture (size, size), uint8 grey.

    """
    rng = Random(seed)
    kind = rng.random()
    if things() and kind < _THINGS:
        backdrop = flat_backdrop if rng.random() < 0.5 else make_backdrop
        image = np.ascontiguousarray(backdrop(rng, size, size))
        thing = pick_thing(rng, 0.5 * size, 1.1 * size)
        x, y = (size / 2 + rng.gauss(0, preset.shift) * size / 2 for _ in range(2))
        thing.lay(image, x, y)
    elif rng.random() < 0.5:
        image = make_backdrop(rng, size, size)
    else:
        return _photographed(rng, draw_no_dial(rng), preset, size).image
    return degrade(rng, image, preset.optics, size / 3)
