"""Clock images, given or rendered, as arrays.

`images.npy` is (n, side, side) uint8, `labels.npy` (n, 2) with hour 0..11 and minute 0..59. The
report's 18,000 images of 150 x 150 (also 75 x 75), 25 of each of the 720 times, are not public. If
`--data DIR` names them, they are used as they are. Otherwise one of two sets is rendered, once,
from seeds, into `$CLOCKREAD_DATA/clock-images`:

* `turned` (`training.report.turned_clocks`), similar to the report's: a clock on a table, turned by
  any angle, squashed, with a highlight;
* `upright` (`training.report.upright_clocks`): the same times on clocks that hang upright. The
  difference between results on both sets is the cost of the pose.

`turned` differs from the report's images in the number of camera places, which the report does not
give (`turned_clocks.PLACES`), and in tones, typeface and table. Its figures can therefore be
compared with the report's in kind, not to the digit.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from clockread.clock import MINUTES_ON_DIAL
from clockread.data import data_folder
from training.dials.canvas import Grey
from training.processes import each_result
from training.report import turned_clocks, upright_clocks
from training.report.image_data import CHECKSUMS, DataDamagedError, DataMissingError, holds

FILES = ("images.npy", "labels.npy")
SPLIT_SEED = 55
TEST_SHARE = 0.2
MIN_IMAGES = 10  # fewer leave nothing to test on
TURNED, UPRIGHT, GIVEN = "turned", "upright", "given"
VERSIONS = {TURNED: turned_clocks.VERSION, UPRIGHT: upright_clocks.VERSION}


@dataclass(frozen=True)
class Rendering:
    """The parameters of a rendered set, which identify it."""

    name: str = TURNED  # or UPRIGHT
    side: int = 150  # pixels
    per_time: int = 25  # images of each time
    every: int = 1  # minutes between times: 1 for all 720
    places: int = turned_clocks.PLACES  # camera places of TURNED

    @property
    def folder(self) -> str:
        """Name of its folder."""
        places = f"-{self.places}-places" if self.name == TURNED else ""
        version = VERSIONS[self.name]
        return f"{self.name}-v{version}{places}-{self.side}-{self.per_time}-{self.every}"

    def image(self, number: int, minutes: int) -> Grey:
        """Render the image with a number (its seed)."""
        if self.name == TURNED:
            return turned_clocks.render_turned(number, minutes, self.side, self.places)
        return upright_clocks.render_upright(number, minutes, self.side)


@dataclass(frozen=True)
class ClockSet:
    """Images and labels in memory."""

    images: NDArray[np.uint8]  # (n, side, side)
    minutes: NDArray[np.int64]  # (n,), 0..719
    source: str  # TURNED, UPRIGHT or GIVEN

    def split(self) -> tuple[ClockSet, ClockSet]:
        """Return 80 % for training and 20 % for testing.

        They are shuffled as by scikit-learn's train_test_split with random_state=55; the upright
        set keeps the order of its finished fits.
        """
        rng: np.random.Generator | np.random.RandomState
        rng = np.random.RandomState(SPLIT_SEED)
        if self.source == UPRIGHT:
            rng = np.random.default_rng(SPLIT_SEED)
        order = rng.permutation(len(self.minutes))
        tests = int(np.ceil(len(order) * TEST_SHARE))
        return self.part(order[tests:]), self.part(order[:tests])

    def part(self, rows: NDArray[np.int64]) -> ClockSet:
        """Return some of the images."""
        return ClockSet(self.images[rows], self.minutes[rows], self.source)


def _render_some(job: tuple[int, Rendering, NDArray[np.int64]]) -> tuple[int, NDArray[np.uint8]]:
    first, rendering, minutes = job
    return first, np.stack([rendering.image(first + i, int(m)) for i, m in enumerate(minutes)])


def rendered(rendering: Rendering) -> Path:
    """Return the folder of a set's files; render them if it does not exist, whole or not at all."""
    folder = data_folder() / "clock-images" / rendering.folder
    if folder.is_dir():
        return folder
    minutes = np.repeat(np.arange(0, MINUTES_ON_DIAL, rendering.every), rendering.per_time)
    starts = range(0, len(minutes), 500)
    jobs = [(start, rendering, minutes[start : start + 500]) for start in starts]
    images = np.empty((len(minutes), rendering.side, rendering.side), np.uint8)
    for first, some in each_result(_render_some, jobs):
        images[first : first + len(some)] = some
    labels = np.stack(np.divmod(minutes, 60), axis=1).astype(np.int64)
    partial = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    partial.mkdir(parents=True, exist_ok=True)
    try:
        np.save(partial / FILES[0], images)
        np.save(partial / FILES[1], labels)
        with contextlib.suppress(OSError):  # another process was first, with the same pixels
            partial.replace(folder)
    finally:  # also after an interrupt
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def load_clocks(rendering: Rendering) -> ClockSet:
    """Load a rendered set; render it first if it does not exist."""
    folder = rendered(rendering)
    images, labels = (np.load(folder / file) for file in FILES)
    return ClockSet(images, labels[:, 0] * 60 + labels[:, 1], rendering.name)


def clock_folder(data: Path | None) -> Path | None:
    """Return ``data`` if it holds clock images; None if it is None or holds digits only.

    Raises:
        DataMissingError: it holds neither. With a mistyped name, hours of training on other images
            would follow.

    """
    if data is None:
        return None
    if (data / FILES[0]).is_file():
        return data
    if any(holds(name, data) for name in CHECKSUMS):
        return None
    raise DataMissingError(
        f"{data} holds no {' and '.join(FILES)} of clocks: name their folder with --data, "
        "or omit --data"
    )


def data_name(data: Path | None) -> str:
    """Return the name of the images of `time/*`: `turned`, or `given-` and the files' sha256."""
    folder = clock_folder(data)
    if folder is None:
        return TURNED
    files = [folder / file for file in FILES]
    if not files[1].is_file():
        raise DataMissingError(f"{files[1]} is missing: {FILES[0]} needs its labels beside it")
    stamps = tuple((f.stat().st_size, f.stat().st_mtime_ns) for f in files)
    return f"{GIVEN}-{_digest(folder.resolve(), stamps)[:12]}"


@functools.lru_cache
def _digest(folder: Path, _stamps: tuple[tuple[int, int], ...]) -> str:
    """Hash both files; sizes and times are part of the cache's key, so that changes are noticed."""
    digest = hashlib.sha256()
    for name in FILES:
        with (folder / name).open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def given(folder: Path, side: int) -> ClockSet:
    """Load the files in ``folder``, averaged down to ``side`` if they are larger.

    Raises:
        DataMissingError: a file is missing.
        DataDamagedError: a file has another form.

    """
    images, labels = (_array(folder / file) for file in FILES)
    problem = _problem(images, labels, side)
    if problem:
        raise DataDamagedError(
            f"{folder}: {problem}; provide images.npy (n, side, side) uint8 "
            "and labels.npy (n, 2) with hour 0-11 and minute 0-59"
        )
    if images.shape[1] != side:
        size, area = (side, side), cv2.INTER_AREA
        images = np.stack([cv2.resize(np.asarray(i), size, interpolation=area) for i in images])
    labels = labels.astype(np.int64)
    return ClockSet(np.asarray(images), labels[:, 0] * 60 + labels[:, 1], GIVEN)


def _array(path: Path) -> np.ndarray:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise DataMissingError(f"{path} is missing: write it with numpy.save") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        raise DataDamagedError(
            f"{path} is not a complete array file: write it with numpy.save"
        ) from None
    if not isinstance(array, np.ndarray):
        raise DataDamagedError(f"{path} holds several arrays: write one with numpy.save")
    return array


def _problem(images: np.ndarray, labels: np.ndarray, side: int) -> str | None:
    if images.ndim != 3 or images.dtype != np.uint8 or images.shape[1] != images.shape[2]:
        return f"images are {images.dtype} {images.shape}"
    if images.shape[1] < side:
        return f"images are {images.shape[1]} pixels wide, this profile needs {side}"
    if labels.shape != (len(images), 2):
        return f"labels are {labels.shape} for {len(images)} images"
    if len(images) < MIN_IMAGES:
        return f"{len(images)} images are too few, the minimum is {MIN_IMAGES}"
    numbers = labels.dtype.kind in "iuf" and np.isfinite(labels).all()
    if not numbers or (labels != np.floor(labels)).any():
        return f"labels ({labels.dtype}) are not all whole numbers"
    if labels.min() < 0 or labels[:, 0].max() > 11 or labels[:, 1].max() > 59:
        return "labels are out of range"
    return None
