"""Scenes with clocks and with things that only look like clocks, to train the finder."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, replace
from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray

from clockread.finder import SCENE, letterbox
from clockread.geometry import Box
from training.dials.backdrop import flat_backdrop, make_backdrop
from training.dials.camera import Matrix, Optics, degrade, view
from training.dials.canvas import Canvas, Grey, photo_crop
from training.dials.dial import Dial, draw_dial, draw_no_dial
from training.dials.presets import PRESETS
from training.dials.randomness import chance
from training.dials.render import case_extent, paste, translation
from training.dials.things import pick_thing, things

SMALLEST = 16.0  # longer side of a clock's box, pixels of a scene of 320
LARGEST = 1.15  # the same over the picture's shorter side
FULL_PLACE = 0.15  # share of a box that another may cover
_DRAWN = 0.15  # share of pictures that are drawn: clipart, icons, teaching sheets
_THINGS = 0.35  # share with cut-out objects


@dataclass(frozen=True)
class Mix:
    """Kinds of clocks and instruments in the scenes that are photographs."""

    presets: tuple[str, ...]  # one for all clocks of a scene, or one for each
    optics: Optics
    each: bool = False  # whether every clock of a scene has a preset of its own
    beyond: float = 0.15  # share of the things that the frame may cut off
    gauges: float = 0.0  # share of instruments among the lookalikes


CLOCKS = Mix(
    ("varied",) * 5 + ("watch", "watch", "tower", "tower", "drawn"),
    Optics(max_tilt=58, frontal=0.5, turned=0.12, clean=0.15),
)
EVERYTHING = Mix(  # adds the kinds that people photograph and readers fail on
    ("varied",) * 5 + ("worn",) * 4 + ("tower", "tower", "shaped", "shaped", "oblong", "oblong")
    + ("watch", "chronograph", "chronograph", "twentyfour", "mirrored", "film", "drawn"),
    Optics(max_tilt=74, frontal=0.35, turned=0.3, clean=0.1, blur=1.2, noise=1.2, dark=0.28),
    each=True,
    beyond=0.3,
    gauges=0.55,
)  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """A photo at the finder's size."""

    image: Grey  # (size, size)
    boxes: NDArray[np.float32]  # (n, 4): x, y, width, height of each case; pixel edges at integers
    frame: tuple[int, int, int, int]  # x, y, width, height of the picture between the bars


def _covered(box: Box, others: list[Box]) -> float:
    """Return the largest overlap of ``box`` and another, as a share of the smaller of the two."""
    worst = 0.0
    for other in others:
        w = min(box[0] + box[2], other[0] + other[2]) - max(box[0], other[0])
        h = min(box[1] + box[3], other[1] + other[3]) - max(box[1], other[1])
        if w > 0 and h > 0:
            worst = max(worst, w * h / min(box[2] * box[3], other[2] * other[3]))
    return worst


def _position(rng: Random, side: float, room: float, inside: bool) -> float:
    """Return a position of the middle of a thing along one axis of the picture."""
    if not inside:
        return room * rng.uniform(0.02, 0.98)
    return rng.uniform(side / 2, room - side / 2) if side < room else room * rng.uniform(0.42, 0.58)


def _place(
    rng: Random,
    dial: Dial,
    plane: Matrix,
    longest: float,
    frame: tuple[int, int],
    taken: list[Box],
    beyond: float,
) -> tuple[Matrix, Box] | None:
    """Find a free place for a thing.

    Args:
        rng: Source of all random numbers.
        dial: The thing.
        plane: Homography from the dial plane to the camera plane.
        longest: Longer side of its box in the picture, pixels.
        frame: Width and height of the picture.
        taken: Boxes of the other things.
        beyond: Probability that the frame may cut it off.

    Returns:
        The homography to the picture and the box there, or None without a free place.
    """
    left, top, right, bottom = case_extent(plane, dial)
    scale = longest / max(right - left, bottom - top)
    w, h = scale * (right - left), scale * (bottom - top)
    inside = rng.random() < 1 - beyond
    for _ in range(6):
        x, y = (
            _position(rng, side, room, inside) for side, room in zip((w, h), frame, strict=True)
        )
        box = (x - w / 2, y - h / 2, w, h)
        if _covered(box, taken) < FULL_PLACE:
            corner = translation(box[0] - 0.5 - scale * left, box[1] - 0.5 - scale * top)
            return corner @ np.diag([scale, scale, 1.0]) @ plane, box
    return None


def _window(box: Box, reach: float, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom in whole pixels of the part that a thing can touch."""
    x, y, w, h = box
    mx, my = w * reach + 3, h * reach + 3
    right, bottom = min(shape[1], int(x + w + mx) + 1), min(shape[0], int(y + h + my) + 1)
    return max(0, int(x - mx)), max(0, int(y - my)), right, bottom


def _settled(rng: Random, dial: Dial, around: Grey) -> Dial:
    """Return an object with tones nearer to its surroundings, as by one light and one exposure.

    Its canvases are copies: clocks that are all the same share theirs.
    """
    if rng.random() >= 0.5:
        return dial
    mean = float(around.mean())
    contrast, pull = rng.uniform(0.45, 1.0), rng.uniform(0.0, 0.5)
    middle = 128 + pull * (mean - 128)
    ramp = np.clip((np.arange(256) - 128) * contrast + middle, 0, 255).astype(np.uint8)
    around_dial = dial.surroundings
    return replace(
        dial,
        canvas=_toned(dial.canvas, ramp),
        surroundings=None if around_dial is None else _toned(around_dial, ramp),
    )


def _toned(canvas: Canvas, ramp: Grey) -> Canvas:
    toned = copy.copy(canvas)
    toned.grey = np.asarray(cv2.LUT(canvas.grey, ramp), dtype=np.uint8)
    if canvas.wall_tone is not None:
        toned.wall_tone = float(ramp[int(canvas.wall_tone)])
    return toned


def _mount(rng: Random, image: Grey, box: Box) -> None:
    """Draw the support of a clock: a plate, a gable, a post, a tower."""
    x, y, w, h = box
    cx, cy, r = x + w / 2, y + h / 2, max(w, h) / 2
    row, column = int(np.clip(cy, 0, image.shape[0] - 1)), int(np.clip(cx, 0, image.shape[1] - 1))
    tone = float(np.clip(image[row, column] + rng.gauss(0, 60), 0, 255))
    kind, half = rng.random(), r * rng.uniform(1.05, 2.0)
    up, down = r * rng.uniform(1.05, 2.2), r * rng.uniform(1.05, 8)
    left, right, top, bottom = cx - half, cx + half, cy - up, cy + down
    points = [[left, top], [right, top], [right, bottom], [left, bottom]]
    if kind < 0.4:  # a gable or a spire
        spire = top - r * rng.uniform(0.5, 5)
        points = [*points[2:], [left, top], [cx, spire], [right, top]]
    elif kind < 0.55:  # a post
        half = r * rng.uniform(0.1, 0.4)
        left, right, bottom = cx - half, cx + half, cy + 9 * r
        points = [[left, cy], [right, cy], [right, bottom], [left, bottom]]
    layer = image.copy()
    cv2.fillPoly(layer, [np.array(points).astype(np.int32)], tone, cv2.LINE_AA)
    for _ in range(rng.randrange(0, 6)):  # ledges
        ly = int(cy + r * rng.uniform(-3, 6))
        shade = tone + rng.gauss(0, 50)
        cv2.line(layer, (int(left), ly), (int(right), ly), shade, rng.randrange(1, 3))
    mix = rng.uniform(0.6, 1.0)
    cv2.addWeighted(layer, mix, image, 1 - mix, 0, dst=image)


def _put(rng: Random, image: Grey, dial: Dial, homography: Matrix, box: Box) -> None:
    """Draw a dial into ``image`` with its effect on the wall behind."""
    reach = 0.85 if dial.surroundings is None else 3.0
    x0, y0, x1, y1 = _window(box, max(0.0, reach / dial.outer - 0.4), image.shape)
    if x1 - x0 < 2 or y1 - y0 < 2:
        return
    roi = image[y0:y1, x0:x1]
    dial = _settled(rng, dial, roi)
    local = translation(-x0, -y0) @ homography
    x, y, w, h = box
    if dial.canvas.wall_tone is not None:  # marks must still stand out from the wall
        ys, xs = np.ogrid[y0:y1, x0:x1]
        away = np.hypot((xs - x - w / 2) / (w / 2), (ys - y - h / 2) / (h / 2))
        weight = 0.85 * np.clip((1.5 - away) / 0.4, 0, 1)
        roi[:] = (roi * (1 - weight) + dial.canvas.wall_tone * weight).astype(np.uint8)
    elif rng.random() < 0.35 and w > 24:  # its shadow
        shadow = Canvas()
        shadow.mask, shadow.grey = dial.canvas.mask, np.zeros_like(dial.canvas.grey)
        shift = translation(w * rng.uniform(-0.08, 0.08), h * rng.uniform(0, 0.1))
        dark = paste(replace(dial, canvas=shadow, side=None, surroundings=None), roi, shift @ local)
        k = max(3, int(w * 0.06) | 1)
        strength = rng.uniform(0.2, 0.7)
        roi[:] = cv2.addWeighted(cv2.blur(dark, (k, k)), strength, roi, 1 - strength, 0)
    roi[:] = paste(dial, roi, local)


def _put_thing(rng: Random, image: Grey, taken: list[Box]) -> None:
    """Lay a cut-out object where it hides nothing."""
    height, width = image.shape
    thing = pick_thing(rng, 24, 0.9 * min(width, height))
    x, y = rng.uniform(0, width), rng.uniform(0, height)
    reach_x, reach_y = thing.reach
    box = (x - reach_x, y - reach_y, 2 * reach_x, 2 * reach_y)
    if _covered(box, taken) < FULL_PLACE:
        thing.lay(image, x, y)
        taken.append(box)


def _frame(rng: Random, size: int) -> tuple[int, int]:
    """Return width and height of the picture."""
    if rng.random() < 0.4:
        return size, size
    aspect = rng.choice((3 / 4, 2 / 3, 9 / 16)) if rng.random() < 0.7 else rng.uniform(0.35, 1.0)
    short = max(1, round(size * aspect))
    return (size, short) if rng.random() < 0.6 else (short, size)


def _wall(rng: Random, width: int, height: int) -> Grey:
    if rng.random() < 0.72:
        crop = photo_crop(rng, width, height)
        if crop is not None:
            if rng.random() < 0.12:  # the same place, out of focus
                crop = cv2.GaussianBlur(crop, (0, 0), rng.uniform(1, 8))
            return np.asarray(crop, dtype=np.uint8)
    return make_backdrop(rng, width, height)


def render_scene(seed: int, size: int = SCENE, mix: Mix = CLOCKS) -> Scene:
    """Return a scene: one in five has no clock, half have one, the others up to four.

    Args:
        seed: The same seed gives the same pixels.
        size: Side of the scene, pixels.
        mix: Kinds of clocks and instruments.

    Returns:
        The scene and its labels.
    """
    rng = Random(seed)
    width, height = frame = _frame(rng, size)
    drawn = rng.random() < _DRAWN
    optics = PRESETS["drawn"].optics if drawn else mix.optics
    flat = drawn and rng.random() < PRESETS["drawn"].flat_wall
    image = np.ascontiguousarray((flat_backdrop if flat else _wall)(rng, width, height))
    kind = rng.random()
    clocks = 0 if kind < 0.2 else 1 if kind < 0.75 else rng.randrange(2, 5)
    others = rng.randrange(1, 5) if rng.random() < 0.5 else 0
    shorter = min(frame)
    low = math.log(SMALLEST * size / SCENE)
    high = max(low, math.log(shorter * (LARGEST if clocks < 2 else 0.6)))
    boxes: list[Box] = []
    shown: list[tuple[Dial, Matrix, Box]] = []
    smallest = size * rng.uniform(0.1, 0.5)
    preset = PRESETS["drawn" if drawn else rng.choice(mix.presets)]
    equal = draw_dial(rng, preset) if clocks > 1 and rng.random() < 0.2 else None  # all the same
    for i in range(clocks):
        if mix.each and i > 0 and not drawn:
            preset = PRESETS[rng.choice(mix.presets)]
        dial = equal or draw_dial(rng, preset)
        if shown:  # at most one wrist or cloth, below all clocks
            dial = replace(dial, surroundings=None)
        plane, _ = view(rng, optics, oriented=dial.oriented)
        longest = math.exp(low + (high - low) * rng.random() ** 0.75)  # slightly fewer tiny ones
        placed = _place(rng, dial, plane, longest, frame, boxes, mix.beyond)
        if placed is not None:
            boxes.append(placed[1])
            shown.append((dial, *placed))
            smallest = min(smallest, max(placed[1][2:]))
    taken = list(boxes)
    alone = clocks == 0 and chance(rng, mix.gauges)  # an instrument as large as a clock may be
    for i in range(max(others, int(alone))):
        gauge = (alone and i == 0) or chance(rng, mix.gauges)
        thing = draw_dial(rng, PRESETS["gauge"]) if gauge else draw_no_dial(rng)
        plane, _ = view(rng, optics)
        most = high if alone and i == 0 else math.log(0.75 * shorter)
        longest = math.exp(rng.uniform(low, most))
        placed = _place(rng, thing, plane, longest, frame, taken, mix.beyond)
        if placed is not None:
            taken.append(placed[1])
            shown.append((thing, *placed))
    if things() and rng.random() < _THINGS:
        for _ in range(rng.randrange(1, 5)):
            _put_thing(rng, image, taken)
    for dial, _, box in shown:
        if rng.random() < 0.2 and dial.surroundings is None:
            _mount(rng, image, box)
    for dial, homography, box in shown:
        _put(rng, image, dial, homography, box)
    image = degrade(rng, image, optics, min(70.0, max(10.0, smallest / 2)))
    scene, place = letterbox(image, size)
    out = place.to_scene(np.array(boxes, np.float64).reshape(-1, 4)).astype(np.float32)
    return Scene(scene, out, (place.left, place.top, width, height))
