"""Photo → detections: a network sees the photo, shrunk into a square scene, and predicts boxes.

Boxes are (x, y, width, height) with pixel *edges* at integers: the photo's first pixel reaches from
0 to 1. The box of a dial that is cut off by the photo's edge reaches beyond the photo.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clockread.decoding import sigmoid
from clockread.geometry import Box, Floats
from clockread.opencv import cv2
from clockread.sampling import downsample

if TYPE_CHECKING:
    from clockread.runtime.network import Network

SCENE = 320  # pixels per side of the network's input
STRIDE = 8  # scene pixels per cell of its output
CELLS = SCENE // STRIDE
SIZE_UNIT = 32.0  # scene pixels; box sizes are logarithms of multiples of it
MAX_LOG_SIZE = 4.0  # largest magnitude of these logarithms: 0.6 to 1747 scene pixels
TILE = 0.6  # side of a tile over the photo's longer side
PADDING = 128  # grey of the bars beside a photo that is not square

Grey = NDArray[np.uint8]
# (n, SCENE, SCENE) -> heat (n, CELLS, CELLS) logits, box (n, CELLS, CELLS, 4)
FinderNetwork = Callable[[Grey], tuple[Floats, Floats]]


@dataclass(frozen=True)
class FinderOptions:
    """The conversion of the network's maps to detections."""

    nms_iou: float = 0.5  # IoU above which the box of the lower score is suppressed
    max_detections: int = 32  # per photo, those with the highest scores
    tile_below: float = 0.5  # best score of a photo below which it is searched again in tiles
    batch_size: int = 16  # scenes per call of the network


@dataclass(frozen=True)
class Detection:
    """A detected dial: its box in photo pixels, and the finder's score, 0..1."""

    box: Box
    score: float


@dataclass(frozen=True)
class Letterbox:
    """The position of a photo in its scene: scene = photo × scale + offset, per axis."""

    scale_x: float
    scale_y: float
    left: int
    top: int

    @property
    def _scale(self) -> Floats:
        return np.array([self.scale_x, self.scale_y, self.scale_x, self.scale_y])

    @property
    def _offset(self) -> Floats:
        return np.array([self.left, self.top, 0.0, 0.0])

    def to_photo(self, boxes: Floats) -> Floats:
        """Convert boxes (n, 4) from scene pixels to photo pixels."""
        return (np.asarray(boxes, np.float64) - self._offset) / self._scale

    def to_scene(self, boxes: Floats) -> Floats:
        """Convert boxes (n, 4) from photo pixels to scene pixels; the inverse of `to_photo`."""
        return np.asarray(boxes, np.float64) * self._scale + self._offset


def finder_network(network: Network) -> FinderNetwork:
    """Return the finder network of a session."""

    def run(scenes: Grey) -> tuple[Floats, Floats]:
        heat, box = network(scenes, "heat", "box")
        return heat, box

    return run


def letterbox(image: Grey, size: int = SCENE) -> tuple[Grey, Letterbox]:
    """Resize a grey photo (height, width) to fit into a (size, size) scene, centered between bars.

    Shrinks as `sampling.crop_window` does.
    """
    by = max(1, min(max(image.shape) // size, *image.shape))
    image = downsample(image, by)
    height, width = image.shape
    scale = size / max(height, width)
    w, h = max(1, round(width * scale)), max(1, round(height * scale))
    if (h, w) != (height, width):
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        image = np.asarray(cv2.resize(image, (w, h), interpolation=how), dtype=np.uint8)
    left, top = (size - w) // 2, (size - h) // 2
    scene = np.full((size, size), PADDING, np.uint8)
    scene[top : top + h, left : left + w] = image
    return scene, Letterbox(w / (width * by), h / (height * by), left, top)


def ious(box: Floats, boxes: Floats) -> Floats:
    """Return the intersection over union (n,) of one box (4,) with boxes (n, 4)."""
    low = np.maximum(box[:2], boxes[:, :2])
    high = np.minimum(box[:2] + box[2:], boxes[:, :2] + boxes[:, 2:])
    common = np.prod(np.maximum(high - low, 0.0), axis=1)
    union = box[2] * box[3] + boxes[:, 2] * boxes[:, 3] - common
    return np.asarray(common / np.maximum(union, 1e-9))


def iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the intersection over union of two boxes (x, y, width, height)."""
    return float(ious(np.asarray(a, np.float64), np.asarray(b, np.float64)[None])[0])


def peaks(
    heat: Floats, box: Floats, threshold: float, options: FinderOptions | None = None
) -> tuple[Floats, Floats]:
    """Decode the maps of one scene.

    A detection is a cell that no neighbor exceeds. Its box is (dx, dy, log w, log h): the center's
    distance from the cell's top left corner in cells, and the size over `SIZE_UNIT`.

    Args:
        heat: logits (c, c).
        box: (c, c, 4).
        threshold: score, 0..1, from which a cell is a detection.
        options: for non-maximum suppression.

    Returns:
        Boxes (n, 4) in scene pixels and scores (n,), 0..1, best first.

    """
    o = options or FinderOptions()
    scores = sigmoid(heat)
    highest = cv2.dilate(scores, np.ones((3, 3), np.uint8))
    rows, columns = np.nonzero((scores >= highest) & (scores >= threshold))
    value = np.asarray(box, np.float64)[rows, columns]
    centers = (value[:, :2] + np.stack([columns, rows], axis=1)) * STRIDE
    sizes = SIZE_UNIT * np.exp(np.clip(value[:, 2:], -MAX_LOG_SIZE, MAX_LOG_SIZE))
    boxes = np.concatenate([centers - sizes / 2, sizes], axis=1)
    kept = _non_max_suppression(boxes, scores[rows, columns], o)
    return boxes[kept], scores[rows[kept], columns[kept]]


def tiles(width: int, height: int) -> list[tuple[int, int, int, int]]:
    """Return left, top, right, bottom of overlapping tiles; none for a small photo.

    Dials appear almost twice as large in them.
    """
    if max(width, height) <= SCENE:  # it was enlarged already
        return []
    side = math.ceil(TILE * max(width, height))

    xs, ys = ((0,) if length <= side else (0, length - side) for length in (width, height))
    return [(x, y, min(x + side, width), min(y + side, height)) for y in ys for x in xs]


def find(
    images: Sequence[Grey],
    network: FinderNetwork,
    threshold: float,
    options: FinderOptions | None = None,
) -> list[list[Detection]]:
    """Find the dials of several photos.

    A photo without a detection of a high score is searched again in `tiles`.

    Args:
        images: grey photos (height, width).
        network: called on batches of scenes of all photos.
        threshold: score, 0..1, from which a detection is returned.
        options: batch size, tiles and non-maximum suppression.

    Returns:
        The detections of each photo, best first.

    """
    o = options or FinderOptions()
    found = [[one] for one in _detect([(image, 0, 0) for image in images], network, threshold, o)]
    parts, owners = [], []
    for i, [(_, scores)] in enumerate(found):
        if max(scores, default=0.0) < o.tile_below:
            height, width = images[i].shape
            for left, top, right, bottom in tiles(width, height):
                parts.append((images[i][top:bottom, left:right], left, top))
                owners.append(i)
    for i, in_tile in zip(owners, _detect(parts, network, threshold, o), strict=True):
        found[i].append(in_tile)
    out: list[list[Detection]] = []
    for of_photo in found:
        boxes, scores = map(np.concatenate, zip(*of_photo, strict=True))
        kept = _non_max_suppression(boxes, scores, o)
        best = zip(boxes[kept].tolist(), scores[kept].tolist(), strict=True)
        out.append([Detection((x, y, w, h), score) for (x, y, w, h), score in best])
    return out


def _detect(
    parts: Sequence[tuple[Grey, int, int]],
    network: FinderNetwork,
    threshold: float,
    o: FinderOptions,
) -> list[tuple[Floats, Floats]]:
    """Return boxes (n, 4) in photo pixels and scores (n,) for parts of photos, at left and top."""
    out: list[tuple[Floats, Floats]] = []
    for start in range(0, len(parts), o.batch_size):
        batch = parts[start : start + o.batch_size]
        scenes = [letterbox(image) for image, _, _ in batch]
        heat, box = network(np.stack([scene for scene, _ in scenes]))
        for i, ((_, place), (_, left, top)) in enumerate(zip(scenes, batch, strict=True)):
            boxes, scores = peaks(heat[i], box[i], threshold, o)
            out.append((place.to_photo(boxes) + [left, top, 0, 0], scores))
    return out


def _non_max_suppression(boxes: Floats, scores: Floats, o: FinderOptions) -> list[int]:
    """Return the indices of the boxes (n, 4) to keep, best first, up to the allowed number."""
    kept: list[int] = []
    for i in np.argsort(-scores, kind="stable").tolist():
        if len(kept) < o.max_detections and not (ious(boxes[i], boxes[kept]) > o.nms_iou).any():
            kept.append(i)
    return kept
