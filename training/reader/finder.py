"""Data and validation of the finder, which detects dials in whole photos."""

from __future__ import annotations

import keras
import numpy as np
from numpy.typing import NDArray

from clockread.geometry import Floats
from training.evaluation import finding_scores
from training.reader.finder_batches import FinderBatches
from training.reader.loop import Schedule, Validation
from training.reader.scene_shards import VALIDATION_SCENES, SceneShards, rendered_scenes
from training.splits import TRAINING, VALIDATION

SCENES_PER_SHARD = 4_000


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
    return rendered_scenes(VALIDATION.start, 20 if profile == "smoke" else VALIDATION_SCENES)


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
