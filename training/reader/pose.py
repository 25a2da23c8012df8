"""Data and validation of the pose network."""

from __future__ import annotations

import keras
import numpy as np
from numpy.typing import NDArray

from clockread.geometry import Floats, Window, compose, decompose, project
from clockread.pose import PosedDial, estimate
from clockread.sampling import PATCH, TO_UNIT
from training.reader.batches import PoseBatches
from training.reader.loop import Schedule, Validation
from training.reader.losses import CENTER_AND_RIM
from training.reader.shards import Shards, rendered, rendered_without
from training.splits import TRAINING, VALIDATION

CROPS_PER_SHARD = 30_000
# Presets of the renderer, one shard each.
MIX = ("varied", "hard", "watch", "tower", "varied", "shaped", "film", "hard", "drawn")
SETS_OF_MIX = 3
VALIDATION_DIALS = {"varied": 2000, "hard": 1000}  # by preset


def training_shards(profile: str) -> list[Shards]:
    """Return the rendered training crops of a profile."""
    if profile == "smoke":
        return [rendered("varied", TRAINING.start, 200)]
    return [
        rendered(preset, TRAINING[i * CROPS_PER_SHARD], CROPS_PER_SHARD)
        for i, preset in enumerate(MIX * SETS_OF_MIX)
    ]


def training_backgrounds(profile: str) -> NDArray[np.uint8]:
    """Return the crops without a dial (n, PATCH, PATCH) of a profile."""
    return rendered_without(TRAINING.start, 50 if profile == "smoke" else 10_000)


def validation_shard(profile: str, preset: str = "varied") -> Shards:
    """Return rendered crops that are not used in training."""
    count = 50 if profile == "smoke" else VALIDATION_DIALS[preset]
    return rendered(preset, VALIDATION.start, count)


def batches(profile: str, schedule: Schedule) -> PoseBatches:
    """Return the training batches of a profile."""
    return PoseBatches(training_shards(profile), training_backgrounds(profile), schedule)


def validation(profile: str) -> Validation:
    """Return `pose_errors` on the validation crops of a profile, as a function of a network."""
    shard = validation_shard(profile)
    return lambda model: pose_errors(find_poses(model, shard.images), shard)


def find_poses(model: keras.Model, images: NDArray[np.uint8], batch: int = 256) -> Floats:
    """Return the poses (n, 7), in unit coordinates, of stored crops (n, PATCH, PATCH)."""

    def network(patches: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        outputs = model(patches, training=False)
        pose, dial = (keras.ops.convert_to_numpy(outputs[name]) for name in ("pose", "dial"))
        return np.asarray(pose, np.float64), np.asarray(dial)

    posed: list[PosedDial] = []
    for start in range(0, len(images), batch):
        part = [np.asarray(image) for image in images[start : start + batch]]
        posed += estimate(part, [Window.whole(PATCH)] * len(part), network)
    return decompose(TO_UNIT @ np.stack([dial.homography for dial in posed]))[0]


def pose_errors(found: Floats, shard: Shards) -> dict[str, float]:
    """Return median and 90th percentile of the center's and the rim's error, in true radii.

    Args:
        found: Poses (n, 7) in unit coordinates.
        shard: At least n crops, with the true poses.

    """
    true = decompose(TO_UNIT @ shard.homography[: len(found)].astype(np.float64))[0]
    away = project(compose(found), CENTER_AND_RIM) - project(compose(true), CENTER_AND_RIM)
    away = np.linalg.norm(away, axis=-1)
    away /= np.sqrt(true[:, 2] * true[:, 4] - true[:, 3] ** 2)[:, None]
    center, rim = away[:, 0], away[:, 1:].mean(axis=1)
    return {
        "centre_median": float(np.median(center)),
        "centre_p90": float(np.quantile(center, 0.9)),
        "rim_median": float(np.median(rim)),
        "rim_p90": float(np.quantile(rim, 0.9)),
    }
