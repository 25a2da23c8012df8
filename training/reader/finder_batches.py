"""Training batches of the finder: scenes, cropped anew in every epoch, with their targets."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from clockread.finder import CELLS, PADDING, SCENE, SIZE_UNIT, STRIDE
from clockread.geometry import Floats
from training.reader.batches import Batches, Rng, augment_exposure
from training.reader.loop import Schedule
from training.reader.scene_shards import SceneShards

SPREAD = 0.08  # standard deviation of a center's bump on the heat map, in sides of the box
LEAST_SPREAD = 0.6  # cells
BOX_CELLS = 0.35  # cells in which the bump exceeds this learn the box


def _targets(boxes: Floats) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the heat map (c, c), 0..1, and the box map (c, c, 5) of a scene's boxes (n, 4).

    Boxes are x, y, width, height in scene pixels, the box map dx, dy, log w, log h, weight.
    """
    heat = np.zeros((CELLS, CELLS), np.float32)
    maps = np.zeros((CELLS, CELLS, 5), np.float32)
    at = np.arange(CELLS)
    largest_first = np.argsort(-boxes[:, 2] * boxes[:, 3])  # where two meet, the smaller one wins
    for x, y, w, h in boxes[largest_first]:
        cx, cy = (x + w / 2) / STRIDE, (y + h / 2) / STRIDE
        column, row = min(CELLS - 1, max(0, int(cx))), min(CELLS - 1, max(0, int(cy)))
        sx, sy = (max(LEAST_SPREAD, SPREAD * side / STRIDE) for side in (w, h))
        bump = np.exp(
            -0.5 * (((at - column) / sx) ** 2)[None, :] - 0.5 * (((at - row) / sy) ** 2)[:, None]
        ).astype(np.float32)
        mine = (bump > BOX_CELLS) & (bump >= heat)
        maps[mine, 0] = np.broadcast_to(cx - at[None, :], bump.shape)[mine]
        maps[mine, 1] = np.broadcast_to(cy - at[:, None], bump.shape)[mine]
        maps[mine, 2:4] = math.log(w / SIZE_UNIT), math.log(h / SIZE_UNIT)
        maps[mine, 4] = bump[mine] / bump[mine].sum() if mine.any() else 0.0
        np.maximum(heat, bump, out=heat)
    return heat, maps


def _inside(boxes: Floats, x: float, y: float, w: float, h: float) -> NDArray[np.bool_]:
    """Return whether the centers of boxes (n, 4) are in a window."""
    center = boxes[:, :2] + boxes[:, 2:] / 2
    return np.asarray(((center > (x, y)) & (center < (x + w, y + h))).all(axis=1))


def _random_crop(
    rng: Rng, frame: NDArray[np.int16], boxes: Floats
) -> tuple[float, float, float, float]:
    """Return x, y, width, height of a random crop; clocks in it keep their centers."""
    x, y, w, h = (float(v) for v in frame)
    for _ in range(4):
        zoom = rng.uniform(0.7, 1.0) if rng.random() < 0.7 else 1.0
        narrow = rng.uniform(0.6, 1.0) if rng.random() < 0.5 else 1.0
        wide = rng.random() < 0.5
        cw, ch = (w * zoom * narrow, h * zoom) if wide else (w * zoom, h * zoom * narrow)
        if min(cw, ch) < 0.3 * max(cw, ch):
            continue
        left, top = x + rng.uniform(0, w - cw), y + rng.uniform(0, h - ch)
        far = (boxes[:, :2] > (left + cw, top + ch)) | (boxes[:, :2] + boxes[:, 2:] < (left, top))
        if (_inside(boxes, left, top, cw, ch) | far.any(axis=1)).all():
            return left, top, cw, ch
    return x, y, w, h


def _crop_scene(
    rng: Rng, image: NDArray[np.uint8], frame: NDArray[np.int16], boxes: Floats
) -> tuple[NDArray[np.uint8], Floats]:
    """Crop and mirror a scene's picture at random; return a new scene with its boxes (k, 4).

    ``frame`` is x, y, width, height of the picture between the bars, ``boxes`` (n, 4) are those of
    all clocks, in scene pixels.
    """
    left, top, width, height = _random_crop(rng, frame, boxes)
    scale = SCENE / max(width, height)
    stretch = math.exp(rng.normal(0, 0.05)) if rng.random() < 0.5 else 1.0
    sx, sy = scale * min(1.0, stretch), scale * min(1.0, 1 / stretch)
    w, h = max(1, round(width * sx)), max(1, round(height * sy))
    ox, oy = (SCENE - w) // 2, (SCENE - h) // 2
    mirror = rng.random() < 0.5
    ax, bx = (-sx, ox + w + sx * left) if mirror else (sx, ox - sx * left)  # edges to edges
    ay, by = sy, oy - sy * top
    matrix = np.array([[ax, 0, bx - 0.5 + ax * 0.5], [0, ay, by - 0.5 + ay * 0.5]])
    seen = cv2.warpAffine(
        image, matrix, (SCENE, SCENE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    seen = augment_exposure(rng, np.asarray(seen, dtype=np.uint8))
    out = np.full((SCENE, SCENE), PADDING, np.uint8)
    out[oy : oy + h, ox : ox + w] = seen[oy : oy + h, ox : ox + w]
    b = boxes[_inside(boxes, left, top, width, height)]
    x = (b[:, 0] + b[:, 2]) * ax + bx if mirror else b[:, 0] * ax + bx
    return out, np.stack([x, b[:, 1] * ay + by, b[:, 2] * sx, b[:, 3] * sy], axis=1)


class FinderBatches(Batches):
    """Scenes (n, SCENE, SCENE) with the targets `heat` (n, c, c) and `box` (n, c, c, 5)."""

    def __init__(self, shards: list[SceneShards], schedule: Schedule) -> None:
        super().__init__(schedule)
        self.shards = shards

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        rng = np.random.default_rng((self.seed, self.epoch, index, 2))
        images = np.empty((self.batch, SCENE, SCENE), np.uint8)
        heat = np.empty((self.batch, CELLS, CELLS), np.float32)
        box = np.empty((self.batch, CELLS, CELLS, 5), np.float32)
        for i in range(self.batch):
            shard = self.shards[rng.integers(len(self.shards))]
            k = int(rng.integers(len(shard)))
            images[i], boxes = _crop_scene(
                rng, shard.images[k], shard.frame[k], shard.clocks(k).astype(np.float64)
            )
            heat[i], box[i] = _targets(boxes)
        return images, {"heat": heat, "box": box}
