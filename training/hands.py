"""Training of the network that reads the hands from a polar image."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from clockread.geometry import Floats, Window, bounding_box, compose, decompose
from clockread.hands import unwrap_posed
from clockread.patches import FROM_UNIT, TO_UNIT, cut
from clockread.pose import REFINED_MARGIN, Posed
from clockread.timecode import Decoded, circular_difference, decode
from training.batches import HandsBatches, similarity
from training.fit import Schedule, finished, fit, run_folder
from training.losses import circular_cross_entropy
from training.networks import HEADS, HandsConfig, build_hands
from training.pose import find_poses, trained_pose, training_shards, validation_shard
from training.shards import Shards

SCHEDULES = {"smoke": Schedule(256, batch=16, steps_per_epoch=8), "reduced": Schedule(640_000), "full": Schedule(6_000_000)}
LOSS_WEIGHTS = {"hour": 1.0, "minute": 1.0, "twelve": 0.6}


def trained_hands(profile: str) -> keras.Model:
    """The reading network of a finished run; FileNotFoundError where there is none."""
    return finished(build_hands(), profile, "reader/hands")


def found_poses(profile: str, shards: list[Shards]) -> list[NDArray[np.float32]]:
    """What the pose network says of every stored crop, (n, 1, 7) a shard; kept on disk beside the run."""
    import cv2

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
                moved = [
                    cv2.warpPerspective(im, m, im.shape[::-1], borderMode=cv2.BORDER_REPLICATE) for im, m in zip(images, moves, strict=True)
                ]
                poses = find_poses(model, np.stack(moved))
                back = [TO_UNIT @ np.linalg.inv(m) @ FROM_UNIT @ compose(p) for m, p in zip(moves, poses, strict=True)]
                out[start : start + len(images), 0] = decompose(np.stack(back))[0]
            np.save(file, out)
        found.append(np.load(file))
    return found


def unwrapped(images: NDArray[np.uint8], poses: Floats) -> NDArray[np.uint8]:
    """Polar images of stored crops by poses in unit coordinates, cut again about the found dial as the reader does."""
    posed = []
    for image, pose in zip(images, poses, strict=True):
        homography = FROM_UNIT @ compose(pose)
        patch, window = cut(image, Window.around(bounding_box(homography), REFINED_MARGIN))
        posed.append(Posed(homography, 0.0, patch, window))
    return unwrap_posed(posed)


def read(model: keras.Model, polar: NDArray[np.uint8], prior: Floats | None = None) -> Decoded:
    """Decode polar images (n, ANGLES, RADII) with a Keras model."""
    parts = [model(polar[i : i + 250], training=False) for i in range(0, len(polar), 250)]
    hour, minute, twelve = (np.concatenate([np.asarray(keras.ops.convert_to_numpy(p[head])) for p in parts]) for head in HEADS)
    return decode(hour, minute, twelve, prior)


def time_errors(found: NDArray[np.integer], true: NDArray[np.integer]) -> dict[str, float]:
    """Shares right within 0, 1 and 5 minutes."""
    away = np.abs(circular_difference(found, true, 720))
    return {f"within_{k}": float((away <= k).mean()) for k in (0, 1, 5)}


def run(profile: str, *, resume: bool, config: HandsConfig | None = None) -> dict[str, Any]:
    """Train the reading network on half true, half found poses; the trained weights stay in the run's folder."""
    schedule = SCHEDULES[profile]
    shards = training_shards(profile)
    found = found_poses(profile, shards[: max(1, len(shards) // 2)])
    pose_model = trained_pose(profile)
    sets = {preset: validation_shard(profile, preset) for preset in ("varied", "hard")}
    polars = {name: unwrapped(s.images, find_poses(pose_model, s.images)) for name, s in sets.items()}
    true_poses = decompose(TO_UNIT @ sets["varied"].homography.astype(np.float64))[0]
    polars["true_pose"] = unwrapped(sets["varied"].images, true_poses)
    sets["true_pose"] = sets["varied"]

    def validate(model: keras.Model) -> dict[str, float]:
        out = {}
        for name, polar in polars.items():
            errors = time_errors(read(model, polar).minutes, sets[name].minutes)
            out.update({f"{name}_{k}": v for k, v in errors.items()})
        return out

    keras.utils.set_random_seed(schedule.seed)
    model = build_hands(config)
    data = HandsBatches(shards, found, schedule.steps_per_epoch, schedule.batch, schedule.seed)
    losses = dict.fromkeys(HEADS, circular_cross_entropy)
    return fit(
        model, data, losses, schedule, run_folder(profile, "reader/hands"), loss_weights=LOSS_WEIGHTS, validate=validate, resume=resume
    )
