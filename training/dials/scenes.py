"""Whole scenes with clocks in them, and with things that only look like clocks, for the network that finds dials."""

from __future__ import annotations

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
from training.dials.presets import PRESETS
from training.dials.render import Dial, draw_dial, draw_no_dial, extent, paste
from training.dials.things import pick_thing, things

SMALLEST = 16.0  # longer side of a clock's box, pixels of a scene of 320
LARGEST = 1.15  # the same over the picture's shorter side
FULL_PLACE = 0.15  # share of a box that another may cover
_OPTICS = Optics(max_tilt=58, frontal=0.5, turned=0.12, clean=0.15)
_DRAWN = 0.15  # share of pictures that are drawn: clipart, icons, teaching sheets
_THINGS = 0.35  # share with things that are no clocks
_MIX = ("varied",) * 5 + ("watch", "watch", "tower", "tower", "drawn")  # of photographs


@dataclass(frozen=True)
class Scene:
    """A photo as the finder sees it."""

    image: Grey  # (size, size)
    boxes: NDArray[
        np.float32
    ]  # (n, 4): x, y, width, height of each clock's case; pixel edges at integers
    frame: tuple[int, int, int, int]  # x, y, width, height of the picture between the bars


def _covered(box: Box, others: list[Box]) -> float:
    """The largest share that ``box`` and one of ``others`` have in common, of the smaller of the two."""
    worst = 0.0
    for other in others:
        w = min(box[0] + box[2], other[0] + other[2]) - max(box[0], other[0])
        h = min(box[1] + box[3], other[1] + other[3]) - max(box[1], other[1])
        if w > 0 and h > 0:
            worst = max(worst, w * h / min(box[2] * box[3], other[2] * other[3]))
    return worst


def _place(
    rng: Random,
    plane: Matrix,
    outer: float,
    longest: float,
    frame: tuple[int, int],
    taken: list[Box],
) -> tuple[Matrix, Box] | None:
    """A homography to a free place of the frame (width, height) and the box there; None where there is none."""
    left, top, right, bottom = extent(plane, outer)
    scale = longest / max(right - left, bottom - top)
    w, h = scale * (right - left), scale * (bottom - top)
    inside = rng.random() < 0.85
    for _ in range(6):
        center = []
        for side, room in ((w, frame[0]), (h, frame[1])):
            if inside and side < room:
                center.append(rng.uniform(side / 2, room - side / 2))
            elif inside:
                center.append(room * rng.uniform(0.42, 0.58))
            else:
                center.append(room * rng.uniform(0.02, 0.98))
        box = (center[0] - w / 2, center[1] - h / 2, w, h)
        if _covered(box, taken) < FULL_PLACE:
            move = np.array(
                [
                    [scale, 0, box[0] - 0.5 - scale * left],
                    [0, scale, box[1] - 0.5 - scale * top],
                    [0, 0, 1.0],
                ]
            )
            return move @ plane, box
    return None


def _window(box: Box, reach: float, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom in whole pixels of what a thing of ``box`` can touch."""
    x, y, w, h = box
    mx, my = w * reach + 3, h * reach + 3
    return (
        max(0, int(x - mx)),
        max(0, int(y - my)),
        min(shape[1], int(x + w + mx) + 1),
        min(shape[0], int(y + h + my) + 1),
    )


def _settle(rng: Random, canvas: Canvas, around: Grey) -> None:
    """Bring an object's tones nearer to those of its surroundings, as one light and one exposure do."""
    if rng.random() < 0.5:
        mean = float(around.mean())
        contrast, pull = rng.uniform(0.45, 1.0), rng.uniform(0.0, 0.5)
        middle = 128 + pull * (mean - 128)
        ramp = np.clip((np.arange(256) - 128) * contrast + middle, 0, 255).astype(np.uint8)
        canvas.grey = np.asarray(cv2.LUT(canvas.grey, ramp), dtype=np.uint8)
        if canvas.wall_tone is not None:
            canvas.wall_tone = float(ramp[int(canvas.wall_tone)])


def _mount(rng: Random, image: Grey, box: Box) -> None:
    """What a clock hangs on: a plate, a gable, a post, a tower."""
    x, y, w, h = box
    cx, cy, r = x + w / 2, y + h / 2, max(w, h) / 2
    row, column = int(np.clip(cy, 0, image.shape[0] - 1)), int(np.clip(cx, 0, image.shape[1] - 1))
    tone = float(np.clip(image[row, column] + rng.gauss(0, 60), 0, 255))
    kind, half, up, down = (
        rng.random(),
        r * rng.uniform(1.05, 2.0),
        r * rng.uniform(1.05, 2.2),
        r * rng.uniform(1.05, 8),
    )
    points = [
        [cx - half, cy - up],
        [cx + half, cy - up],
        [cx + half, cy + down],
        [cx - half, cy + down],
    ]
    if kind < 0.4:  # a gable or a spire
        points = [
            *points[2:],
            [cx - half, cy - up],
            [cx, cy - up - r * rng.uniform(0.5, 5)],
            [cx + half, cy - up],
        ]
    elif kind < 0.55:  # a post
        half = r * rng.uniform(0.1, 0.4)
        points = [
            [cx - half, cy],
            [cx + half, cy],
            [cx + half, cy + 9 * r],
            [cx - half, cy + 9 * r],
        ]
    layer = image.copy()
    cv2.fillPoly(layer, [np.array(points).astype(np.int32)], tone, cv2.LINE_AA)
    for _ in range(rng.randrange(0, 6)):  # ledges
        ly = int(cy + r * rng.uniform(-3, 6))
        cv2.line(
            layer,
            (int(cx - half), ly),
            (int(cx + half), ly),
            tone + rng.gauss(0, 50),
            rng.randrange(1, 3),
        )
    mix = rng.uniform(0.6, 1.0)
    cv2.addWeighted(layer, mix, image, 1 - mix, 0, dst=image)


def _put(rng: Random, image: Grey, dial: Dial, homography: Matrix, box: Box) -> None:
    """Draw a thing into ``image`` through ``homography``, with what it does to the wall behind."""
    x0, y0, x1, y1 = _window(box, max(0.0, 0.85 / dial.outer - 0.4), image.shape)
    if x1 - x0 < 2 or y1 - y0 < 2:
        return
    roi = image[y0:y1, x0:x1]
    _settle(rng, dial.canvas, roi)
    local = np.array([[1, 0, -x0], [0, 1, -y0], [0, 0, 1.0]]) @ homography
    x, y, w, h = box
    if dial.canvas.wall_tone is not None:  # marks must still stand out from the wall
        ys, xs = np.ogrid[y0:y1, x0:x1]
        away = np.hypot((xs - x - w / 2) / (w / 2), (ys - y - h / 2) / (h / 2))
        weight = 0.85 * np.clip((1.5 - away) / 0.4, 0, 1)
        roi[:] = (roi * (1 - weight) + dial.canvas.wall_tone * weight).astype(np.uint8)
    elif rng.random() < 0.35 and w > 24:  # its shadow
        shadow = Canvas()
        shadow.mask, shadow.grey = dial.canvas.mask, np.zeros_like(dial.canvas.grey)
        shift = np.array(
            [[1, 0, w * rng.uniform(-0.08, 0.08)], [0, 1, h * rng.uniform(0, 0.1)], [0, 0, 1.0]]
        )
        dark = paste(replace(dial, canvas=shadow), roi, shift @ local)
        k = max(3, int(w * 0.06) | 1)
        strength = rng.uniform(0.2, 0.7)
        roi[:] = cv2.addWeighted(cv2.blur(dark, (k, k)), strength, roi, 1 - strength, 0)
    roi[:] = paste(dial, roi, local)


def _put_thing(rng: Random, image: Grey, taken: list[Box]) -> None:
    """Lay a thing that is no clock where it hides none."""
    height, width = image.shape
    thing = pick_thing(rng, 24, 0.9 * min(width, height))
    x, y = rng.uniform(0, width), rng.uniform(0, height)
    reach_x, reach_y = thing.reach
    box = (x - reach_x, y - reach_y, 2 * reach_x, 2 * reach_y)
    if _covered(box, taken) < FULL_PLACE:
        thing.lay(image, x, y)
        taken.append(box)


def _frame(rng: Random, size: int) -> tuple[int, int]:
    """Width and height of the picture."""
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
                return np.asarray(cv2.GaussianBlur(crop, (0, 0), rng.uniform(1, 8)), dtype=np.uint8)
            return crop
    return make_backdrop(rng, width, height)


def render_scene(seed: int, size: int = SCENE) -> Scene:
    """The scene of ``seed``: no clock in a fifth, one in half, up to four in the others; the same seed gives the same pixels."""
    rng = Random(seed)
    width, height = _frame(rng, size)
    drawn = rng.random() < _DRAWN
    optics = PRESETS["drawn"].optics if drawn else _OPTICS
    flat = drawn and rng.random() < PRESETS["drawn"].flat_wall
    image = (
        flat_backdrop(rng, width, height)
        if flat
        else np.ascontiguousarray(_wall(rng, width, height))
    )
    kind = rng.random()
    clocks = 0 if kind < 0.2 else 1 if kind < 0.75 else rng.randrange(2, 5)
    others = rng.randrange(1, 5) if rng.random() < 0.5 else 0
    shorter = min(width, height)
    low = math.log(SMALLEST * size / SCENE)
    high = max(low, math.log(shorter * (LARGEST if clocks < 2 else 0.6)))
    boxes: list[Box] = []
    shown: list[tuple[Dial, Matrix, Box]] = []
    smallest = size * rng.uniform(0.1, 0.5)
    preset = PRESETS["drawn" if drawn else rng.choice(_MIX)]
    same = (
        draw_dial(rng, preset) if clocks > 1 and rng.random() < 0.2 else None
    )  # a row of equal clocks
    for _ in range(clocks):
        dial = same or draw_dial(rng, preset)
        plane, _ = view(rng, optics, oriented=dial.oriented)
        longest = math.exp(
            low + (high - low) * rng.random() ** 0.75
        )  # tiny ones are hard to tell, so a little fewer
        placed = _place(rng, plane, dial.outer, longest, (width, height), boxes)
        if placed is not None:
            boxes.append(placed[1])
            shown.append((dial, *placed))
            smallest = min(smallest, max(placed[1][2:]))
    taken = list(boxes)
    for _ in range(others):
        thing = draw_no_dial(rng)
        plane, _ = view(rng, optics)
        placed = _place(
            rng,
            plane,
            thing.outer,
            math.exp(rng.uniform(low, math.log(0.75 * shorter))),
            (width, height),
            taken,
        )
        if placed is not None:
            taken.append(placed[1])
            shown.append((thing, *placed))
    if things() and rng.random() < _THINGS:
        for _ in range(rng.randrange(1, 5)):
            _put_thing(rng, image, taken)
    for *_, box in shown:
        if rng.random() < 0.2:
            _mount(rng, image, box)
    for dial, homography, box in shown:
        _put(rng, image, dial, homography, box)
    image = degrade(rng, image, optics, min(70.0, max(10.0, smallest / 2)))
    scene, place = letterbox(image, size)
    out = place.to_scene(np.array(boxes, np.float64).reshape(-1, 4)).astype(np.float32)
    return Scene(scene, out, (place.left, place.top, width, height))
