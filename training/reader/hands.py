"""Training of the network that reads the hands from a polar image."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from clockread.clock import circular_difference
from clockread.geometry import Floats, Window, bounding_box, compose, decompose
from clockread.hands import MAX_PASSES, HandsNetwork, HandsOutput, read_hands, read_refined
from clockread.pose import PATCH_MARGIN, PosedDial
from clockread.sampling import FROM_UNIT, TO_UNIT, crop_window
from training.experiment import Settings
from training.reader.batches import HandsBatches, moved, similarity
from training.reader.loop import Schedule, computing_in, finished, fit, run_folder
from training.reader.losses import circular_cross_entropy, pose_loss
from training.reader.networks import HEADS, SMALL_HANDS, HandsConfig, build_hands
from training.reader.pose import (
    find_poses,
    pose_errors,
    trained_pose,
    training_backgrounds,
    training_shards,
    validation_shard,
)
from training.reader.shards import Shards

SCHEDULES = {
    "smoke": Schedule(256, batch=16, steps_per_epoch=8),
    "reduced": Schedule(2_800_000, continued=560_000, precision="mixed_bfloat16"),
    "full": Schedule(12_000_000),
}
SMALL_SCHEDULES = {
    **SCHEDULES,
    "reduced": Schedule(500_000, continued=160_000, precision="mixed_bfloat16"),
    "full": Schedule(4_000_000),
}
LOSS_WEIGHTS = {
    "hour": 1.0,
    "minute": 1.0,
    "twelve": 0.6,
    "second": 0.25,
    "has_second": 0.15,
    "change": 4.0,
}


def trained_hands(
    profile: str, config: HandsConfig | None = None, name: str = "reader/hands"
) -> keras.Model:
    """The reading network of a finished run; NotTrainedError where there is none."""
    return finished(build_hands(config), profile, name)


def found_poses(profile: str, shards: list[Shards]) -> list[NDArray[np.float32]]:
    """What the pose network says of every stored crop, (n, 1, 7) a shard; kept on disk beside the run."""
    folder = run_folder(profile, "reader/pose")
    model: keras.Model | None = None
    found = []
    for i, shard in enumerate(shards):
        file = folder / f"found-{i}-{len(shard)}.npy"
        if not file.exists():
            model = model or trained_pose(profile)
            rng = np.random.default_rng(i)
            out = np.empty((len(shard), 1, 7), np.float32)
            for start in range(0, len(shard), 1000):
                # from another crop of the same dial, as the finder's boxes vary
                images = np.asarray(shard.images[start : start + 1000])
                moves = [similarity(rng, 0.0, (0.85, 1.2), 0.05) for _ in images]
                poses = find_poses(
                    model,
                    np.stack([moved(image, m) for image, m in zip(images, moves, strict=True)]),
                )
                back = [
                    TO_UNIT @ np.linalg.inv(m) @ FROM_UNIT @ compose(p)
                    for m, p in zip(moves, poses, strict=True)
                ]
                out[start : start + len(images), 0] = decompose(np.stack(back))[0]
            np.save(file, out)
        found.append(np.load(file))
    return found


def posed_by(images: NDArray[np.uint8], poses: Floats) -> list[PosedDial]:
    """Stored crops by poses in unit coordinates, cut again about the dial as the reader does."""
    posed = []
    for image, pose in zip(images, poses, strict=True):
        homography = FROM_UNIT @ compose(pose)
        patch, window = crop_window(image, Window.around(bounding_box(homography), PATCH_MARGIN))
        posed.append(PosedDial(homography, 0.0, patch, window))
    return posed


def network_of(model: keras.Model) -> HandsNetwork:
    """A Keras model as the reader calls it."""

    def network(polar: NDArray[np.uint8]) -> HandsOutput:
        parts = [model(polar[i : i + 250], training=False) for i in range(0, len(polar), 250)]
        return HandsOutput(
            *(
                np.concatenate([np.asarray(keras.ops.convert_to_numpy(p[f.name])) for p in parts])
                for f in fields(HandsOutput)
            )
        )

    return network


def time_errors(found: NDArray[np.integer], true: NDArray[np.integer]) -> dict[str, float]:
    """Shares right within 0, 1 and 5 minutes."""
    away = np.abs(circular_difference(found, true, 720))
    return {f"within_{k}": float((away <= k).mean()) for k in (0, 1, 5)}


def hands_losses() -> dict[str, Any]:
    """The loss of each output; `LOSS_WEIGHTS` weighs them."""
    binary = keras.losses.BinaryCrossentropy(from_logits=True)
    return {
        **dict.fromkeys(HEADS, circular_cross_entropy),
        "has_second": binary,
        "change": pose_loss,
    }


def run(settings: Settings) -> dict[str, Any]:
    """Train the reading network; the trained weights stay in the run's folder."""
    return _run(settings, SCHEDULES[settings.profile], HandsConfig(), "reader/hands")


def run_small(settings: Settings) -> dict[str, Any]:
    """Train the reading network of the model `small`."""
    return _run(settings, SMALL_SCHEDULES[settings.profile], SMALL_HANDS, "reader/hands-small")


def _run(settings: Settings, schedule: Schedule, config: HandsConfig, name: str) -> dict[str, Any]:
    """Train on true poses, of a third of the dials mostly on found ones."""
    profile = settings.profile
    shards = training_shards(profile)
    found = found_poses(profile, shards[: max(1, len(shards) // 3)])
    pose_model = trained_pose(profile)
    sets = {preset: validation_shard(profile, preset) for preset in ("varied", "hard")}
    posed = {name: posed_by(s.images, find_poses(pose_model, s.images)) for name, s in sets.items()}
    sets["true_pose"] = sets["varied"]
    posed["true_pose"] = posed_by(
        sets["varied"].images, decompose(TO_UNIT @ sets["varied"].homography.astype(np.float64))[0]
    )

    def validate(model: keras.Model) -> dict[str, float]:
        out = {}
        for of, dials in posed.items():
            better, seen = read_refined(
                dials, network_of(model), 1 if of == "true_pose" else MAX_PASSES
            )
            minutes = np.array([hands.minutes for hands in read_hands(seen)])
            figures = time_errors(minutes, sets[of].minutes)
            poses = decompose(TO_UNIT @ np.stack([dial.homography for dial in better]))[0]
            out.update(
                {f"{of}_{k}": v for k, v in (figures | pose_errors(poses, sets[of])).items()}
            )
        return out

    keras.utils.set_random_seed(schedule.seed)
    with computing_in(schedule.precision):
        model = build_hands(config)
    data = HandsBatches(
        shards,
        found,
        training_backgrounds(profile),
        schedule.steps_per_epoch,
        schedule.batch,
        schedule.seed,
    )
    folder = run_folder(profile, name)
    losses = hands_losses()
    return fit(
        model,
        data,
        losses,
        schedule,
        folder,
        loss_weights=LOSS_WEIGHTS,
        validate=validate,
        validate_every=20,
        resume=settings.resume,
    )
