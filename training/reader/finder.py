"""Data and validation of the finder, which detects dials in whole photos."""

from __future__ import annotations

import keras
import numpy as np
from numpy.typing import NDArray

from clockread.finder import ious, peaks
from clockread.geometry import Floats
from training.reader.finder_batches import FinderBatches
from training.reader.loop import Schedule, Validation
from training.reader.scene_shards import SceneShards, rendered_scenes
from training.splits import TRAINING, VALIDATION

SCENES_PER_SHARD = 4_000
MATCH_IOU = 0.5  # least intersection over union of a detection and a clock that match
FALSE_PER_SCENE = 0.1  # false detections per scene at which recall is measured


def training_scenes(profile: str) -> list[SceneShards]:
    """Return the rendered training scenes of a profile."""
    if profile == "smoke":
        return [rendered_scenes(TRAINING.start, 40)]
    return [
        rendered_scenes(TRAINING[i * SCENES_PER_SHARD], SCENES_PER_SHARD)
        for i in range(20 if profile == "reduced" else 40)
    ]


def validation_scenes(profile: str) -> SceneShards:
    """Return rendered scenes that are not used in training."""
    return rendered_scenes(VALIDATION.start, 20 if profile == "smoke" else 1000)


def batches(profile: str, schedule: Schedule) -> FinderBatches:
    """Return the training batches of a profile."""
    return FinderBatches(training_scenes(profile), schedule)


def validation(profile: str) -> Validation:
    """Return `finding_scores` on the validation scenes of a profile, as a function of a finder."""
    scenes = validation_scenes(profile)
    return lambda model: finding_scores(*maps(model, scenes.images), scenes)


def maps(model: keras.Model, images: NDArray[np.uint8], batch: int = 50) -> tuple[Floats, Floats]:
    """Return the heat (n, c, c) and box (n, c, c, 4) maps of scenes (n, SCENE, SCENE)."""
    parts = [
        model(np.asarray(images[i : i + batch]), training=False)
        for i in range(0, len(images), batch)
    ]
    heat, box = (
        np.concatenate([keras.ops.convert_to_numpy(part[name]) for part in parts])
        for name in ("heat", "box")
    )
    return heat, box


def match(boxes: Floats, clocks: Floats, iou: float) -> NDArray[np.bool_]:
    """Return whether each of the boxes (n, 4), best first, matches a clock (k, 4) of its own."""
    free = np.ones(len(clocks), bool)
    right = np.zeros(len(boxes), bool)
    for i, box in enumerate(boxes):
        if free.any():
            common = ious(box, clocks) * free
            best = int(common.argmax())
            right[i] = common[best] >= iou
            free[best] &= not right[i]
    return right


def finding_scores(heat: Floats, box: Floats, shard: SceneShards) -> dict[str, float]:
    """Return the detection figures of a finder on scenes.

    Args:
        heat: Heat maps (n, c, c) of the scenes, see `maps`.
        box: Box maps (n, c, c, 4).
        shard: The scenes.

    Returns:
        Average precision, recall at `FALSE_PER_SCENE` and best F1, the latter with thresholds.

    """
    scores, right, clocks = [], [], 0
    for i in range(len(heat)):
        truth = shard.clocks(i).astype(np.float64)
        boxes, found = peaks(heat[i], box[i], 0.02)
        scores.append(found)
        right.append(match(boxes, truth, MATCH_IOU))
        clocks += len(truth)
    score, hit = np.concatenate(scores), np.concatenate(right)
    if not clocks or not len(score):
        nothing = dict.fromkeys(("average_precision", "recall", "best_f1"), 0.0)
        return {**nothing, "threshold": 1.0, "best_f1_threshold": 1.0}
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
