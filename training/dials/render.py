"""One rendered dial from one seed, photographed before a background, with exact labels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray

from clockread.geometry import MIRROR, project
from training.dials.backdrop import flat_backdrop, make_backdrop
from training.dials.camera import Matrix, degrade, view
from training.dials.canvas import CANVAS, SQUARE, UNIT, Canvas, Grey, Points, disc_points
from training.dials.dial import Dial, draw_dial, draw_no_dial
from training.dials.presets import Preset
from training.dials.randomness import chance, log_uniform
from training.dials.things import antialiased, pick_thing, things
from training.dials.watch import REACH

Bounds = tuple[float, float, float, float]  # left, top, right, bottom

_THINGS = 0.4  # share of cut-out objects among the pictures without a dial


@dataclass(frozen=True)
class Picture:
    """A rendered crop and its labels."""

    image: Grey  # (size, size)
    homography: Matrix  # dial plane to pixels; never mirrors
    dial: Dial
    visible: float  # share of the face that was inside the picture


_TO_CANVAS = np.array([[UNIT, 0, CANVAS / 2 - 0.5], [0, UNIT, CANVAS / 2 - 0.5], [0, 0, 1.0]])
_FROM_CANVAS = np.linalg.inv(_TO_CANVAS)
_TO_SURROUNDINGS = np.diag([REACH, REACH, 1.0])
_STEPS = np.arange(24) * math.pi / 12
_CIRCLE = np.stack([np.cos(_STEPS), np.sin(_STEPS), np.ones(24)])
_CORNERS = np.stack([*SQUARE.T, np.ones(4)])
_LATTICE = np.stack(np.meshgrid(*[np.arange(-9, 10) / 9.5] * 2), axis=-1).reshape(-1, 2)
_LATTICE = _LATTICE[np.hypot(*_LATTICE.T) < 1]  # spread evenly over the face
_CUT = (0.4, 0.9)  # visible share of the face of dials that are cut off


def _bounds(homography: NDArray[np.floating], points: Points) -> Bounds:
    q = homography @ points
    q = q[:2] / q[2]
    return float(q[0].min()), float(q[1].min()), float(q[0].max()), float(q[1].max())


def extent(homography: NDArray[np.floating], radius: float) -> Bounds:
    """Return left, top, right, bottom of a circle of ``radius`` on the dial plane."""
    return _bounds(homography, _CIRCLE * [[radius], [radius], [1]])


def case_extent(homography: NDArray[np.floating], dial: Dial) -> Bounds:
    """Return left, top, right, bottom of a dial's case."""
    if dial.half is None:
        return extent(homography, dial.outer)
    return _bounds(homography, _CORNERS * [[dial.half[0]], [dial.half[1]], [1]])


def visible_share(homography: NDArray[np.floating], width: float, height: float) -> float:
    """Return the share of the face, by its area on the dial plane, that is inside a picture."""
    x, y = project(homography, _LATTICE).T
    inside = (x > -0.5) & (y > -0.5) & (x < width - 0.5) & (y < height - 0.5)
    return float(inside.mean())


def translation(x: float, y: float) -> Matrix:
    """Return the homography of a shift by pixels."""
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1.0]])


def paste(dial: Dial, background: Grey, homography: Matrix) -> Grey:
    """Return ``background`` with the dial in front, seen through ``homography``."""
    if dial.surroundings is not None:
        background = _pasted(dial.surroundings, background, homography @ _TO_SURROUNDINGS)
    if dial.side is not None:
        background = _with_side(dial, background, homography)
    return _pasted(dial.canvas, background, homography)


def _with_side(dial: Dial, background: Grey, homography: Matrix) -> Grey:
    """Return ``background`` with the side of the case, which lies behind the dial's plane."""
    assert dial.side is not None
    depth, tone = dial.side
    h = homography / homography[2, 2]
    linear = h[:2, :2] - np.outer(h[:2, 2], h[2, :2])
    u, (long, short), v = np.linalg.svd(linear)
    recedes = 1.0 if h[2, :2] @ v[1] >= 0 else -1.0  # whether the short axis leads away from us
    tilt = math.sqrt(max(0.0, 1 - (short / long) ** 2))
    shift = -recedes * depth * long * tilt * u[:, 1]
    if np.hypot(*shift) < 1:
        return background
    rim = disc_points(48, dial.outer * 0.99) if dial.half is None else SQUARE * dial.half
    front = project(h, rim)
    image = background.copy()
    for share, shade in ((1.0, tone), (0.6, tone * 0.75), (0.3, min(255.0, tone * 1.2 + 15))):
        hull = cv2.convexHull(np.concatenate([front, front + shift * share]).astype(np.float32))
        cv2.fillConvexPoly(image, (hull * 16).astype(np.int32), shade, cv2.LINE_AA, 4)
    return image


def _pasted(canvas: Canvas, background: Grey, homography: Matrix) -> Grey:
    size = background.shape[::-1]
    matrix = homography @ _FROM_CANVAS
    linear = matrix[:2, :2] - np.outer(homography[:2, 2], matrix[2, :2])
    scale = math.sqrt(abs(np.linalg.det(linear)))
    grey, mask = (antialiased(image, scale) for image in (canvas.grey, canvas.mask))
    seen = cv2.warpPerspective(
        grey, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    alpha = cv2.warpPerspective(
        mask, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )
    across, down, constant = np.linalg.inv(matrix)[2]  # of a pixel: 1 over its depth
    if min(0, across * size[0]) + min(0, down * size[1]) + constant <= 0:  # beyond the horizon
        inverse_depth = across * np.arange(size[0]) + down * np.arange(size[1])[:, None] + constant
        alpha[inverse_depth <= 0] = 0
    front = cv2.multiply(seen, alpha, scale=1 / 255)
    behind = cv2.multiply(background, 255 - alpha, scale=1 / 255)
    return np.asarray(cv2.add(front, behind), dtype=np.uint8)


def _shift_out(rng: Random, homography: Matrix, size: int) -> tuple[float, float]:
    """Return a shift that leaves a random share of the face, of `_CUT`, inside the picture."""
    quarter = rng.random() < 0.7  # over one edge, otherwise mostly over a corner
    a = rng.randrange(4) * math.pi / 2 if quarter else rng.uniform(0, 2 * math.pi)
    wanted, low, high = rng.uniform(*_CUT), 0.0, 2.0 * size
    for _ in range(9):
        middle = (low + high) / 2
        moved = translation(middle * math.cos(a), middle * math.sin(a)) @ homography
        enough = visible_share(moved, size, size) > wanted
        low, high = (middle, high) if enough else (low, middle)
    return low * math.cos(a), low * math.sin(a)


def _photographed(rng: Random, dial: Dial, preset: Preset, size: int) -> Picture:
    plane, _ = view(rng, preset.optics, oriented=dial.oriented)
    whole = rng.random() < 0.75
    left, top, right, bottom = case_extent(plane, dial) if whole else extent(plane, 1.0)
    scale = size / (max(right - left, bottom - top) * log_uniform(rng, *preset.margin))
    place = np.diag([scale, scale, 1.0])
    for axis, middle in enumerate(((left + right) / 2, (top + bottom) / 2)):
        place[axis, 2] = (size - 1) / 2 - scale * middle + rng.gauss(0, preset.shift) * size / 2
    homography = place @ plane
    cut = chance(rng, preset.cut)
    if cut:
        dx, dy = _shift_out(rng, homography, size)
        homography = translation(dx, dy) @ homography
    flat = chance(rng, preset.flat_wall)
    backdrop = (flat_backdrop if flat else make_backdrop)(rng, size, size)
    if dial.canvas.wall_tone is not None:  # marks must still stand out from the wall
        share = dial.canvas.wall_share
        tone = share * dial.canvas.wall_tone
        backdrop = cv2.addWeighted(backdrop, 1 - share, backdrop, 0.0, tone)
    image = paste(dial, backdrop, homography)
    image = degrade(rng, image, preset.optics, scale)
    visible = visible_share(homography, size, size)
    if cut and rng.random() < 0.6:  # the photo's edge, repeated as `sampling.crop_window` does
        back = translation(*(-v * rng.uniform(0.3, 1.0) for v in (dx, dy)))
        image = cv2.warpAffine(image, back[:2], (size, size), borderMode=cv2.BORDER_REPLICATE)
        homography = back @ homography
    return Picture(image, homography / homography[2, 2], dial, visible)


def _mirror(picture: Picture) -> Picture:
    """Return a picture flipped about its vertical axis, with labels as seen there."""
    flip = translation(picture.image.shape[1] - 1, 0) @ MIRROR
    return Picture(
        np.ascontiguousarray(picture.image[:, ::-1]),
        flip @ picture.homography @ MIRROR,
        picture.dial.flipped(),
        picture.visible,
    )


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
    dial = draw_dial(rng, preset)
    picture = _photographed(rng, dial, preset, size)
    return _mirror(picture) if not dial.mirrored and chance(rng, preset.mirrored) else picture


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
