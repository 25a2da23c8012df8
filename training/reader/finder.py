"""Training of the network that finds dials in whole photos."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from clockread.geometry import Floats
from training.evaluation import finding_scores
from training.experiment import Settings
from training.reader.finder_batches import FinderBatches
from training.reader.finder_network import (
    SMALL_FINDER,
    FinderConfig,
    box_loss,
    build_finder,
    heat_loss,
)
from training.reader.loop import Schedule, computing_in, finished, fit, run_folder
from training.reader.scene_shards import SceneShards, rendered_scenes
from training.splits import TRAINING, VALIDATION

SCHEDULES = {
    "smoke": Schedule(64, batch=8, steps_per_epoch=8),
    "reduced": Schedule(
        800_000,
        continued=320_000,
        batch=32,
        rate=2e-3,
        average=0.995,
        steps_per_epoch=125,
        precision="mixed_bfloat16",
    ),
    "full": Schedule(2_400_000, batch=32, rate=2e-3),
}
SMALL_SCHEDULES = {
    **SCHEDULES,
    "reduced": Schedule(
        96_000, batch=32, rate=2e-3, average=0.995, steps_per_epoch=125, precision="mixed_bfloat16"
    ),
    "full": Schedule(600_000, batch=32, rate=2e-3),
}
SCENES_PER_SHARD = 4_000


def training_scenes(profile: str, processes: int | None = None) -> list[SceneShards]:
    """The rendered scenes of a profile."""
    if profile == "smoke":
        return [rendered_scenes(TRAINING.start, 40, processes=processes)]
    count = 20 if profile == "reduced" else 40
    return [
        rendered_scenes(
            TRAINING.start + i * SCENES_PER_SHARD, SCENES_PER_SHARD, processes=processes
        )
        for i in range(count)
    ]


def validation_scenes(profile: str, processes: int | None = None) -> SceneShards:
    """Rendered scenes that no training sees."""
    return rendered_scenes(
        VALIDATION.start, 20 if profile == "smoke" else 1000, processes=processes
    )


def trained_finder(
    profile: str, config: FinderConfig | None = None, name: str = "reader/finder"
) -> keras.Model:
    """The finder of a finished run; NotTrainedError where there is none."""
    return finished(build_finder(config), profile, name)


def maps(model: keras.Model, images: NDArray[np.uint8], batch: int = 50) -> tuple[Floats, Floats]:
    """Heat (n, c, c) and box (n, c, c, 4) of scenes (n, SCENE, SCENE)."""
    parts = [
        model(np.asarray(images[i : i + batch]), training=False)
        for i in range(0, len(images), batch)
    ]
    heat, box = (
        np.concatenate([keras.ops.convert_to_numpy(part[name]) for part in parts])
        for name in ("heat", "box")
    )
    return heat, box


def run(settings: Settings) -> dict[str, Any]:
    """Train the finder; the trained weights stay in the run's folder."""
    return _run(settings, SCHEDULES[settings.profile], FinderConfig(), "reader/finder")


def run_small(settings: Settings) -> dict[str, Any]:
    """Train the finder of the model `small`."""
    return _run(settings, SMALL_SCHEDULES[settings.profile], SMALL_FINDER, "reader/finder-small")


def _run(settings: Settings, schedule: Schedule, config: FinderConfig, name: str) -> dict[str, Any]:
    profile = settings.profile
    validation = validation_scenes(profile)
    keras.utils.set_random_seed(schedule.seed)
    with computing_in(schedule.precision):
        model = build_finder(config)
    data = FinderBatches(
        training_scenes(profile), schedule.steps_per_epoch, schedule.batch, schedule.seed
    )

    def validate(model: keras.Model) -> dict[str, float]:
        return finding_scores(*maps(model, validation.images), validation)

    losses = {"heat": heat_loss, "box": box_loss}
    weights = {"heat": 1.0, "box": 0.5}
    folder = run_folder(profile, name)
    return fit(
        model,
        data,
        losses,
        schedule,
        folder,
        loss_weights=weights,
        validate=validate,
        validate_every=4,
        resume=settings.resume,
    )
