"""Training of the pose network."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from clockread.geometry import Floats, Window, compose, decompose, project
from clockread.pose import PosedDial, estimate
from clockread.sampling import PATCH, TO_UNIT
from training.experiment import Settings
from training.reader.batches import PoseBatches
from training.reader.loop import Schedule, computing_in, finished, fit, run_folder
from training.reader.losses import pose_loss
from training.reader.networks import SMALL_POSE, PoseConfig, build_pose
from training.reader.shards import Shards, rendered, rendered_without
from training.splits import TRAINING, VALIDATION

SCHEDULES = {
    "smoke": Schedule(256, batch=16, steps_per_epoch=8),
    "reduced": Schedule(800_000, continued=192_000, rate=2e-3, precision="mixed_bfloat16"),
    "full": Schedule(3_000_000, rate=2e-3),
}
CROPS_PER_SHARD = 30_000
MIX = (
    "varied",
    "hard",
    "watch",
    "tower",
    "varied",
    "shaped",
    "film",
    "hard",
    "drawn",
)  # presets of a shard each
SETS_OF_MIX = 3


def training_shards(profile: str) -> list[Shards]:
    """The rendered crops of a profile."""
    if profile == "smoke":
        return [rendered("varied", TRAINING.start, 200)]
    return [
        rendered(preset, TRAINING.start + i * CROPS_PER_SHARD, CROPS_PER_SHARD)
        for i, preset in enumerate(MIX * SETS_OF_MIX)
    ]


def training_backgrounds(profile: str) -> NDArray[np.uint8]:
    """Crops without a dial, of a profile."""
    return rendered_without(TRAINING.start, 50 if profile == "smoke" else 10_000)


def validation_shard(profile: str, preset: str = "varied") -> Shards:
    """Rendered crops that no training sees."""
    return rendered(
        preset,
        VALIDATION.start,
        50 if profile == "smoke" else {"varied": 2000, "hard": 1000}[preset],
    )


def trained_pose(
    profile: str, config: PoseConfig | None = None, name: str = "reader/pose"
) -> keras.Model:
    """The pose network of a finished run; NotTrainedError where there is none."""
    return finished(build_pose(config), profile, name)


def find_poses(model: keras.Model, images: NDArray[np.uint8], batch: int = 256) -> Floats:
    """Poses (n, 7) in unit coordinates by `clockread.pose.estimate`, of stored crops (n, PATCH, PATCH)."""

    def network(patches: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        found = model(patches, training=False)
        return np.asarray(keras.ops.convert_to_numpy(found["pose"]), np.float64), np.asarray(
            keras.ops.convert_to_numpy(found["dial"])
        )

    whole = Window((PATCH - 1) / 2, (PATCH - 1) / 2, PATCH)
    posed: list[PosedDial] = []
    for start in range(0, len(images), batch):
        part = [np.asarray(image) for image in images[start : start + batch]]
        posed += estimate(part, [whole] * len(part), network)
    return decompose(TO_UNIT @ np.stack([dial.homography for dial in posed]))[0]


def pose_errors(found: Floats, shard: Shards) -> dict[str, float]:
    """Centre and rim error in true radii: median and 90th percentile over (n, 7) poses in unit coordinates."""
    points = np.array([[0.0, 0.0], *([np.sin(a), -np.cos(a)] for a in np.arange(8) * np.pi / 4)])
    true = decompose(TO_UNIT @ shard.homography[: len(found)].astype(np.float64))[0]
    away = np.linalg.norm(project(compose(found), points) - project(compose(true), points), axis=-1)
    away /= np.sqrt(true[:, 2] * true[:, 4] - true[:, 3] ** 2)[:, None]
    centre, rim = away[:, 0], away[:, 1:].mean(axis=1)
    return {
        "centre_median": float(np.median(centre)),
        "centre_p90": float(np.quantile(centre, 0.9)),
        "rim_median": float(np.median(rim)),
        "rim_p90": float(np.quantile(rim, 0.9)),
    }


def run(settings: Settings) -> dict[str, Any]:
    """Train the pose network; the trained weights stay in the run's folder."""
    return _run(settings, PoseConfig(), "reader/pose")


def run_small(settings: Settings) -> dict[str, Any]:
    """Train the pose network of the model `small`."""
    return _run(settings, SMALL_POSE, "reader/pose-small")


def _run(settings: Settings, config: PoseConfig, name: str) -> dict[str, Any]:
    profile = settings.profile
    validation = validation_shard(profile)
    schedule = SCHEDULES[profile]
    keras.utils.set_random_seed(schedule.seed)
    with computing_in(schedule.precision):
        model = build_pose(config)
    data = PoseBatches(
        training_shards(profile),
        training_backgrounds(profile),
        schedule.steps_per_epoch,
        schedule.batch,
        schedule.seed,
    )

    def validate(model: keras.Model) -> dict[str, float]:
        return pose_errors(find_poses(model, validation.images), validation)

    losses = {"pose": pose_loss, "dial": keras.losses.BinaryCrossentropy(from_logits=True)}
    weights = {"pose": 1.0, "dial": 0.1}
    return fit(
        model,
        data,
        losses,
        schedule,
        run_folder(profile, name),
        loss_weights=weights,
        validate=validate,
        resume=settings.resume,
    )


assert PATCH % 32 == 0  # five halvings
