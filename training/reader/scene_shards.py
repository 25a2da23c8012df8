"""Rendered scenes on disk, stored by `training.reader.shards`."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clockread.finder import SCENE
from training.dials.scenes import CLOCKS, EVERYTHING, Mix, render_scene
from training.reader.shards import Arrays, Fields, stored

SCENES_VERSION = 6  # to be raised with every change of pixels or labels
VALIDATION_SCENES = 1000  # of the finder, the first of splits.VALIDATION
MOST_CLOCKS = 4  # in one scene
MIXES = {"clocks": CLOCKS, "everything": EVERYTHING}


@dataclass(frozen=True)
class SceneShards:
    """Memory-mapped scenes and their labels."""

    images: NDArray[np.uint8]  # (n, SCENE, SCENE)
    boxes: NDArray[np.float32]  # (n, MOST_CLOCKS, 4): x, y, w, h in scene pixels, padded by nan
    frame: NDArray[np.int16]  # (n, 4): x, y, width, height of the picture between the bars

    def __len__(self) -> int:
        return len(self.images)

    def clocks(self, index: int) -> NDArray[np.float32]:
        """Return the boxes (k, 4) of one scene, k from 0 to MOST_CLOCKS."""
        boxes = np.asarray(self.boxes[index])
        return boxes[~np.isnan(boxes[:, 0])]

    def picture(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        """Return a scene's picture (h, w) without bars, and the boxes (k, 4), clipped to it."""
        x, y, w, h = (int(v) for v in self.frame[index])
        boxes = self.clocks(index).astype(np.float64)
        low = np.clip(boxes[:, :2] - (x, y), 0, (w, h))
        high = np.clip(boxes[:, :2] + boxes[:, 2:] - (x, y), 0, (w, h))
        picture = np.ascontiguousarray(self.images[index][y : y + h, x : x + w])
        return picture, np.concatenate([low, high - low], axis=1)


_FIELDS: Fields = {
    "images": ((SCENE, SCENE), np.uint8),
    "boxes": ((MOST_CLOCKS, 4), np.float32),
    "frame": ((4,), np.int16),
}


def _scenes(mix: Mix, first: int, count: int) -> Arrays:
    scenes = [render_scene(seed, mix=mix) for seed in range(first, first + count)]
    boxes = np.full((count, MOST_CLOCKS, 4), np.nan, np.float32)
    for row, scene in zip(boxes, scenes, strict=True):
        row[: len(scene.boxes)] = scene.boxes
    return {
        "images": np.stack([s.image for s in scenes]),
        "boxes": boxes,
        "frame": np.stack([s.frame for s in scenes]),
    }


def rendered_scenes(first_seed: int, count: int, mix: str = "clocks") -> SceneShards:
    """Return the scenes of ``count`` seeds, of one of `MIXES`, rendered if they are not on disk."""
    name = f"scenes-{mix}-v{SCENES_VERSION}"
    render = functools.partial(_scenes, MIXES[mix])
    return SceneShards(**stored(name, first_seed, count, _FIELDS, render))
