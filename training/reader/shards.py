"""Rendered pictures on disk: rendered once by several processes, memory-mapped by every training run.

A shard set lives in `$CLOCKREAD_DATA/shards/<name>` (default `~/.cache/clockread`), outside the repository. Its name says
preset, seeds and renderer version, so a set is never mistaken for another; an interrupted rendering continues.
"""

from __future__ import annotations

import functools
import json
import multiprocessing
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from rich.progress import track

from clockread.sampling import PATCH
from training.data import data_folder, write_whole
from training.dials.presets import PRESETS
from training.dials.render import render, render_without
from training.splits import check_seeds

RENDERER_VERSION = 3  # raise with every change that alters pixels or labels
WITHOUT_VERSION = 4  # the same of crops without a dial

_CHUNK = 250

Arrays = dict[str, NDArray[Any]]
Fields = Mapping[str, tuple[tuple[int, ...], type]]  # shape of one sample, and dtype
Renderer = Callable[
    [int, int], Arrays
]  # first seed, count -> arrays of that length; a function of a module, to be pickled


def stored(
    name: str,
    first_seed: int,
    count: int,
    fields: Fields,
    renderer: Renderer,
    processes: int | None = None,
) -> Arrays:
    """Memory-mapped arrays of the samples of seeds first_seed … first_seed + count - 1, rendered now where they are not on disk."""
    check_seeds(first_seed, count)
    folder = data_folder() / "shards" / f"{name}-{first_seed}-{count}"
    folder.mkdir(parents=True, exist_ok=True)
    done_file = folder / "done.json"
    done: set[int] = set(json.loads(done_file.read_text())) if done_file.exists() else set()
    jobs = [
        (renderer, first_seed + start, min(_CHUNK, count - start))
        for start in range(0, count, _CHUNK)
        if first_seed + start not in done
    ]
    if jobs:
        mode = "r+" if done else "w+"
        arrays = {
            field: open_memmap(
                folder / f"{field}.npy",
                mode=mode,
                dtype=dtype,
                shape=None if done else (count, *shape),
            )
            for field, (shape, dtype) in fields.items()
        }
        with multiprocessing.get_context("spawn").Pool(
            processes or len(os.sched_getaffinity(0))
        ) as pool:
            for first, part in track(
                pool.imap_unordered(_rendered_part, jobs), f"rendering {folder.name}", len(jobs)
            ):
                at = first - first_seed
                for field, array in arrays.items():
                    array[at : at + len(part[field])] = part[field]
                    array.flush()
                done.add(first)
                write_whole(done_file, json.dumps(sorted(done)))
    return {field: np.load(folder / f"{field}.npy", mmap_mode="r") for field in fields}


def _rendered_part(job: tuple[Renderer, int, int]) -> tuple[int, Arrays]:
    renderer, first, count = job
    cv2.setNumThreads(1)
    return first, renderer(first, count)


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


_FIELDS: Fields = {
    "images": ((PATCH, PATCH), np.uint8),
    "homography": ((3, 3), np.float32),
    "minutes": ((), np.int16),
    "hour_angle": ((), np.float32),
    "minute_angle": ((), np.float32),
    "second_angle": ((), np.float32),
}


def _crops(preset: str, first: int, count: int) -> Arrays:
    pictures = [render(seed, PRESETS[preset], PATCH) for seed in range(first, first + count)]
    labels = {
        field: np.array([getattr(p.dial, field) for p in pictures]) for field in list(_FIELDS)[2:]
    }
    return {
        "images": np.stack([p.image for p in pictures]),
        "homography": np.stack([p.homography for p in pictures]),
        **labels,
    }


def rendered(preset: str, first_seed: int, count: int, *, processes: int | None = None) -> Shards:
    """Crops of one of `presets.PRESETS` by their seeds."""
    name = f"{preset}-v{RENDERER_VERSION}"
    return Shards(
        **stored(name, first_seed, count, _FIELDS, functools.partial(_crops, preset), processes)
    )


def _without(first: int, count: int) -> Arrays:
    return {
        "images": np.stack(
            [render_without(seed, PRESETS["varied"], PATCH) for seed in range(first, first + count)]
        )
    }


def rendered_without(
    first_seed: int, count: int, *, processes: int | None = None
) -> NDArray[np.uint8]:
    """Crops (n, PATCH, PATCH) without a dial by their seeds."""
    return stored(
        f"without-v{WITHOUT_VERSION}",
        first_seed,
        count,
        {"images": _FIELDS["images"]},
        _without,
        processes,
    )["images"]
