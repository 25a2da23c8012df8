"""Rendered crops on disk: rendered once by several processes, memory-mapped by every training run.

A shard set lives in `$CLOCKREAD_DATA/shards/<name>` (default `~/.cache/clockread`), outside the repository. Its name says
preset, seeds and renderer version, so a set is never mistaken for another; an interrupted rendering continues.
"""

from __future__ import annotations

import json
import multiprocessing
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from rich.progress import track

from clockread.patches import PATCH
from training.assets import cache_folder
from training.dials.render import PRESETS, render

RENDERER_VERSION = 1  # raise with every change that alters pixels or labels

_CHUNK = 500

LABELS = ("homography", "minutes", "hour_angle", "minute_angle", "second_angle")


@dataclass(frozen=True)
class Shards:
    """Memory-mapped crops (n, PATCH, PATCH) uint8 and their labels."""

    images: NDArray[np.uint8]
    homography: NDArray[np.float32]  # (n, 3, 3), dial plane to pixels
    minutes: NDArray[np.int16]
    hour_angle: NDArray[np.float32]  # degrees
    minute_angle: NDArray[np.float32]
    second_angle: NDArray[np.float32]  # nan without a second hand

    def __len__(self) -> int:
        return len(self.minutes)


def _render_chunk(job: tuple[str, int, int]) -> tuple[int, NDArray[np.uint8], dict[str, NDArray[Any]]]:
    preset, first, count = job
    cv2.setNumThreads(1)
    images = np.empty((count, PATCH, PATCH), np.uint8)
    labels: dict[str, NDArray[Any]] = {
        "homography": np.empty((count, 3, 3), np.float32),
        "minutes": np.empty(count, np.int16),
        **{name: np.empty(count, np.float32) for name in LABELS[2:]},
    }
    for i in range(count):
        picture = render(first + i, PRESETS[preset], PATCH)
        images[i] = picture.image
        labels["homography"][i] = picture.homography
        for name in LABELS[1:]:
            labels[name][i] = getattr(picture.dial, name)
    return first, images, labels


def rendered(preset: str, first_seed: int, count: int, *, processes: int | None = None) -> Shards:
    """The crops of seeds first_seed … first_seed + count - 1, rendered now where they are not on disk yet."""
    folder = cache_folder() / "shards" / f"{preset}-v{RENDERER_VERSION}-{first_seed}-{count}"
    folder.mkdir(parents=True, exist_ok=True)
    shapes: dict[str, tuple[tuple[int, ...], type]] = {
        "images": ((count, PATCH, PATCH), np.uint8),
        "homography": ((count, 3, 3), np.float32),
        "minutes": ((count,), np.int16),
        **dict.fromkeys(LABELS[2:], ((count,), np.float32)),
    }
    done_file = folder / "done.json"
    done: set[int] = set(json.loads(done_file.read_text())) if done_file.exists() else set()
    arrays = {
        name: open_memmap(folder / f"{name}.npy", mode="r+" if done else "w+", dtype=dtype, shape=None if done else shape)
        for name, (shape, dtype) in shapes.items()
    }
    jobs = [(preset, first_seed + start, min(_CHUNK, count - start)) for start in range(0, count, _CHUNK) if first_seed + start not in done]
    if jobs:
        workers = processes or len(os.sched_getaffinity(0))
        with multiprocessing.get_context("spawn").Pool(workers) as pool:
            for first, images, labels in track(pool.imap_unordered(_render_chunk, jobs), f"rendering {folder.name}", len(jobs)):
                at = first - first_seed
                arrays["images"][at : at + len(images)] = images
                for name in LABELS:
                    arrays[name][at : at + len(images)] = labels[name]
                done.add(first)
                for array in arrays.values():
                    array.flush()
                partial = done_file.with_suffix(".part")
                partial.write_text(json.dumps(sorted(done)))
                partial.replace(done_file)
    return Shards(**{name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in shapes})


def crops_folder() -> Path:
    """Where shard sets are kept."""
    return cache_folder() / "shards"
