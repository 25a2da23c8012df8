"""Accuracy on labeled photographs, rendered dials and rendered scenes.

A photos folder holds sets: NAME.csv describes the photos in NAME/, one row per dial, by column:

    file          the photo's name in NAME/
    hour, minute  the time; without these columns, the set has no time to read (no clock, or none
                  that anybody can read)
    x, y, w, h    the dial's box in pixels; without one, the photo shows this dial only
    note          remarks; a row with "ambiguous" in it is left out
    others        kinds to report by, as is the start of the name up to an underscore
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from clockread.clock import MINUTES_ON_DIAL, minutes_apart
from clockread.confidence import expected_calibration_error
from clockread.finder import iou, ious, peaks
from clockread.geometry import Box, Floats
from clockread.images import DECODE_MIN_SIDE, ImageSource, load_color, load_photo
from clockread.reader import ClockReader
from clockread.reading import Reading
from training.reader.scene_shards import SceneShards
from training.reader.shards import Shards, rendered

GIVEN_MARGIN = 1.15  # side of the crop around a given box, relative to the box's longer side
SAME_DIAL_IOU = 0.3  # of a reading's box with a labeled one, both drawn around the case by eye
SAME_CLOCK_IOU = 0.5  # of a box with a rendered clock's, which is exact
CONFIDENT = 0.9
CONFIDENCES = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98)  # thresholds of the coverage curve
FALSE_PER_SCENE = 0.1  # false detections per scene at which recall is reported
NORMAL_95 = 1.959964  # standard deviations on either side of the mean that hold 95 %
_NO_KINDS = {"file", "hour", "minute", "x", "y", "w", "h", "note"}  # columns


@dataclass(frozen=True)
class Label:
    """A labeled dial."""

    file: Path
    minutes: float  # past twelve; nan if there is no time to read
    box: Box | None  # None if the photo shows this dial only
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """A label and its reading, if there is one."""

    label: Label
    reading: Reading | None

    @property
    def away(self) -> float:
        """Minutes between reading and label, 0..360; 720 without a reading or a time to read."""
        if self.reading is None or math.isnan(self.label.minutes):
            return MINUTES_ON_DIAL
        return float(minutes_apart(self.reading.minutes, self.label.minutes))

    def right(self, minutes: float = 1) -> bool:
        """Return whether the reading is at most ``minutes`` from the label."""
        return self.away <= minutes

    def read(self, confidence: float = 0.0) -> bool:
        """Return whether there is a reading with at least this confidence."""
        return self.reading is not None and self.reading.confidence >= confidence


@dataclass(frozen=True)
class Measurement:
    """The outcomes of a set."""

    outcomes: list[Outcome]
    cropped: bool  # whether the dials were given, not detected
    elsewhere: int = 0  # readings that match no label

    @property
    def has_times(self) -> bool:
        """Whether there are times to read."""
        return not any(math.isnan(o.label.minutes) for o in self.outcomes)

    def figures(self) -> dict[str, Any]:
        """Return the shares of right readings, or of false ones if there is no time to read."""
        if not self.has_times:
            return false_readings(self.outcomes)
        if self.cropped:
            return summary(self.outcomes)
        overlaps = [
            iou(o.reading.box, o.label.box) for o in self.outcomes if o.reading and o.label.box
        ]
        return {
            **summary(self.outcomes),
            "readings_elsewhere": self.elsewhere,
            "mean_overlap": sum(overlaps) / max(1, len(overlaps)),
        }


def labels(folder: Path, name: str) -> list[Label]:
    """Return the labels of a set of a photos folder in file order; none if the set is missing."""
    table = folder / f"{name}.csv"
    if not table.exists():
        return []
    with table.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    return [
        _label(folder / name, row) for row in rows if "ambiguous" not in (row.get("note") or "")
    ]


def _label(folder: Path, row: dict[str, str]) -> Label:
    file = row["file"]
    time = int(row["hour"]) % 12 * 60 + int(row["minute"]) if "hour" in row else math.nan
    box = tuple(float(row[side]) for side in "xywh") if row.get("x") else None
    kinds = [f"{file.partition('_')[0]}_*"] * ("_" in file)
    kinds += [f"{column}: {value}" for column, value in row.items() if column not in _NO_KINDS]
    return Label(folder / file, time, cast("Box | None", box), tuple(kinds))


def crop_given(image: NDArray[np.uint8], box: Box | None) -> NDArray[np.uint8]:
    """Return the part of a photo (H, W, ...) in a box and its margin; the whole without a box."""
    if box is None:
        return image
    x, y, w, h = box
    half = max(w, h) * GIVEN_MARGIN / 2
    cx, cy = x + w / 2, y + h / 2
    top, left = max(0, round(cy - half)), max(0, round(cx - half))
    return np.ascontiguousarray(image[top : round(cy + half), left : round(cx + half)])


def load_given(label: Label) -> NDArray[np.uint8]:
    """Return the RGB crop (h, w, 3) of a labeled box."""
    image = load_color(label.file, min_side=DECODE_MIN_SIDE)[:, :, ::-1]
    return np.ascontiguousarray(crop_given(image, label.box))


def read_given(reader: ClockReader, wanted: Sequence[Label]) -> Measurement:
    """Read each labeled box, cropped with its margin, without detection."""
    crops: list[ImageSource] = [load_given(label) for label in wanted]
    readings = reader.read(crops, cropped=True)
    return Measurement(list(map(best_of, wanted, readings)), cropped=True)


def best_of(label: Label, readings: Sequence[Reading]) -> Outcome:
    """Return a label with the best reading; the most confident one if there is no time to read."""
    if math.isnan(label.minutes):
        readings = sorted(readings, key=lambda reading: -reading.confidence)
    return Outcome(label, readings[0] if readings else None)


def read_found(reader: ClockReader, wanted: Sequence[Label]) -> Measurement:
    """Read whole photos; of each label, take the best reading whose box overlaps the labeled one.

    Without a box, the photo's best reading is taken.
    """
    files = list(dict.fromkeys(label.file for label in wanted))
    results = reader.read_photos([load_photo(file) for file in files])
    readings = {file: result.readings for file, result in zip(files, results, strict=True)}
    outcomes: list[Outcome] = []
    matched: set[tuple[Path, int]] = set()
    for label in wanted:
        of_photo = readings[label.file]
        own = [
            i
            for i, reading in enumerate(of_photo)
            if label.box is None or iou(reading.box, label.box) >= SAME_DIAL_IOU
        ]
        matched.update((label.file, i) for i in own)
        outcomes.append(best_of(label, [of_photo[i] for i in own]))
    return Measurement(outcomes, False, sum(map(len, readings.values())) - len(matched))


def read_sets(reader: ClockReader, folder: Path) -> Iterator[tuple[str, Measurement]]:
    """Read all sets of a photos folder; yields names with measurements."""
    for table in sorted(folder.glob("*.csv")):
        name = table.stem
        wanted = labels(folder, name)
        if not wanted:
            continue
        if math.isnan(wanted[0].minutes):
            yield f"{name}, no time to read", read_found(reader, wanted)
        elif not any(label.box for label in wanted):
            yield f"{name}, the photo is the dial", read_given(reader, wanted)
        else:
            yield f"{name}, box given", read_given(reader, wanted)
            yield f"{name}, found in the photo", read_found(reader, wanted)


def on_photographs(reader: ClockReader, folder: Path | None) -> dict[str, dict[str, Any]]:
    """Return a reader's figures on the sets of a photos folder that have times, by set.

    They are reported only, never used for training, early stopping or model selection.
    """
    measured = read_sets(reader, folder) if folder is not None else ()
    return {name: of.figures() for name, of in measured if of.has_times}


def summary(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return counts and shares of right readings, and measures of the confidence."""
    n = len(outcomes)
    confident = [o for o in outcomes if o.read(CONFIDENT)]
    return {
        "photographs": n,
        "exact": sum(o.right(0) for o in outcomes) / n,
        "within_1_min": sum(o.right() for o in outcomes) / n,
        "within_5_min": sum(o.right(5) for o in outcomes) / n,
        "not_found": sum(not o.read() for o in outcomes),
        "confidence_0.9_share": len(confident) / n,
        "confidence_0.9_right": share_right(confident),
        "confidence_0.9_wrong": sum(not o.right() for o in confident),
        "expected_calibration_error": calibration_error(outcomes),
        "coverage": coverage(outcomes),
    }


def share_right(outcomes: Sequence[Outcome]) -> float | None:
    """Return the share of right readings, None without outcomes."""
    return sum(o.right() for o in outcomes) / len(outcomes) if outcomes else None


def calibration_error(outcomes: Sequence[Outcome]) -> float | None:
    """Return the expected calibration error of the readings, None without readings."""
    read = [(o.reading.confidence, o.right()) for o in outcomes if o.reading]
    if not read:
        return None
    confidence, right = zip(*read, strict=True)
    return expected_calibration_error(np.array(confidence), np.array(right))


def coverage(outcomes: Sequence[Outcome]) -> dict[str, tuple[float, float | None]]:
    """Return the share of dials read and the share of these right, by confidence threshold."""
    curve = {}
    for threshold in CONFIDENCES:
        kept = [o for o in outcomes if o.read(threshold)]
        curve[f"{threshold:g}"] = len(kept) / len(outcomes), share_right(kept)
    return curve


def false_readings(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return the shares of photos without a time to read that give a reading all the same."""
    n = max(1, len(outcomes))
    shares = {f"{c:g}": sum(o.read(c) for o in outcomes) / n for c in CONFIDENCES}
    return {
        "photographs": len(outcomes),
        "with_a_reading": shares["0"],
        "confidence_0.5": shares["0.5"],
        "confidence_0.9": shares["0.9"],
        "by_confidence": shares,
    }


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson, 1927); 0 to 1 if nothing was counted."""
    if not count:
        return 0.0, 1.0
    z2 = NORMAL_95**2
    middle = hits + z2 / 2
    half = NORMAL_95 * math.sqrt(hits * (count - hits) / count + z2 / 4)
    return max(0.0, (middle - half) / (count + z2)), min(1.0, (middle + half) / (count + z2))


def on_rendered(
    reader: ClockReader, preset: str, first_seed: int, count: int
) -> tuple[list[Reading], NDArray[np.bool_]]:
    """Read rendered dials of a preset as crops.

    Args:
        reader: the reader to measure
        preset: a name in `training.dials.presets`
        first_seed: of the first dial; the others follow
        count: of dials

    Returns:
        the readings (n), and whether each is of a clock and its time right within one minute (n,)
    """
    shard = rendered(preset, first_seed, count)
    images: list[ImageSource] = [np.asarray(image) for image in shard.images]
    readings = [of_image[0] for of_image in reader.read(images, cropped=True)]
    return readings, shows(readings, shard)


def shows(readings: Sequence[Reading], shard: Shards) -> NDArray[np.bool_]:
    """Return whether each reading (n) gives the time of a rendered dial within one minute (n,)."""
    hours = np.array([reading.dial_hours for reading in readings])
    minutes = np.array([reading.minutes for reading in readings])
    apart = np.abs(minutes - np.asarray(shard.minutes))
    apart = np.minimum(apart, 60 * hours - apart)
    return np.asarray(shard.is_clock) & (hours == shard.hours) & (apart <= 1)


def in_scenes(
    reader: ClockReader, shard: SceneShards
) -> tuple[list[Reading], NDArray[np.bool_], int]:
    """Read rendered scenes.

    Returns:
        all readings (n), whether each is the first of a clock (n,), and the number of clocks
    """
    pictures, boxes = zip(*(shard.picture(i) for i in range(len(shard))), strict=True)
    readings: list[Reading] = []
    clock: list[bool] = []
    for result, truth in zip(reader.stream(pictures), boxes, strict=True):
        readings += result.readings
        found = np.array([r.box for r in result.readings], np.float64).reshape(-1, 4)
        clock += match(found, truth, SAME_CLOCK_IOU).tolist()
    return readings, np.array(clock, bool), sum(map(len, boxes))


def match(boxes: Floats, clocks: Floats, min_iou: float) -> NDArray[np.bool_]:
    """Return whether each of the boxes (n, 4), best first, is the first to match a clock (k, 4)."""
    free = np.ones(len(clocks), bool)
    right = np.zeros(len(boxes), bool)
    for i, box in enumerate(boxes):
        if free.any():
            common = ious(box, clocks) * free
            best = int(common.argmax())
            right[i] = common[best] >= min_iou
            free[best] &= not right[i]
    return right


def finding_scores(
    heat: Floats, box: Floats, shard: SceneShards, min_iou: float = SAME_CLOCK_IOU
) -> dict[str, float]:
    """Score a finder's maps of rendered scenes.

    Args:
        heat: (n, CELLS, CELLS) logits
        box: (n, CELLS, CELLS, 4)
        shard: the n scenes
        min_iou: of a detection with a clock, to match it

    Returns:
        average precision, recall at `FALSE_PER_SCENE` and its threshold, the best F1 and its
        threshold
    """
    scores, right, clocks = [], [], 0
    for i in range(len(heat)):
        truth = shard.clocks(i).astype(np.float64)
        boxes, found = peaks(heat[i], box[i], 0.02)
        scores.append(found)
        right.append(match(boxes, truth, min_iou))
        clocks += len(truth)
    score, hit = np.concatenate(scores), np.concatenate(right)
    if not clocks or not len(score):
        none = dict.fromkeys(("average_precision", "recall", "best_f1"), 0.0)
        return {**none, "threshold": 1.0, "best_f1_threshold": 1.0}
    order = np.argsort(-score, kind="stable")
    score, hit = score[order], hit[order]
    hits = np.cumsum(hit)
    recall, precision = hits / clocks, hits / np.arange(1, len(hit) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    few = np.nonzero(np.cumsum(~hit) <= FALSE_PER_SCENE * len(heat))[0]
    last = int(few[-1]) if len(few) else 0
    f1 = 2 * recall * precision / np.maximum(recall + precision, 1e-9)
    best = int(f1.argmax())
    return {
        "average_precision": float(np.sum(np.diff(recall, prepend=0.0) * envelope)),
        "recall": float(recall[last]),
        "threshold": float(score[last]),
        "best_f1": float(f1[best]),
        "best_f1_threshold": float(score[best]),
    }
