"""Clock images as the report's: `images.npy` (n, side, side) uint8 and `labels.npy` (n, 2) hour 0..11 and minute 0..59.

The report's 18,000 images of 150 x 150 (also 75 x 75), 25 of each of the 720 times, are not public. Given by `--data DIR` they
are used as they are. Otherwise an equivalent is rendered here, once, from seeds, into `$CLOCKREAD_DATA/clock-images`.

How ours differ: the report's were rendered in a way that it does not give; ours are a flat dial of one style (white face, twelve
Arabic numerals, minute track, two dark tapering hands of clearly different length, no second hand) in a thin case before a plain
wall, seen through a perspective camera (up to 35 degrees off the normal, up to 8 degrees of roll, changing distance and place)
under one lamp, whose direction gives the shading and the hands' shadows. Tones of case and wall change a little, nothing else
does; there are no reflections, no depth of field, and the noise is a grey level or two. So our figures can be compared with
the report's in kind, not to the digit.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray

from clockread.clock import MINUTES_ON_DIAL, hand_angles
from training.assets import cache_folder
from training.dials.canvas import CANVAS, UNIT, Canvas, Grey, Points, blend, disc_points, noise, turned
from training.image_data import DataDamagedError

VERSION = 1  # raise with every change that alters pixels
SIDES = (150, 75)
PER_TIME = 25
SPLIT_SEED = 55
TEST_SHARE = 0.2
_NUMERAL_HEIGHT, _NUMERAL_RADIUS = 0.17, 0.72  # dial radii
_FACE, _INK = 242.0, 18.0


@dataclass(frozen=True)
class ClockSet:
    """Images and labels, whole in memory."""

    images: NDArray[np.uint8]  # (n, side, side)
    minutes: NDArray[np.int64]  # (n,), 0..719
    source: str  # "rendered" or "given"

    def split(self) -> tuple[ClockSet, ClockSet]:
        """80 % for training and 20 % for testing, shuffled with the report's seed."""
        order = np.random.default_rng(SPLIT_SEED).permutation(len(self.minutes))
        tests = round(len(order) * TEST_SHARE)
        return self.part(order[tests:]), self.part(order[:tests])

    def part(self, which: NDArray[np.int64]) -> ClockSet:
        """Some of the images."""
        return ClockSet(self.images[which], self.minutes[which], self.source)


def _tapering(length: float, half: float, tail: float) -> Points:
    return np.array([[-half * 0.8, tail], [half * 0.8, tail], [half, 0], [half * 0.45, -length], [-half * 0.45, -length], [-half, 0]])


def _numeral(canvas: Canvas, text: str, degrees: float) -> None:
    # OpenCV's strokes, which every installation has: a typeface would tie the pixels to what the machine has collected
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, 1.0, 2)
    alpha = np.zeros((height + 8, width + 8), np.uint8)
    cv2.putText(alpha, text, (4, height + 3), cv2.FONT_HERSHEY_DUPLEX, 1.0, 255, 2, cv2.LINE_AA)
    a = math.radians(degrees)
    canvas.stamp(alpha, _NUMERAL_RADIUS * math.sin(a), -_NUMERAL_RADIUS * math.cos(a), _NUMERAL_HEIGHT, 0.0, _INK)


def _draw(rng: Random, minutes: int, light: tuple[float, float]) -> Canvas:
    canvas = Canvas()
    case = rng.uniform(40, 110)
    canvas.circle(1.12, case)
    canvas.circle(1.12, 255, target=canvas.mask)
    canvas.circle(1.03, case + 40, 0.03)
    canvas.circle(1.0, _FACE)
    for i in range(60):
        inner, half = (0.86, 0.014) if i % 5 == 0 else (0.91, 0.006)
        canvas.fill([turned(np.array([[-half, -0.96], [half, -0.96], [half, -inner], [-half, -inner]]), 6.0 * i)], _INK)
    for i in range(12):
        _numeral(canvas, str(i or 12), 30.0 * i)
    hour, minute = (float(a) for a in hand_angles(minutes))
    hands = [turned(_tapering(0.5, 0.05, 0.12), hour), turned(_tapering(0.84, 0.034, 0.15), minute)]
    shadow: Grey = np.zeros((CANVAS, CANVAS), np.uint8)
    for hand in hands:
        canvas.fill([hand + np.array(light) * 0.035], 110, shadow)
    blend(canvas.grey, cv2.blur(shadow, (5, 5)), 0.0)
    for hand in hands:
        canvas.fill([hand], _INK)
    canvas.fill([disc_points(24, 0.05)], _INK + 30)
    return canvas


def render_clock(seed: int, minutes: int, side: int) -> Grey:
    """One image (side, side) uint8 of a clock that shows ``minutes`` past twelve; the same seed gives the same pixels."""
    rng = Random(seed)
    lamp = rng.uniform(0, 2 * math.pi)
    light = (math.sin(lamp), math.cos(lamp))
    canvas = _draw(rng, minutes, light)
    roll, tilt, azimuth = (math.radians(v) for v in (rng.uniform(-8, 8), rng.uniform(0, 35), rng.uniform(0, 360)))
    distance = rng.uniform(3.0, 8.0)  # of the camera, in dial radii
    spin = np.array([[math.cos(roll), -math.sin(roll)], [math.sin(roll), math.cos(roll)]])
    axis = np.array([math.cos(azimuth), math.sin(azimuth)])
    plane = np.eye(3)
    plane[:2, :2] = (np.eye(2) + (math.cos(tilt) - 1) * np.outer(axis, axis)) @ spin
    plane[2, :2] = math.sin(tilt) / distance * axis @ spin
    # drawn at twice the side and averaged: thin hands would alias
    scale = 2 * side * rng.uniform(0.34, 0.4)
    middle = side - 0.5
    place = np.array(
        [[scale, 0, middle + 2 * side * rng.uniform(-0.03, 0.03)], [0, scale, middle + 2 * side * rng.uniform(-0.03, 0.03)], [0, 0, 1.0]]
    )
    from_canvas = np.linalg.inv(np.array([[UNIT, 0, CANVAS / 2 - 0.5], [0, UNIT, CANVAS / 2 - 0.5], [0, 0, 1.0]]))
    matrix = place @ plane @ from_canvas
    wall = np.full((2 * side, 2 * side), rng.uniform(110, 190), np.float32)
    seen = cv2.warpPerspective(canvas.grey, matrix, (2 * side, 2 * side), borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    alpha = cv2.warpPerspective(canvas.mask, matrix, (2 * side, 2 * side)).astype(np.float32) / 255
    image = cv2.resize(seen * alpha + wall * (1 - alpha), (side, side), interpolation=cv2.INTER_AREA)
    ramp = np.linspace(-1, 1, side, dtype=np.float32)
    gain = rng.uniform(0.6, 1.05) * (1 - rng.uniform(0, 0.35) * (ramp[None, :] * light[0] + ramp[:, None] * light[1]))
    grain = noise(rng, side, side) * rng.uniform(0.3, 2.0)
    return np.asarray(np.clip(image * gain + grain, 0, 255).astype(np.uint8))


def _render_some(job: tuple[int, int, NDArray[np.int64]]) -> tuple[int, NDArray[np.uint8]]:
    first, side, minutes = job
    cv2.setNumThreads(1)
    return first, np.stack([render_clock(first + i, int(m), side) for i, m in enumerate(minutes)])


def rendered(side: int = 150, per_time: int = PER_TIME, every: int = 1, *, processes: int | None = None) -> Path:
    """Folder with the rendered `images.npy` and `labels.npy`, made now where it is not there yet.

    ``every`` leaves out times: 1 keeps all 720. The folder appears whole or not at all.
    """
    folder = cache_folder() / "clock-images" / f"v{VERSION}-{side}-{per_time}-{every}"
    if folder.is_dir():
        return folder
    minutes = np.repeat(np.arange(0, MINUTES_ON_DIAL, every), per_time)
    jobs = [(start, side, minutes[start : start + 500]) for start in range(0, len(minutes), 500)]
    images = np.empty((len(minutes), side, side), np.uint8)
    if len(jobs) == 1:
        images[:] = _render_some(jobs[0])[1]
    else:
        with multiprocessing.get_context("spawn").Pool(processes or len(os.sched_getaffinity(0))) as pool:
            for first, some in pool.imap_unordered(_render_some, jobs):
                images[first : first + len(some)] = some
    partial = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    partial.mkdir(parents=True, exist_ok=True)
    np.save(partial / "images.npy", images)
    np.save(partial / "labels.npy", np.stack(np.divmod(minutes, 60), axis=1).astype(np.int64))
    try:
        partial.replace(folder)
    except OSError:  # another process was first, with the same pixels
        shutil.rmtree(partial)
    return folder


def load_clocks(side: int, data: Path | None = None, *, per_time: int = PER_TIME, every: int = 1) -> ClockSet:
    """The report's images from ``data`` where they are there, else rendered ones, as (n, side, side).

    Raises DataDamagedError for files of another form.
    """
    if data is not None and (data / "images.npy").is_file():
        return given(data, side)
    folder = rendered(side, per_time, every)
    labels = np.load(folder / "labels.npy")
    return ClockSet(np.load(folder / "images.npy"), labels[:, 0] * 60 + labels[:, 1], "rendered")


def given(folder: Path, side: int) -> ClockSet:
    """The original files of ``folder``, averaged down to ``side`` where they are larger."""
    try:
        images, labels = np.load(folder / "images.npy", mmap_mode="r"), np.load(folder / "labels.npy")
    except (OSError, ValueError) as error:
        raise DataDamagedError(f"{folder}: images.npy or labels.npy cannot be read ({error}): give both as numpy saves them") from None
    problem = _problem(images, labels, side)
    if problem:
        raise DataDamagedError(
            f"{folder}: {problem}: give images.npy (n, side, side) uint8 and labels.npy (n, 2) with hour 0-11 and minute 0-59"
        )
    if images.shape[1] != side:
        images = np.stack([cv2.resize(np.asarray(i), (side, side), interpolation=cv2.INTER_AREA) for i in images])
    labels = labels.astype(np.int64)
    return ClockSet(np.asarray(images), labels[:, 0] * 60 + labels[:, 1], "given")


def _problem(images: np.ndarray, labels: np.ndarray, side: int) -> str | None:
    if images.ndim != 3 or images.dtype != np.uint8 or images.shape[1] != images.shape[2]:
        return f"images are {images.dtype} {images.shape}"
    if images.shape[1] < side:
        return f"images have {images.shape[1]} pixels a side, this profile needs {side}"
    if labels.shape != (len(images), 2):
        return f"labels are {labels.shape} for {len(images)} images"
    if len(labels) and (labels.min() < 0 or labels[:, 0].max() > 11 or labels[:, 1].max() > 59):
        return "labels are out of range"
    return None
