"""A one-file reader against clockread at the same effort, on rendered dials and scenes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from clockread.clock import right_within
from clockread.finder import iou
from clockread.reader import SAME_DIAL_IOU, ClockReader
from clockread.runtime.manifest import DEFAULT
from training import splits
from training.edge.reader import DIAL
from training.reader.scene_shards import rendered_scenes
from training.reader.shards import rendered

# Files in 8-bit integers change one reading in twenty by chance: fewer dials could not show that
# their accuracy is within a point.
DIALS = {True: 500, False: 1500}  # by whether the networks are those of the default model
SCENES = 100

# What a file must reach. Networks in 8-bit integers change some readings with every change of the
# photo by one grey level, in Python too; their files are held to the accuracy, not to each reading.
MIN_SAME_MINUTE = 0.97
MAX_CONFIDENCE_APART = 0.003
MIN_BOX_IOU = {True: 0.99, False: 0.97}  # by whether the networks are those of the default model
MAX_ACCURACY_LOST = 0.01

Pixels = NDArray[np.uint8]


class ParityError(RuntimeError):
    """A file that does not read as clockread does; one line says by how much."""


@dataclass(frozen=True)
class EdgeReading:
    """What a file gives for one dial."""

    minutes: int
    confidence: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Parity:
    """How closely two readers agree."""

    dials: int
    same_minute: float  # share
    right: float  # share within a minute
    clockread_right: float
    box_iou: float  # median
    confidence_apart: float  # median difference
    readings: int  # in scenes; 0 for files that read one dial
    clockread_readings: int

    def problem(self, model: str) -> str | None:
        """Return why a file of a model is refused, or None."""
        exact = model == DEFAULT
        if self.box_iou < MIN_BOX_IOU[exact]:
            return f"the median IoU of its boxes with clockread's is {self.box_iou:.4f}"
        if exact and self.same_minute < MIN_SAME_MINUTE:
            return f"it gives clockread's minute for {self.same_minute:.1%} of the dials"
        if exact and self.confidence_apart > MAX_CONFIDENCE_APART:
            return f"its confidence is {self.confidence_apart:.4f} from clockread's, median"
        if self.right < self.clockread_right - MAX_ACCURACY_LOST:
            return f"it reads {self.right:.1%} right, clockread {self.clockread_right:.1%}"
        return None

    def as_dict(self) -> dict[str, Any]:
        """Return the fields, rounded to four digits."""
        return {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(self).items()}


def edge_reader(model: bytes | str, threads: int = 1) -> Callable[[Pixels], list[EdgeReading]]:
    """Open a file; return the function that reads a picture (H, W, C) with it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def read(pixels: Pixels) -> list[EdgeReading]:
        outputs = session.run(["minutes", "confidence", "box"], {name: pixels})
        return [
            EdgeReading(int(m), float(c), (float(x), float(y), float(w), float(h)))
            for m, c, (x, y, w, h) in zip(*outputs, strict=True)
        ]

    return read


def compare(
    read: Callable[[Pixels], list[EdgeReading]],
    reader: ClockReader,
    kind: str,
    dials: int,
    scenes: int = SCENES,
) -> Parity:
    """Compare a file with clockread.

    Args:
        read: from `edge_reader`.
        reader: clockread with the file's model and effort.
        kind: of the file.
        dials: how many rendered dials are read.
        scenes: how many rendered scenes are read by a file for photos.

    """
    crops = rendered("varied", splits.COMPARISON.start, dials)
    pictures = [np.ascontiguousarray(image)[:, :, None] for image in crops.images]
    cropped = kind == DIAL
    pairs: list[tuple[EdgeReading, Any]] = []
    right = clockread_right = 0
    for picture, minutes in zip(pictures, crops.minutes, strict=True):
        ours, theirs = read(picture), reader.read(picture, cropped=cropped)
        right += bool(ours) and bool(right_within(ours[0].minutes, minutes))
        clockread_right += bool(theirs) and bool(right_within(theirs[0].minutes, minutes))
        pairs += _matched(ours, theirs)
    counts = [0, 0]
    if not cropped:
        shard = rendered_scenes(splits.COMPARISON.start, scenes)
        for index in range(scenes):
            scene = np.ascontiguousarray(shard.picture(index)[0])
            scene = scene if scene.ndim == 3 else scene[:, :, None]
            ours, theirs = read(scene), reader.read(scene)
            counts = [counts[0] + len(ours), counts[1] + len(theirs)]
            pairs += _matched(ours, theirs)
    if not pairs:  # of networks that were hardly trained
        return Parity(dials, 0.0, 0.0, clockread_right / dials, 0.0, 1.0, *counts)
    return Parity(
        dials,
        float(np.mean([a.minutes == b.minutes for a, b in pairs])),
        right / dials,
        clockread_right / dials,
        float(np.median([iou(a.box, b.box) for a, b in pairs])),
        float(np.median([abs(a.confidence - b.confidence) for a, b in pairs])),
        *counts,
    )


def _matched(ours: Sequence[EdgeReading], theirs: Sequence[Any]) -> list[tuple[EdgeReading, Any]]:
    """Return the readings of the same dials."""
    pairs = []
    for reading in ours:
        best = max(theirs, key=lambda other: iou(reading.box, other.box), default=None)
        if best is not None and iou(reading.box, best.box) >= SAME_DIAL_IOU:
            pairs.append((reading, best))
    return pairs
