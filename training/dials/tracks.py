"""One clock in many frames: it runs while the camera moves, glare and people pass, light changes.

All of it comes from one seed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random

import cv2
import numpy as np

from clockread.geometry import Box
from clockread.tracking.observations import SECONDS_ON_DIAL
from training.dials.backdrop import make_backdrop
from training.dials.camera import Matrix, Optics, degrade, view
from training.dials.canvas import Grey
from training.dials.dial import draw_dial
from training.dials.presets import PRESETS, Preset
from training.dials.randomness import chance
from training.dials.render import case_extent, paste, translation


@dataclass(frozen=True)
class Disturbances:
    """How much changes from frame to frame; shares are of all tracks."""

    pan: float = 0.6  # dial radii that the camera moves to either side
    sway: float = 5.0  # degrees that the camera rolls
    zoom: float = 0.15  # natural logarithm of the change of size
    tilt: float = 0.12  # change of perspective, per dial radius
    glare: float = 0.6  # a bright spot passes over the dial
    passer: float = 0.5  # something passes in front of the dial
    light: float = 0.7  # the light changes in steps and slowly
    optics: Optics = field(default_factory=Optics)  # of each single frame


CALM = Disturbances(0.1, 1.0, 0.03, 0.02, 0.0, 0.0, 0.2, Optics(clean=0.3, blur=0.5, noise=0.7))
USUAL = Disturbances()


@dataclass(frozen=True)
class TrackOptions:
    """A track: how many frames there are, how the clock runs, and what disturbs it."""

    frames: int = 20
    step: float = 1.0  # seconds from frame to frame
    rate: float = 1.0  # seconds that the clock advances per second
    preset: Preset = PRESETS["varied"]
    disturbances: Disturbances = USUAL
    size: tuple[int, int] = (640, 480)  # width, height, pixels
    radius: tuple[float, float] = (55.0, 150.0)  # of the face, pixels


@dataclass(frozen=True)
class Frame:
    """A rendered frame and its labels."""

    time: float  # seconds since the first frame
    image: Grey  # (H, W)
    shown: float  # seconds past twelve, 0 ≤ shown < 43200
    box: Box  # of the case, pixels
    second_angle: float  # degrees; nan without a second hand


@dataclass(frozen=True)
class _Path:
    """Smooth changes: sums of two sines with random phases, in -1..1."""

    waves: tuple[tuple[float, float], ...]

    @classmethod
    def drawn(cls, rng: Random) -> _Path:
        return cls(tuple((rng.uniform(0.3, 1.4), rng.uniform(0, 2 * math.pi)) for _ in range(2)))

    def at(self, share: float) -> float:
        """Return the value at a share, 0..1, of the track."""
        return sum(math.sin(2 * math.pi * f * share + phase) for f, phase in self.waves) / 2


@dataclass(frozen=True)
class _Scene:
    seed: int
    plane: Matrix
    center: tuple[float, float]
    backdrop: Grey
    paths: tuple[_Path, ...]
    glare: tuple[float, ...] | None
    passer: tuple[float, ...] | None
    light: bool


def frames_of(seed: int, options: TrackOptions | None = None) -> Iterator[Frame]:
    """Yield the frames of the track of ``seed``; the same seed gives the same pixels."""
    o = options or TrackOptions()
    rng = Random(seed)
    start = rng.random() * SECONDS_ON_DIAL
    scene = _scene(rng, seed, o)
    for i in range(o.frames):
        time = i * o.step
        shown = (start + o.rate * time) % SECONDS_ON_DIAL
        yield _frame(scene, o, i, time, shown)


def _scene(rng: Random, seed: int, o: TrackOptions) -> _Scene:
    width, height = o.size
    d = o.disturbances
    oriented = draw_dial(Random(seed), o.preset, 0.0).oriented
    plane, _ = view(rng, replace(o.preset.optics, max_tilt=50.0), oriented=oriented)
    radius = math.exp(rng.uniform(*(math.log(r) for r in o.radius)))
    center = width * rng.uniform(0.35, 0.65), height * rng.uniform(0.35, 0.65)
    crossing = tuple(rng.uniform(*limits) for limits in ((0.1, 0.9), (0, 360), (0.2, 0.6), (0, 1)))
    other = tuple(rng.uniform(*limits) for limits in ((0.1, 0.9), (0, 360), (0.2, 0.6), (0, 1)))
    return _Scene(
        seed,
        np.diag([radius, radius, 1.0]) @ plane,
        center,
        np.asarray(cv2.resize(make_backdrop(rng, *o.size), (2 * width, 2 * height))),
        tuple(_Path.drawn(rng) for _ in range(7)),
        crossing if chance(rng, d.glare) else None,
        other if chance(rng, d.passer) else None,
        chance(rng, d.light),
    )


def _frame(scene: _Scene, o: TrackOptions, i: int, time: float, shown: float) -> Frame:
    share = i / max(1, o.frames - 1)
    camera = _camera(scene, o, share)
    dial = draw_dial(Random(scene.seed), o.preset, shown)
    homography = camera @ translation(*scene.center) @ scene.plane
    homography /= homography[2, 2]
    width, height = o.size
    behind = camera @ translation(-width / 2, -height / 2)
    backdrop = cv2.warpPerspective(
        scene.backdrop, behind, o.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    image = paste(dial, np.asarray(backdrop, dtype=np.uint8), homography)
    left, top, right, bottom = case_extent(homography, dial)
    x, y = homography[:2, 2]
    radius = max(right - left, bottom - top) / 2 / dial.outer
    if scene.glare is not None:
        image = _with_glare(image, scene.glare, share, (x, y, radius))
    if scene.passer is not None:
        image = _with_passer(image, scene.passer, share, (x, y, radius))
    if scene.light:
        image = _lit(image, scene.paths[5].at(share), scene.paths[6].at(6 * share))
    image = degrade(Random(scene.seed * 1009 + i), image, o.disturbances.optics, radius)
    box = left, top, right - left, bottom - top
    return Frame(time, image, shown, box, dial.second_angle)


def _camera(scene: _Scene, o: TrackOptions, share: float) -> Matrix:
    """Return the homography from the first view of the camera to the present one."""
    d = o.disturbances
    radius = float(np.sqrt(abs(np.linalg.det(scene.plane[:2, :2]))))
    x, y, turn, zoom, tilt = (path.at(share) for path in scene.paths[:5])
    roll, size = math.radians(d.sway * turn), math.exp(d.zoom * zoom)
    c, s = size * math.cos(roll), size * math.sin(roll)
    lean = d.tilt * tilt / radius
    moved = np.array([[c, -s, d.pan * radius * x], [s, c, d.pan * radius * y], [lean, 0, 1]])
    return translation(*scene.center) @ moved @ translation(*(-v for v in scene.center))


def _crossed(way: tuple[float, ...], share: float, reach: float) -> tuple[float, float]:
    """Return where something is that crosses the dial, in dial radii from its axis."""
    when, degrees, lasts, beside = way
    along = 2 * reach * (share - when) / lasts
    a = math.radians(degrees)
    off = 0.8 * (beside - 0.5)
    return along * math.cos(a) - off * math.sin(a), along * math.sin(a) + off * math.cos(a)


def _with_glare(
    image: Grey, way: tuple[float, ...], share: float, dial: tuple[float, float, float]
) -> Grey:
    x, y, radius = dial
    dx, dy = _crossed(way, share, 2.0)
    height, width = image.shape
    size = radius * (0.35 + 0.4 * way[3])
    across = (np.arange(width, dtype=np.float32) - x - dx * radius) / size
    down = (np.arange(height, dtype=np.float32) - y - dy * radius) / size
    spot = 320 * np.exp(-(across[None, :] ** 2)) * np.exp(-(down[:, None] ** 2))
    return np.asarray(cv2.add(image, spot.astype(np.float32), dtype=cv2.CV_8U), dtype=np.uint8)


def _with_passer(
    image: Grey, way: tuple[float, ...], share: float, dial: tuple[float, float, float]
) -> Grey:
    x, y, radius = dial
    dx, dy = _crossed(way, share, 2.5)
    at = int(x + dx * radius), int(y + dy * radius)
    axes = int(radius * (0.4 + 0.4 * way[3])), int(1.2 * radius)
    out = image.copy()
    cv2.ellipse(out, at, axes, way[1], 0, 360, 30 + 150 * way[3], -1, cv2.LINE_AA)
    return out


def _lit(image: Grey, slow: float, quick: float) -> Grey:
    gain, gamma = math.exp(0.7 * slow + 0.35 * quick), math.exp(0.3 * slow)
    table = np.clip(((np.arange(256) / 255) ** gamma) * 255 * gain, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table), dtype=np.uint8)
