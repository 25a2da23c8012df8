"""Photo → detections as ONNX nodes; see `clockread.finder`.

Boxes are (n, 4): x and y of the center, width and height, in photo pixels with pixel edges at
integers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from clockread.finder import (
    CELLS,
    MAX_LOG_SIZE,
    PADDING,
    SCENE,
    SIZE_UNIT,
    STRIDE,
    TILE,
    FinderOptions,
)
from training.edge.graph import Graph
from training.edge.sampling import Parts, PhotoInput, resample
from training.edge.tensor import BOOL, FLOAT, INT, UINT8, Tensor


def letterbox(photo: PhotoInput, part: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return scenes uint8 (n, SCENE, SCENE) of n > 0 parts (n, 4): left, top, right, bottom.

    Also scale (n, 2) and offset (n, 2): scene = photo · scale + offset.
    """
    begin, end = part.split(2, 2)
    length = end - begin
    longest, shortest = length.reduce("Max", 1, keep=True), length.reduce("Min", 1, keep=True)
    block = (longest * (1 / SCENE)).map("Floor").minimum(shortest).maximum(1.0)
    count = (length / block).map("Floor")
    scale = float(SCENE) / count.reduce("Max", 1, keep=True)
    size = (count * scale).map("Round").maximum(1.0)  # (n, 2) scene pixels that the photo fills
    edge = ((float(SCENE) - size) * 0.5).map("Floor")
    covered = count * block  # what is left over at the right and the bottom is not seen
    step = covered / size
    parts = Parts(begin, covered, block, begin - edge * step, step)
    grey = resample(photo, parts, SCENE).squeeze(3)
    at = np.arange(SCENE) + 0.5
    inside = (edge.unsqueeze(2) < at) & (at < (edge + size).unsqueeze(2))  # (n, 2, SCENE)
    across, down = inside.to(FLOAT).split(1, 1, axis=1)
    shown = down.transpose(0, 2, 1) @ across
    scene = (grey - float(PADDING)) * shown + float(PADDING)
    scale = size / covered
    return scene.map("Round").to(UINT8), scale, edge - begin * scale


def peaks(g: Graph, heat: Tensor, box: Tensor, threshold: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return scene numbers (k,), boxes (k, 4) in scene pixels and scores (k, 1) of n scenes."""
    options = FinderOptions()
    maps = heat.unsqueeze(1)
    highest = g.op("MaxPool", maps, kernel_shape=[3, 3], pads=[1] * 4, strides=[1, 1])
    score = g.where(maps >= highest, maps.map("Sigmoid"), 0.0).reshape(-1, 1, CELLS**2)
    middle, size = box.reshape(-1, CELLS, CELLS, 4).split(2, 2)
    along = np.arange(CELLS)
    columns = np.stack([along, np.zeros_like(along)], axis=-1)  # (CELLS, 2): x, 0
    rows = columns[:, None, ::-1]  # (CELLS, 1, 2): 0, y
    limits = (g.constant(limit, FLOAT) for limit in (-MAX_LOG_SIZE, MAX_LOG_SIZE))
    size = g.op("Clip", size, *limits).map("Exp") * SIZE_UNIT
    boxes = g.concat((middle + columns + rows) * float(STRIDE), size, axis=3)
    boxes = boxes.reshape(-1, CELLS**2, 4)
    kept = non_max_suppression(boxes, score, options.nms_iou, threshold, centered=True)
    scene, _, cell = kept.split(1, 1, 1)
    place = g.concat(scene, cell, axis=1)
    return (
        scene.squeeze(1),
        g.op("GatherND", boxes, place),
        g.op("GatherND", score.transpose(0, 2, 1), place),
    )


def non_max_suppression(
    boxes: Tensor, scores: Tensor, iou: float, threshold: float, *, centered: bool
) -> Tensor:
    """Return scene, 0 and index (k, 3) of the boxes to keep, best first within a scene.

    Boxes (n, m, 4) are (x, y, width, height) about their centers if ``centered``, else opposite
    corners; scores are (n, 1, m).
    """
    g = boxes.graph
    limits = (
        g.constant(np.array([FinderOptions().max_detections]), INT),
        g.constant(np.array([iou]), FLOAT),
        g.constant(np.array([threshold]), FLOAT),
    )
    return g.op(
        "NonMaxSuppression", boxes, scores, *limits, dtype=INT, center_point_box=int(centered)
    )


def tiles(photo: PhotoInput) -> Tensor:
    """Return 1, 2 or 4 overlapping tiles (n, 4), in which dials appear almost twice as large."""
    g = photo.pixels.graph
    longest = photo.extent.reduce("Max", 0)
    side = (longest * TILE - 0.01).map("Ceil")  # 0.6 in single precision is more than 0.6
    start = (photo.extent - side).maximum(0.0)
    two = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
    begin = start.unsqueeze(0) * two
    tile = g.concat(begin, (begin + side).minimum(photo.extent), axis=1)
    apart = (start > 0.0).to(FLOAT).unsqueeze(0)  # of tiles at the same place, one is enough
    return tile.compress((apart * two).sum(1).equals(two.sum(1)))


def find(
    photo: PhotoInput, network: Path, threshold: float, *, search_tiles: bool
) -> tuple[Tensor, Tensor]:
    """Return boxes (n, 4) and scores (n, 1) of the detections; n may be 0.

    A photo without a detection of a high score is searched again in `tiles`, in a second turn of
    the loop.
    """
    g = photo.pixels.graph
    options = FinderOptions()
    everything = g.concat(np.zeros(2), photo.extent, axis=0).unsqueeze(0)

    def detect(part: Tensor) -> tuple[Tensor, Tensor]:
        scenes, scale, offset = letterbox(photo, part)
        maps = g.network(network, {"scene": scenes})
        scene, boxes, scores = peaks(g, maps["heat"], maps["box"], threshold)
        scale, offset = scale.take(scene), offset.take(scene)
        center, size = boxes.split(2, 2)
        return g.concat((center - offset) / scale, size / scale, axis=1), scores

    if not search_tiles:
        return detect(everything)

    def search(
        _: Tensor, part: Tensor, boxes: Tensor, scores: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        more_boxes, more_scores = detect(part)
        boxes = g.concat(boxes, more_boxes, axis=0)
        scores = g.concat(scores, more_scores, axis=0)
        best = scores.reduce("Max", 0)
        large = photo.extent.reduce("Max", 0) > float(SCENE)
        return (best < options.tile_below) & large, [tiles(photo), boxes, scores]

    # a first row without a score, so that there is always a best one
    nothing = (g.constant(np.zeros((1, 4)), FLOAT), g.constant(np.zeros((1, 1)), FLOAT))
    go = g.constant(np.array(True), BOOL)
    _, boxes, scores = g.loop(2, go, [everything, *nothing], search)
    kept = non_max_suppression(
        boxes.unsqueeze(0), scores.transpose(1, 0).unsqueeze(0), options.nms_iou, 0.0, centered=True
    )
    index = kept.part(2, 3).squeeze(1)
    return boxes.take(index), scores.take(index)
