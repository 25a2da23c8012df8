"""Rendered scenes on disk, as `training.shards` keeps crops: rendered once, memory-mapped by every training run."""

from __future__ import annotations

import json
import multiprocessing
import os
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from rich.progress import track

from clockread.finder import SCENE
from training.dials.scenes import render_scene
from training.shards import crops_folder

SCENES_VERSION = 1  # raise with every change that alters pixels or labels
MOST_CLOCKS = 4  # in one scene

_CHUNK = 250


@dataclass(frozen=True)
class SceneShards:
    """Memory-mapped scenes and their labels."""

    images: NDArray[np.uint8]  # (n, SCENE, SCENE)
    boxes: NDArray[np.float32]  # (n, MOST_CLOCKS, 4): x, y, width, height in scene pixels, nan where there are fewer
    frame: NDArray[np.int16]  # (n, 4): x, y, width, height of the picture between the bars

    def __len__(self) -> int:
        return len(self.images)

    def clocks(self, index: int) -> NDArray[np.float32]:
        """The boxes (k, 4) of one scene, k from 0 to MOST_CLOCKS."""
        boxes = np.asarray(self.boxes[index])
        return boxes[~np.isnan(boxes[:, 0])]


def _render_chunk(job: tuple[int, int]) -> tuple[int, NDArray[np.uint8], NDArray[np.float32], NDArray[np.int16]]:
    first, count = job
    cv2.setNumThreads(1)
    images = np.empty((count, SCENE, SCENE), np.uint8)
    boxes = np.full((count, MOST_CLOCKS, 4), np.nan, np.float32)
    frame = np.empty((count, 4), np.int16)
    for i in range(count):
        scene = render_scene(first + i)
        images[i], frame[i] = scene.image, scene.frame
        boxes[i, : len(scene.boxes)] = scene.boxes
    return first, images, boxes, frame


def rendered_scenes(first_seed: int, count: int, *, processes: int | None = None) -> SceneShards:
    """The scenes of seeds first_seed … first_seed + count - 1, rendered now where they are not on disk yet."""
    folder = crops_folder() / f"scenes-v{SCENES_VERSION}-{first_seed}-{count}"
    folder.mkdir(parents=True, exist_ok=True)
    shapes: dict[str, tuple[tuple[int, ...], type]] = {
        "images": ((count, SCENE, SCENE), np.uint8),
        "boxes": ((count, MOST_CLOCKS, 4), np.float32),
        "frame": ((count, 4), np.int16),
    }
    done_file = folder / "done.json"
    done: set[int] = set(json.loads(done_file.read_text())) if done_file.exists() else set()
    jobs = [(first_seed + start, min(_CHUNK, count - start)) for start in range(0, count, _CHUNK) if first_seed + start not in done]
    if jobs:
        arrays = {
            name: open_memmap(folder / f"{name}.npy", mode="r+" if done else "w+", dtype=dtype, shape=None if done else shape)
            for name, (shape, dtype) in shapes.items()
        }
        with multiprocessing.get_context("spawn").Pool(processes or len(os.sched_getaffinity(0))) as pool:
            for first, images, boxes, frame in track(pool.imap_unordered(_render_chunk, jobs), f"rendering {folder.name}", len(jobs)):
                part = slice(first - first_seed, first - first_seed + len(images))
                arrays["images"][part], arrays["boxes"][part], arrays["frame"][part] = images, boxes, frame
                for array in arrays.values():
                    array.flush()
                done.add(first)
                partial = done_file.with_suffix(".part")
                partial.write_text(json.dumps(sorted(done)))
                partial.replace(done_file)
    return SceneShards(**{name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in shapes})
