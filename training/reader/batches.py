"""Training batches: stored crops, moved and turned anew for every epoch, with their labels recomputed exactly."""

from __future__ import annotations

import math
from typing import Any

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from clockread.geometry import compose, decompose, project
from clockread.sampling import ANGLES, FROM_UNIT, PATCH, RADII, TO_UNIT, unwrap
from training.dials.canvas import Grey
from training.reader.networks import BINS, HEADS
from training.reader.shards import Shards

Rng = np.random.Generator
WITHOUT_OF_POSES, WITHOUT_OF_HANDS = 0.12, 0.05  # shares of samples without a dial
TARGET_DEVIATION = 2.4  # degrees, width of the soft targets
SOME_POSE = np.array([0, 0, 0.7, 0, 0.7, 0, 0])  # about where dials lie in crops
_RIM = np.stack([np.sin(np.arange(16) * math.pi / 8), -np.cos(np.arange(16) * math.pi / 8)], axis=1)


def similarity(
    rng: Rng, turn: float, scale: tuple[float, float], shift: float
) -> NDArray[np.float64]:
    """A random (3, 3) similarity about a patch's centre: any rotation with probability ``turn``, log-uniform scale, gaussian shift."""
    angle = rng.uniform(-math.pi, math.pi) if rng.random() < turn else rng.normal(0, 0.06)
    size = math.exp(rng.uniform(math.log(scale[0]), math.log(scale[1])))
    stretch = math.exp(rng.normal(0, 0.03))
    dx, dy = rng.normal(0, shift * PATCH / 2, 2)
    c, s, m = math.cos(angle) * size, math.sin(angle) * size, (PATCH - 1) / 2
    out = np.array([[c * stretch, -s, m + dx], [s * stretch, c, m + dy], [0, 0, 1.0]])
    return out @ np.array([[1, 0, -m], [0, 1, -m], [0, 0, 1.0]])


def relight(rng: Rng, image: Grey) -> Grey:
    """Another exposure of the same pixels: gamma, contrast, now and then the negative or a little noise."""
    if rng.random() < 0.5:
        ramp = np.arange(256) / 255.0
        gain, gamma = math.exp(rng.normal(0, 0.2)), math.exp(rng.normal(0, 0.2))
        table = np.clip(
            (ramp**gamma - 0.5) * 255 * gain + 127.5 + rng.normal(0, 10), 0, 255
        ).astype(np.uint8)
        if rng.random() < 0.15:
            table = 255 - table
        image = cv2.LUT(image, table)
    if rng.random() < 0.15:
        image = cv2.add(
            image, rng.normal(0, rng.uniform(1, 8), image.shape).astype(np.float32), dtype=cv2.CV_8U
        )
    return image


class Batches(keras.utils.PyDataset):
    """An endless data set: every epoch of ``steps`` batches is drawn anew, the same for the same seed."""

    def __init__(self, steps: int, batch: int, seed: int) -> None:
        super().__init__()
        self.steps, self.batch, self.seed = steps, batch, seed
        self.epoch = 0

    def __len__(self) -> int:
        return self.steps

    def on_epoch_end(self) -> None:
        """Move on to samples not seen yet."""
        self.epoch += 1


def moved(image: Grey, move: NDArray[np.float64]) -> Grey:
    """A stored crop through a (3, 3) homography of its pixels; beyond it, its border is repeated."""
    return np.asarray(
        cv2.warpPerspective(
            image, move, (PATCH, PATCH), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ),
        dtype=np.uint8,
    )


class PoseBatches(Batches):
    """(n, PATCH, PATCH) patches with their poses (n, 7) in unit coordinates and whether there is a dial (n, 1).

    ``pose`` carries an eighth column: 1 for a dial, 0 for a background (whose pose does not count).
    """

    def __init__(
        self, shards: list[Shards], without: NDArray[np.uint8], steps: int, batch: int, seed: int
    ) -> None:
        super().__init__(steps, batch, seed)
        self.shards, self.without = shards, without

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        rng = np.random.default_rng((self.seed, self.epoch, index))
        images = np.empty((self.batch, PATCH, PATCH), np.uint8)
        poses = np.zeros((self.batch, 8), np.float32)
        poses[:, [2, 4]] = 0.7
        for i in range(self.batch):
            if rng.random() < WITHOUT_OF_POSES:
                move = similarity(rng, 1.0, (0.6, 1.7), 0.1)
                images[i] = relight(rng, moved(self.without[rng.integers(len(self.without))], move))
                continue
            shard = self.shards[rng.integers(len(self.shards))]
            k = rng.integers(len(shard))
            move = similarity(rng, 0.5, (0.75, 1.3), 0.05)
            images[i] = relight(rng, moved(shard.images[k], move))
            poses[i, :7] = decompose(TO_UNIT @ move @ shard.homography[k].astype(np.float64))[0]
            poses[i, 7] = 1
        return images, {"pose": poses, "dial": poses[:, 7:]}


def jittered(rng: Rng, pose: NDArray[np.floating], strength: float) -> NDArray[np.float64]:
    """A pose (7,) that is off as the pose network's are: centre, size, shape and perspective."""
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
    """Degrees by which the dial of homography ``true`` appears turned when unwrapped through ``assumed`` (both (3, 3), to pixels).

    The least-squares rotation of the rim: the same offset serves both hands, so that targets stay an exact time.
    """
    seen = project(np.linalg.inv(assumed), project(true, _RIM))
    a = np.arctan2(seen[:, 0], -seen[:, 1]) - np.arctan2(_RIM[:, 0], -_RIM[:, 1])
    return math.degrees(math.atan2(np.sin(a).mean(), np.cos(a).mean()))


def soft_targets(degrees: NDArray[np.floating]) -> NDArray[np.float32]:
    """Wrapped normal bumps (n, BINS) around angles (n,) in degrees; even distributions for angles that are nan."""
    bins = np.arange(BINS) * (360.0 / BINS)
    away = (bins[None, :] - np.asarray(degrees)[:, None] + 180) % 360 - 180
    bump = np.where(np.isnan(away), 1.0, np.exp(-0.5 * (away / TARGET_DEVIATION) ** 2))
    return (bump / bump.sum(axis=1, keepdims=True)).astype(np.float32)


class HandsBatches(Batches):
    """(n, ANGLES, RADII) polar images with targets of every output of `networks.build_hands`.

    Poses are mostly the pose network's own for that crop where they are given (``found``: (n, k, 7) arrays in unit coordinates,
    k tries, for the first shards), jittered true ones otherwise, from hardly to badly wrong: the reader looks again through the
    pose that the first look mended. The grid starts at a random angle, so rotation costs nothing.

    Where there is no dial, all angles are as likely; ``change`` carries an eighth column as in `PoseBatches`. Without ``lit`` the
    crops keep the exposure that they were rendered with.
    """

    def __init__(
        self,
        shards: list[Shards],
        found: list[NDArray[np.float32]],
        without: NDArray[np.uint8],
        steps: int,
        batch: int,
        seed: int,
        *,
        lit: bool = True,
    ) -> None:
        super().__init__(steps, batch, seed)
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
                    jittered(rng, SOME_POSE, 4.0), rng.uniform(-180, 180)
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
                pose = jittered(rng, self.found[s][k, rng.integers(self.found[s].shape[1])], 0.25)
            else:
                pose = jittered(rng, decompose(TO_UNIT @ true)[0], 1.6 * rng.random() ** 1.5)
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
        return relight(rng, polar) if self.lit else polar
