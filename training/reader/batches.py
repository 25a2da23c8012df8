"""Training batches: stored crops, warped anew in every epoch, with exactly recomputed labels."""

from __future__ import annotations

import math
from typing import Any

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from clockread.clock import circular_difference
from clockread.geometry import compose, decompose, project, rim
from clockread.sampling import ANGLES, FROM_UNIT, PATCH, RADII, TO_UNIT, unwrap
from training.dials.canvas import Grey
from training.reader.loop import Schedule
from training.reader.networks import BINS, HEADS, MEAN_POSE
from training.reader.shards import Shards

Rng = np.random.Generator
WITHOUT_OF_POSES, WITHOUT_OF_HANDS = 0.12, 0.05  # shares of samples without a dial
TARGET_DEVIATION = 2.4  # degrees, of the soft targets
_RIM = rim(16)


def random_similarity(
    rng: Rng, turn: float, scale: tuple[float, float], shift: float
) -> NDArray[np.float64]:
    """Draw a random similarity (3, 3) around the center of a patch, stretched a little (3 %).

    Args:
        rng: The random generator.
        turn: Probability of an arbitrary rotation; otherwise it is small.
        scale: Range of the log-uniform scale.
        shift: Standard deviation of the shift, in half sides of the patch.

    """
    angle = rng.uniform(-math.pi, math.pi) if rng.random() < turn else rng.normal(0, 0.06)
    size = math.exp(rng.uniform(math.log(scale[0]), math.log(scale[1])))
    stretch = math.exp(rng.normal(0, 0.03))
    dx, dy = rng.normal(0, shift * PATCH / 2, 2)
    c, s, m = math.cos(angle) * size, math.sin(angle) * size, (PATCH - 1) / 2
    out = np.array([[c * stretch, -s, m + dx], [s * stretch, c, m + dy], [0, 0, 1.0]])
    return out @ np.array([[1, 0, -m], [0, 1, -m], [0, 0, 1.0]])


def augment_exposure(rng: Rng, image: Grey) -> Grey:
    """Change gamma and contrast at random; sometimes, also invert the image or add noise."""
    if rng.random() < 0.5:
        ramp = np.arange(256) / 255.0
        gain, gamma = math.exp(rng.normal(0, 0.2)), math.exp(rng.normal(0, 0.2))
        curve = (ramp**gamma - 0.5) * 255 * gain + 127.5 + rng.normal(0, 10)
        table = np.clip(curve, 0, 255).astype(np.uint8)
        if rng.random() < 0.15:
            table = 255 - table
        image = cv2.LUT(image, table)
    if rng.random() < 0.15:
        noise = rng.normal(0, rng.uniform(1, 8), image.shape).astype(np.float32)
        image = cv2.add(image, noise, dtype=cv2.CV_8U)
    return image


class Batches(keras.utils.PyDataset):
    """An endless data set; its samples depend only on the schedule's seed and on the epoch.

    `training.reader.loop.fit` sets the epoch.
    """

    def __init__(self, schedule: Schedule) -> None:
        super().__init__()
        self.batch, self.seed, self._steps = schedule.batch, schedule.seed, schedule.steps_per_epoch
        self.epoch = 0

    def __len__(self) -> int:
        return self._steps


def warp_patch(image: Grey, move: NDArray[np.float64]) -> Grey:
    """Warp a stored crop by a homography (3, 3) of its pixels; its border is repeated."""
    size, border = (PATCH, PATCH), cv2.BORDER_REPLICATE
    warped = cv2.warpPerspective(image, move, size, flags=cv2.INTER_LINEAR, borderMode=border)
    return np.asarray(warped, dtype=np.uint8)


class PoseBatches(Batches):
    """Patches (n, PATCH, PATCH) with the targets `pose` (n, 8) and `dial` (n, 1).

    ``pose`` holds the pose in unit coordinates, and 1 for a dial or 0 for a background, whose pose
    is ignored. ``dial`` is that last column.
    """

    def __init__(
        self, shards: list[Shards], without: NDArray[np.uint8], schedule: Schedule
    ) -> None:
        super().__init__(schedule)
        self.shards, self.without = shards, without

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        rng = np.random.default_rng((self.seed, self.epoch, index))
        images = np.empty((self.batch, PATCH, PATCH), np.uint8)
        poses = np.zeros((self.batch, 8), np.float32)
        poses[:, :7] = MEAN_POSE
        for i in range(self.batch):
            if rng.random() < WITHOUT_OF_POSES:
                move = random_similarity(rng, 1.0, (0.6, 1.7), 0.1)
                background = self.without[rng.integers(len(self.without))]
                images[i] = augment_exposure(rng, warp_patch(background, move))
                continue
            shard = self.shards[rng.integers(len(self.shards))]
            k = rng.integers(len(shard))
            move = random_similarity(rng, 0.5, (0.75, 1.3), 0.05)
            images[i] = augment_exposure(rng, warp_patch(shard.images[k], move))
            poses[i, :7] = decompose(TO_UNIT @ move @ shard.homography[k].astype(np.float64))[0]
            poses[i, 7] = 1
        return images, {"pose": poses, "dial": poses[:, 7:]}


def jitter_pose(rng: Rng, pose: NDArray[np.floating], strength: float) -> NDArray[np.float64]:
    """Return a pose (7,) with random errors like the pose network's, in proportion to strength."""
    p = np.array(pose, dtype=np.float64)
    radius = math.sqrt(max(1e-6, p[2] * p[4] - p[3] ** 2))
    amount = strength * (1.0 if rng.random() < 0.85 else 2.2)
    p[:2] += rng.normal(0, 0.025 * amount * radius, 2)
    p[2:5] = p[2:5] * math.exp(rng.normal(0, 0.05 * amount)) + rng.normal(
        0, 0.025 * amount * radius, 3
    )
    p[5:7] += rng.normal(0, 0.04 * amount, 2)
    return p


def seen_rotation(true: NDArray[np.floating], assumed: NDArray[np.floating]) -> float:
    """Return the degrees by which a dial appears rotated if it is unwrapped by an assumed pose.

    It is the least-squares rotation of the rim. Both hands get the same offset, so that the targets
    are an exact time. Both homographies (3, 3) are from the dial plane to pixels.
    """
    seen = project(np.linalg.inv(assumed), project(true, _RIM))
    a = np.arctan2(seen[:, 0], -seen[:, 1]) - np.arctan2(_RIM[:, 0], -_RIM[:, 1])
    return math.degrees(math.atan2(np.sin(a).mean(), np.cos(a).mean()))


def soft_targets(degrees: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return wrapped normal distributions (n, BINS) around degrees (n,); uniform for nan."""
    bins = np.arange(BINS) * (360.0 / BINS)
    away = circular_difference(bins, np.asarray(degrees)[:, None], 360.0)
    bump = np.where(np.isnan(away), 1.0, np.exp(-0.5 * (away / TARGET_DEVIATION) ** 2))
    return (bump / bump.sum(axis=1, keepdims=True)).astype(np.float32)


class HandsBatches(Batches):
    """Polar images (n, ANGLES, RADII) with a target for every output of `networks.build_hands`.

    Most crops of a shard with ``found`` poses (n, k, 7), k tries per crop by the pose network in
    unit coordinates, are unwrapped by these; other crops by the true pose with random jitter, from
    slight to severe, because the reader refines poses. The grid starts at a random angle, so
    rotation costs nothing. Without a dial, all angles are equally likely; ``change`` has an eighth
    column as in `PoseBatches`. ``lit`` says whether the exposure is augmented.
    """

    def __init__(
        self,
        shards: list[Shards],
        found: list[NDArray[np.float32]],
        without: NDArray[np.uint8],
        schedule: Schedule,
        *,
        lit: bool = True,
    ) -> None:
        super().__init__(schedule)
        self.shards, self.found, self.without, self.lit = shards, found, without, lit

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        rng = np.random.default_rng((self.seed, self.epoch, index, 1))
        images = np.empty((self.batch, ANGLES, RADII), np.uint8)
        angles = np.full((len(HEADS), self.batch), np.nan)
        changes = np.zeros((self.batch, 8), np.float32)
        changes[:, [2, 4]] = 1.0
        for i in range(self.batch):
            if rng.random() < WITHOUT_OF_HANDS:
                somewhere = FROM_UNIT @ compose(
                    jitter_pose(rng, MEAN_POSE, 4.0), rng.uniform(-180, 180)
                )
                images[i] = self._seen(
                    rng, self.without[rng.integers(len(self.without))], somewhere
                )
                continue
            s = int(rng.integers(len(self.shards)))
            shard = self.shards[s]
            k = int(rng.integers(len(shard)))
            true = shard.homography[k].astype(np.float64)
            if s < len(self.found) and rng.random() < 0.6:
                pose = jitter_pose(
                    rng, self.found[s][k, rng.integers(self.found[s].shape[1])], 0.25
                )
            else:
                pose = jitter_pose(rng, decompose(TO_UNIT @ true)[0], 1.6 * rng.random() ** 1.5)
            assumed = FROM_UNIT @ compose(pose, rng.uniform(-180, 180))
            images[i] = self._seen(rng, shard.images[k], assumed)
            twelve = seen_rotation(true, assumed)
            angles[:, i] = twelve + np.array(
                [shard.hour_angle[k], shard.minute_angle[k], 0.0, shard.second_angle[k]]
            )
            changes[i, :7], changes[i, 7] = decompose(np.linalg.inv(assumed) @ true)[0], 1
        targets = {head: soft_targets(angles[j]) for j, head in enumerate(HEADS)}
        has_second = ~np.isnan(angles[3])
        targets["second"][~has_second] = 0.0  # there is no place to learn
        return images, {
            **targets,
            "has_second": has_second[:, None].astype(np.float32),
            "change": changes,
        }

    def _seen(self, rng: Rng, crop: Grey, homography: NDArray[np.float64]) -> Grey:
        polar = unwrap(crop, homography)
        return augment_exposure(rng, polar) if self.lit else polar
