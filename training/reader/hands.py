"""Data and validation of the reading network, which reads the hands from a polar image."""

from __future__ import annotations

import hashlib
import io
from dataclasses import fields

import keras
import numpy as np
from numpy.typing import NDArray

from clockread.clock import minutes_apart
from clockread.data import write_whole
from clockread.geometry import Floats, Window, bounding_box, compose, decompose
from clockread.hands import MAX_PASSES, HandsNetwork, HandsOutput, read_hands, read_refined
from clockread.pose import PATCH_MARGIN, PosedDial
from clockread.sampling import FROM_UNIT, TO_UNIT, crop_window
from training.reader.batches import HandsBatches, random_similarity, warp_patch
from training.reader.loop import Schedule, Validation, finished, finished_weights
from training.reader.losses import circular_cross_entropy, pose_loss
from training.reader.networks import HEADS, build_pose
from training.reader.pose import (
    find_poses,
    pose_errors,
    training_backgrounds,
    training_shards,
    validation_shard,
)
from training.reader.shards import Shards

DIGEST = 12  # hexadecimal digits of a weights' file in a file name
POSE_RUN = "reader/pose"  # the network whose poses this one is trained and validated with
LOSSES = {
    **dict.fromkeys(HEADS, circular_cross_entropy),
    "has_second": keras.losses.BinaryCrossentropy(from_logits=True),
    "change": pose_loss,
}
LOSS_WEIGHTS = {
    "hour": 1.0,
    "minute": 1.0,
    "twelve": 0.6,
    "second": 0.25,
    "has_second": 0.15,
    "change": 4.0,
}


def found_poses(profile: str, shards: list[Shards]) -> list[NDArray[np.float32]]:
    """Return the pose network's poses (n, 1, 7) of every crop, per shard.

    They are kept on disk, by the shard's folder and the network's weights: a file is never taken
    for that of other crops or of another network.
    """
    weights = finished_weights(profile, POSE_RUN)
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()[:DIGEST]
    model: keras.Model | None = None
    found = []
    for i, shard in enumerate(shards):
        file = weights.parent / f"found-{i}-{shard.name}-{digest}.npy"
        if not file.exists():
            model = model or finished(build_pose(), profile, POSE_RUN)
            content = io.BytesIO()
            np.save(content, _poses_of(model, shard, np.random.default_rng(i)))
            write_whole(file, content.getvalue())
        found.append(np.load(file))
    return found


def _poses_of(model: keras.Model, shard: Shards, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return poses (n, 1, 7), each from another crop of its dial, as the finder's boxes vary."""
    out = np.empty((len(shard), 1, 7), np.float32)
    for start in range(0, len(shard), 1000):
        images = np.asarray(shard.images[start : start + 1000])
        moves = [random_similarity(rng, 0.0, (0.85, 1.2), 0.05) for _ in images]
        crops = [warp_patch(image, move) for image, move in zip(images, moves, strict=True)]
        back = [
            TO_UNIT @ np.linalg.inv(move) @ FROM_UNIT @ compose(pose)
            for move, pose in zip(moves, find_poses(model, np.stack(crops)), strict=True)
        ]
        out[start : start + len(images), 0] = decompose(np.stack(back))[0]
    return out


def posed_by(images: NDArray[np.uint8], poses: Floats) -> list[PosedDial]:
    """Return stored crops as posed dials, cropped again around the dial as the reader does it.

    Args:
        images: Crops (n, PATCH, PATCH).
        poses: Poses (n, 7) in unit coordinates.

    """
    posed = []
    for image, pose in zip(images, poses, strict=True):
        homography = FROM_UNIT @ compose(pose)
        patch, window = crop_window(image, Window.around(bounding_box(homography), PATCH_MARGIN))
        posed.append(PosedDial(homography, 0.0, patch, window))
    return posed


def network_of(model: keras.Model) -> HandsNetwork:
    """Return a Keras model as the function that the reader calls."""

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
    """Return the shares of times (n,) that are right within 0, 1 and 5 minutes."""
    away = minutes_apart(found, true)
    return {f"within_{k}": float((away <= k).mean()) for k in (0, 1, 5)}


def batches(profile: str, schedule: Schedule) -> HandsBatches:
    """Return the training batches of a profile; a third of the shards has found poses."""
    shards = training_shards(profile)
    found = found_poses(profile, shards[: max(1, len(shards) // 3)])
    return HandsBatches(shards, found, training_backgrounds(profile), schedule)


def validation(profile: str) -> Validation:
    """Return the errors of times and refined poses, as a function of a network.

    The crops are those of two presets with found poses, and those of `varied` with true poses,
    whose times only are compared.
    """
    pose_model = finished(build_pose(), profile, POSE_RUN)
    sets = {preset: validation_shard(profile, preset) for preset in ("varied", "hard")}
    posed = {name: posed_by(s.images, find_poses(pose_model, s.images)) for name, s in sets.items()}
    varied = sets["true_pose"] = sets["varied"]
    true = decompose(TO_UNIT @ varied.homography.astype(np.float64))[0]
    posed["true_pose"] = posed_by(varied.images, true)

    def validate(model: keras.Model) -> dict[str, float]:
        out = {}
        for name, dials in posed.items():
            passes = 1 if name == "true_pose" else MAX_PASSES
            refined, seen = read_refined(dials, network_of(model), passes)
            minutes = np.array([hands.minutes for hands in read_hands(seen)])
            figures = time_errors(minutes, sets[name].minutes)
            if name != "true_pose":
                poses = decompose(TO_UNIT @ np.stack([dial.homography for dial in refined]))[0]
                figures |= pose_errors(poses, sets[name])
            out.update({f"{name}_{k}": v for k, v in figures.items()})
        return out

    return validate
