"""Rendered pictures on disk: rendered once by several processes, memory-mapped by training runs.

A shard is a folder `$CLOCKREAD_DATA/shards/<name>` (default `~/.cache/clockread`). Its name states
preset, versions of renderer and artwork, and seeds. An interrupted rendering is continued.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from rich.progress import track

from clockread.data import data_folder, write_whole
from clockread.sampling import PATCH
from training.assets import NOT_COLLECTED, artwork_version
from training.dials.presets import PRESETS, Preset
from training.dials.render import render, render_without
from training.processes import each_result
from training.splits import check_seeds

RENDERER_VERSION = 5  # to be raised with every change of pixels or labels
WITHOUT_VERSION = 4  # the same for crops without a dial

WIDE_MARGIN = (1.6, 2.0)  # crop side over the dial's box in wide crops, which show the surroundings
_CHUNK = 250  # seeds per job of a process

Arrays = dict[str, NDArray[Any]]
Fields = Mapping[str, tuple[tuple[int, ...], type]]  # shape of one sample, and dtype
# First seed, count -> arrays of that length; it must be possible to pickle it.
Renderer = Callable[[int, int], Arrays]


def folder_name(name: str, first_seed: int, count: int) -> str:
    """Return the name of a shard's folder, which changes with the pictures."""
    return f"{name}-{artwork_version()}-{first_seed}-{count}"


def stored(name: str, first_seed: int, count: int, fields: Fields, renderer: Renderer) -> Arrays:
    """Return memory-mapped arrays of rendered samples, rendering those that are not on disk.

    Args:
        name: Name of the kind of samples.
        first_seed: Seed of the first sample.
        count: Number of samples.
        fields: Shape of a sample and dtype, by array.
        renderer: Renders the samples of consecutive seeds.

    Raises:
        ValueError: the seeds do not belong to one split.

    """
    check_seeds(first_seed, count)
    artwork = artwork_version()
    folder = data_folder() / "shards" / folder_name(name, first_seed, count)
    folder.mkdir(parents=True, exist_ok=True)
    done_file = folder / "done.json"
    done: set[int] = set(json.loads(done_file.read_text())) if done_file.exists() else set()
    jobs = [
        (renderer, first_seed + start, min(_CHUNK, count - start))
        for start in range(0, count, _CHUNK)
        if first_seed + start not in done
    ]
    if jobs:
        if artwork == NOT_COLLECTED:
            _say_not_collected()
        mode = "r+" if done else "w+"
        arrays = {}
        for field, (shape, dtype) in fields.items():
            full = None if done else (count, *shape)
            file = folder / f"{field}.npy"
            arrays[field] = open_memmap(file, mode=mode, dtype=dtype, shape=full)
        parts = each_result(_rendered_part, jobs)
        for first, part in track(parts, f"rendering {folder.name}", len(jobs)):
            at = first - first_seed
            for field, array in arrays.items():
                array[at : at + len(part[field])] = part[field]
                array.flush()
            done.add(first)
            write_whole(done_file, json.dumps(sorted(done)))
    return {field: np.load(folder / f"{field}.npy", mmap_mode="r") for field in fields}


@functools.cache  # once per process
def _say_not_collected() -> None:
    print(
        "rendered without collected artwork: figures differ a little from documented ones; "
        "`python -m training.assets collect` fetches it",
        file=sys.stderr,
    )


def _rendered_part(job: tuple[Renderer, int, int]) -> tuple[int, Arrays]:
    renderer, first, count = job
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
    is_clock: NDArray[np.bool_]
    mirrored: NDArray[np.bool_]
    hours: NDArray[np.int16]  # on the dial, 12 or 24
    visible: NDArray[np.float32]  # share of the face inside the crop, 0..1
    name: str = ""  # of the folder; empty if the crops are not on disk

    def __len__(self) -> int:
        return len(self.minutes)


_FIELDS: Fields = {
    "images": ((PATCH, PATCH), np.uint8),
    "homography": ((3, 3), np.float32),
    "minutes": ((), np.int16),
    "hour_angle": ((), np.float32),
    "minute_angle": ((), np.float32),
    "second_angle": ((), np.float32),
    "is_clock": ((), np.bool_),
    "mirrored": ((), np.bool_),
    "hours": ((), np.int16),
    "visible": ((), np.float32),
}
_OF_DIAL = list(_FIELDS)[2:-1]  # labels that are fields of a rendered dial


def _crops(preset: Preset, first: int, count: int) -> Arrays:
    pictures = [render(seed, preset, PATCH) for seed in range(first, first + count)]
    labels = {field: np.array([getattr(p.dial, field) for p in pictures]) for field in _OF_DIAL}
    return {
        "images": np.stack([p.image for p in pictures]),
        "homography": np.stack([p.homography for p in pictures]),
        "visible": np.array([p.visible for p in pictures]),
        **labels,
    }


def rendered(preset: str, first_seed: int, count: int, *, wide: bool = False) -> Shards:
    """Return crops of dials, rendered if they are not on disk.

    Args:
        preset: Name of one of `presets.PRESETS`.
        first_seed: Seed of the first dial.
        count: Number of dials.
        wide: Whether the crops show the surroundings of the dials, see `WIDE_MARGIN`.

    """
    shares = replace(PRESETS[preset], margin=WIDE_MARGIN) if wide else PRESETS[preset]
    name = f"{preset}{'-wide' * wide}-v{RENDERER_VERSION}"
    arrays = stored(name, first_seed, count, _FIELDS, functools.partial(_crops, shares))
    return Shards(**arrays, name=folder_name(name, first_seed, count))


def _without(first: int, count: int) -> Arrays:
    seeds = range(first, first + count)
    return {"images": np.stack([render_without(s, PRESETS["varied"], PATCH) for s in seeds])}


def rendered_without(first_seed: int, count: int) -> NDArray[np.uint8]:
    """Return crops (n, PATCH, PATCH) without a dial, rendered if they are not on disk."""
    name, fields = f"without-v{WITHOUT_VERSION}", {"images": _FIELDS["images"]}
    return stored(name, first_seed, count, fields, _without)["images"]
