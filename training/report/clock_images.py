"""Clock images as the report's: `images.npy` (n, side, side) uint8 and `labels.npy` (n, 2) hour 0..11 and minute 0..59.

The report's 18,000 images of 150 x 150 (also 75 x 75), 25 of each of the 720 times, are not public. Given by `--data DIR` they
are used as they are. Otherwise one of two sets is rendered here, once, from seeds, into `$CLOCKREAD_DATA/clock-images`:

* `turned` (`training.report.turned_clocks`): as the report's look, a clock on a table, turned by any angle, squashed, with a highlight;
* `upright` (`training.report.upright_clocks`): the same times on clocks that hang upright. What the six networks learn from one and not
  from the other is what the pose costs them.

How `turned` differs from the report's: how often its camera stood at the same place is not known (`turned_clocks.PLACES`), and its
tones, typeface and table are another's. So figures can be compared with the report's in kind, not to the digit.
"""

from __future__ import annotations

import functools
import hashlib
import multiprocessing
import os
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from clockread.clock import MINUTES_ON_DIAL
from training.data import data_folder
from training.dials.canvas import Grey
from training.report import turned_clocks, upright_clocks
from training.report.image_data import PARTS, DataDamagedError, DataMissingError, folders, idx_file

PER_TIME = 25
SPLIT_SEED = 55
TEST_SHARE = 0.2
MIN_IMAGES = 10  # fewer leave nothing to test on
TURNED, UPRIGHT, GIVEN = "turned", "upright", "given"
VERSIONS = {TURNED: turned_clocks.VERSION, UPRIGHT: upright_clocks.VERSION}


@dataclass(frozen=True)
class Rendering:
    """Which images are rendered; all of a rendered set's identity."""

    name: str = TURNED  # or UPRIGHT
    side: int = 150  # pixels
    per_time: int = PER_TIME
    every: int = 1  # minutes between times: 1 for all 720
    places: int = turned_clocks.PLACES  # camera places of TURNED

    @property
    def folder(self) -> str:
        """Name of the folder that holds it."""
        places = f"-{self.places}-places" if self.name == TURNED else ""
        return (
            f"{self.name}-v{VERSIONS[self.name]}{places}-{self.side}-{self.per_time}-{self.every}"
        )

    def image(self, number: int, minutes: int) -> Grey:
        """Render the image with a number (its seed)."""
        if self.name == TURNED:
            return turned_clocks.render_turned(number, minutes, self.side, self.places)
        return upright_clocks.render_upright(number, minutes, self.side)


@dataclass(frozen=True)
class ClockSet:
    """Images and labels, whole in memory."""

    images: NDArray[np.uint8]  # (n, side, side)
    minutes: NDArray[np.int64]  # (n,), 0..719
    source: str  # TURNED, UPRIGHT or GIVEN

    def split(self) -> tuple[ClockSet, ClockSet]:
        """80 % for training and 20 % for testing, as scikit-learn's train_test_split with random_state=55 shuffles them.

        The upright set keeps the shuffle that its finished fits had.
        """
        shuffle: Callable[[int], NDArray[np.int64]]
        shuffle = (
            np.random.default_rng(SPLIT_SEED).permutation
            if self.source == UPRIGHT
            else np.random.RandomState(SPLIT_SEED).permutation
        )
        order = shuffle(len(self.minutes))
        tests = int(np.ceil(len(order) * TEST_SHARE))
        return self.part(order[tests:]), self.part(order[:tests])

    def part(self, which: NDArray[np.int64]) -> ClockSet:
        """Some of the images."""
        return ClockSet(self.images[which], self.minutes[which], self.source)


def _render_some(job: tuple[int, Rendering, NDArray[np.int64]]) -> tuple[int, NDArray[np.uint8]]:
    first, rendering, minutes = job
    cv2.setNumThreads(1)
    return first, np.stack([rendering.image(first + i, int(m)) for i, m in enumerate(minutes)])


def rendered(what: Rendering, *, processes: int | None = None) -> Path:
    """Render `images.npy` and `labels.npy` where they are not there yet, whole or not at all; return their folder."""
    folder = data_folder() / "clock-images" / what.folder
    if folder.is_dir():
        return folder
    minutes = np.repeat(np.arange(0, MINUTES_ON_DIAL, what.every), what.per_time)
    jobs = [(start, what, minutes[start : start + 500]) for start in range(0, len(minutes), 500)]
    images = np.empty((len(minutes), what.side, what.side), np.uint8)
    if len(jobs) == 1:
        images[:] = _render_some(jobs[0])[1]
    else:
        with multiprocessing.get_context("spawn").Pool(
            processes or len(os.sched_getaffinity(0))
        ) as pool:
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


def load_clocks(what: Rendering) -> ClockSet:
    """Load a rendered set; render it first where that has not been done."""
    folder = rendered(what)
    labels = np.load(folder / "labels.npy")
    return ClockSet(np.load(folder / "images.npy"), labels[:, 0] * 60 + labels[:, 1], what.name)


def clock_folder(data: Path | None) -> Path | None:
    """Return ``data`` where it holds clock images; None where no folder is named, or one that holds digits only.

    Raises DataMissingError where it holds neither: hours of training on other images would follow a mistyped name.
    """
    if data is None:
        return None
    if (data / "images.npy").is_file():
        return data
    if any(
        idx_file(folder, PARTS[0])
        for name in ("mnist", "fashion-mnist")
        for folder in folders(name, data)
    ):
        return None
    raise DataMissingError(
        f"{data} holds no images.npy and labels.npy of clocks: name their folder with --data, or leave --data out"
    )


def data_name(data: Path | None) -> str:
    """Name the images that `time/*` learns from: `turned`, or `given-` and digits of the sha256 of the given files."""
    folder = clock_folder(data)
    if folder is None:
        return TURNED
    files = [folder / "images.npy", folder / "labels.npy"]
    if not files[1].is_file():
        raise DataMissingError(f"{files[1]} is missing: images.npy needs its labels.npy beside it")
    stamps = tuple((f.stat().st_size, f.stat().st_mtime_ns) for f in files)
    return f"{GIVEN}-{_digest(folder.resolve(), stamps)[:12]}"


@functools.lru_cache
def _digest(folder: Path, stamps: tuple[tuple[int, int], ...]) -> str:
    """Hash both files; ``stamps`` (sizes and times) make a changed file another key of the cache."""
    del stamps
    digest = hashlib.sha256()
    for name in ("images.npy", "labels.npy"):
        with (folder / name).open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def given(folder: Path, side: int) -> ClockSet:
    """Load the files in ``folder``, averaged down to ``side`` where they are larger.

    Raises DataMissingError if one is missing, DataDamagedError for files of another form.
    """
    images, labels = _array(folder / "images.npy"), _array(folder / "labels.npy")
    problem = _problem(images, labels, side)
    if problem:
        raise DataDamagedError(
            f"{folder}: {problem}: give images.npy (n, side, side) uint8 and labels.npy (n, 2) with hour 0-11 and minute 0-59"
        )
    if images.shape[1] != side:
        images = np.stack(
            [cv2.resize(np.asarray(i), (side, side), interpolation=cv2.INTER_AREA) for i in images]
        )
    labels = labels.astype(np.int64)
    return ClockSet(np.asarray(images), labels[:, 0] * 60 + labels[:, 1], GIVEN)


def _array(path: Path) -> np.ndarray:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise DataMissingError(
            f"{path} is missing: give images.npy and labels.npy as numpy.save writes them"
        ) from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        raise DataDamagedError(
            f"{path} is no array as numpy.save writes it, or is cut off: write it again"
        ) from None
    if not isinstance(array, np.ndarray):
        raise DataDamagedError(f"{path} holds several arrays: write one with numpy.save")
    return array


def _problem(images: np.ndarray, labels: np.ndarray, side: int) -> str | None:
    if images.ndim != 3 or images.dtype != np.uint8 or images.shape[1] != images.shape[2]:
        return f"images are {images.dtype} {images.shape}"
    if images.shape[1] < side:
        return f"images have {images.shape[1]} pixels a side, this profile needs {side}"
    if labels.shape != (len(images), 2):
        return f"labels are {labels.shape} for {len(images)} images"
    if len(images) < MIN_IMAGES:
        return f"{len(images)} images are too few, {MIN_IMAGES} are the least"
    if (
        labels.dtype.kind not in "iuf"
        or not np.isfinite(labels).all()
        or (labels != np.floor(labels)).any()
    ):
        return f"labels ({labels.dtype}) are not all whole numbers"
    if labels.min() < 0 or labels[:, 0].max() > 11 or labels[:, 1].max() > 59:
        return "labels are out of range"
    return None
