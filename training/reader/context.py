"""Data and validation of the context network, which sees a dial with its surroundings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from clockread.clock import circular_difference, hand_angles
from clockread.context import CONTEXT_GRID
from clockread.geometry import Floats, compose, decompose, project
from clockread.sampling import FROM_UNIT, TO_UNIT, unwrap
from training.dials.canvas import Grey
from training.reader.batches import (
    Batches,
    Rng,
    augment_exposure,
    jitter_pose,
    seen_rotation,
    soft_targets,
)
from training.reader.loop import Schedule, Validation
from training.reader.losses import circular_cross_entropy
from training.reader.networks import FLAGS, MEAN_POSE
from training.reader.shards import Shards, rendered, rendered_without
from training.splits import TRAINING, VALIDATION

# Wide crops of each preset for training, and the share of the samples; a gauge is not a clock.
CROPS = {
    "varied": (24_000, 0.12),
    "worn": (28_000, 0.15),
    "watch": (12_000, 0.06),
    "chronograph": (12_000, 0.06),
    "hard": (14_000, 0.06),
    "shaped": (8_000, 0.03),
    "oblong": (8_000, 0.04),
    "tower": (12_000, 0.06),
    "film": (6_000, 0.02),
    "drawn": (8_000, 0.04),
    "mirrored": (10_000, 0.02),
    "twentyfour": (16_000, 0.07),
    "severe": (6_000, 0.03),
    "gauge": (30_000, 0.16),
}
CROPS_WITHOUT = (20_000, 0.08)  # crops without a dial, and their share
VALIDATED = ("varied", "worn", "chronograph", "tower", "mirrored", "twentyfour", "gauge")
WHOLE = 0.9  # visible share of the face from which a dial counts as whole
MIRRORED = 0.06  # share of samples that are seen in a mirror
FRAMED = 0.4  # share of samples that the photo's frame cuts, of which TIGHT on all sides
TIGHT = 0.4
SMOKE = 50  # crops per preset
WITHIN = 15.0  # degrees; a place of 12 closer than this to the true one is right: half an hour
_CLOCK, _WHOLE, _MIRRORED, _DAY, _NOON_UP = range(len(FLAGS))
_STEPS = np.linspace(-1, 1, 21)
_FACE = np.stack(np.meshgrid(_STEPS, _STEPS), axis=-1).reshape(-1, 2)
_FACE = _FACE[np.hypot(*_FACE.T) <= 1]  # points spread evenly over the face

LOSSES = {
    "twelve": circular_cross_entropy,
    **{flag: keras.losses.BinaryCrossentropy(from_logits=True) for flag in FLAGS},
}
LOSS_WEIGHTS = {
    "twelve": 1.0,
    "clock": 0.5,
    "whole": 0.2,
    "mirrored": 0.3,
    "day": 0.3,
    "noon_up": 0.2,
}


@dataclass(frozen=True)
class Sample:
    """One polar image with its targets."""

    polar: Grey  # (240, 80)
    twelve: float  # degrees against the pose's up; nan if it is not a clock
    flags: NDArray[np.float32]  # (len(FLAGS),), 0 or 1
    weights: NDArray[np.float32]  # (len(FLAGS),), 0 for flags that do not apply


def training_crops(profile: str) -> list[tuple[Shards, float]]:
    """Return the wide training crops of every preset, with their shares."""
    smoke = profile == "smoke"
    return [
        (rendered(preset, TRAINING.start, SMOKE if smoke else count, wide=True), share)
        for preset, (count, share) in CROPS.items()
    ]


def noon_at_top(shard: Shards, index: int) -> bool:
    """Return whether the hour hand of a 24-hour dial points up at noon, not at midnight."""
    degrees = hand_angles(shard.minutes[index], 24)[0] * (-1 if shard.mirrored[index] else 1)
    return bool(abs(circular_difference(float(shard.hour_angle[index]), degrees, 360.0)) > 90)


def frame(rng: Rng, image: Grey, homography: Floats) -> tuple[Grey, float]:
    """Cut a crop by the frame of a photo, whose border is repeated as `crop_window` does.

    Args:
        rng: The random generator.
        image: The crop (h, w).
        homography: (3, 3), from the dial plane to its pixels.

    Returns:
        The crop, and the share of the face that is inside the frame.

    """
    height, width = image.shape
    cx, cy = project(homography, np.zeros((1, 2)))[0]
    radius = math.sqrt(abs(np.linalg.det(homography[:2, :2] / homography[2, 2])))
    left, top, right, bottom = 0, 0, width, height
    tight = rng.random() < TIGHT
    for side in range(4) if tight else rng.choice(4, 1 + (rng.random() < 0.3), replace=False):
        away = radius * (rng.uniform(0.97, 1.5) if tight else rng.uniform(-0.5, 1.4))
        if side == 0:
            left = int(np.clip(cx - away, 0, width - 9))
        elif side == 1:
            top = int(np.clip(cy - away, 0, height - 9))
        elif side == 2:
            right = int(np.clip(cx + away, left + 8, width))
        else:
            bottom = int(np.clip(cy + away, top + 8, height))
    right, bottom = max(right, left + 8), max(bottom, top + 8)
    around = (top, height - bottom, left, width - right)
    part = image[top:bottom, left:right]
    framed = np.asarray(cv2.copyMakeBorder(part, *around, cv2.BORDER_REPLICATE), np.uint8)
    x, y = project(homography, _FACE).T
    inside = (x >= left) & (x < right) & (y >= top) & (y < bottom)
    return framed, float(inside.mean())


def of_clock(rng: Rng, shard: Shards, index: int) -> Sample:
    """Draw a sample of a stored wide crop of a clock or a gauge."""
    image, true = np.asarray(shard.images[index]), shard.homography[index].astype(np.float64)
    visible = float(shard.visible[index])
    if rng.random() < FRAMED:
        image, inside = frame(rng, image, true)
        visible = min(visible, inside)
    pose = jitter_pose(rng, decompose(TO_UNIT @ true)[0], 1.2 * rng.random() ** 1.5)
    assumed = FROM_UNIT @ compose(pose, rng.uniform(-180, 180))
    polar = augment_exposure(rng, unwrap(image, assumed, CONTEXT_GRID))
    twelve = seen_rotation(true, assumed)
    mirrored = bool(shard.mirrored[index])
    if rng.random() < MIRRORED:
        polar, twelve, mirrored = flipped(polar), -twelve, not mirrored
    clock, day = bool(shard.is_clock[index]), int(shard.hours[index]) == 24
    flags = np.zeros(len(FLAGS), np.float32)
    flags[_CLOCK], flags[_WHOLE] = clock, visible >= WHOLE
    flags[_MIRRORED], flags[_DAY] = mirrored, day
    flags[_NOON_UP] = clock and day and noon_at_top(shard, index)
    weights = np.full(len(FLAGS), clock, np.float32)
    weights[_CLOCK], weights[_NOON_UP] = 1, clock and day
    return Sample(polar, twelve if clock else math.nan, flags, weights)


def of_background(rng: Rng, image: Grey) -> Sample:
    """Draw a sample of a stored crop without a dial."""
    pose = jitter_pose(rng, MEAN_POSE, 4.0 * rng.random())
    assumed = FROM_UNIT @ compose(pose, rng.uniform(-180, 180))
    polar = augment_exposure(rng, unwrap(image, assumed, CONTEXT_GRID))
    flags, weights = np.zeros((2, len(FLAGS)), np.float32)
    weights[_CLOCK] = 1
    return Sample(flipped(polar) if rng.random() < 0.5 else polar, math.nan, flags, weights)


def flipped(polar: Grey) -> Grey:
    """Return a polar image as of a dial in a mirror: angle a becomes -a."""
    return np.ascontiguousarray(np.roll(polar[::-1], 1, axis=0))


class ContextBatches(Batches):
    """Polar images (n, 240, 80) with targets and weights of every output of `build_context`."""

    def __init__(
        self,
        crops: list[tuple[Shards, float]],
        without: tuple[NDArray[np.uint8], float],
        schedule: Schedule,
    ) -> None:
        super().__init__(schedule)
        self.shards, self.without = [shard for shard, _ in crops], without[0]
        shares = np.array([*(share for _, share in crops), without[1]])
        self.shares = shares / shares.sum()

    def __getitem__(self, index: int) -> tuple[Any, Any, Any]:
        rng = np.random.default_rng((self.seed, self.epoch, index, 2))
        samples = []
        for which in rng.choice(len(self.shares), self.batch, p=self.shares):
            if which == len(self.shards):
                crop = np.asarray(self.without[rng.integers(len(self.without))])
                samples.append(of_background(rng, crop))
            else:
                shard = self.shards[which]
                samples.append(of_clock(rng, shard, int(rng.integers(len(shard)))))
        twelve = np.array([sample.twelve for sample in samples])
        flags, weights = (np.stack([getattr(s, n) for s in samples]) for n in ("flags", "weights"))
        targets = {flag: flags[:, i : i + 1] for i, flag in enumerate(FLAGS)}
        of_flags = {flag: weights[:, i] for i, flag in enumerate(FLAGS)}
        known = (~np.isnan(twelve)).astype(np.float32)
        images = np.stack([sample.polar for sample in samples])
        return images, {"twelve": soft_targets(twelve), **targets}, {"twelve": known, **of_flags}


def batches(profile: str, schedule: Schedule) -> ContextBatches:
    """Return the training batches of a profile."""
    count, share = CROPS_WITHOUT
    without = rendered_without(TRAINING.start, SMOKE if profile == "smoke" else count)
    return ContextBatches(training_crops(profile), (without, share), schedule)


def validation(profile: str) -> Validation:
    """Return the figures of `figures_of` on rendered validation dials, as a function of a network.

    Every dial is sampled once, as in training.
    """
    count = 20 if profile == "smoke" else 400
    sets: dict[str, list[Sample]] = {}
    for preset in VALIDATED:
        rng, shard = np.random.default_rng(0), rendered(preset, VALIDATION.start, count, wide=True)
        sets[preset] = [of_clock(rng, shard, i) for i in range(count)]
    rng = np.random.default_rng(0)
    sets["without"] = [
        of_background(rng, np.asarray(crop))
        for crop in rendered_without(VALIDATION.start, 2 * count)
    ]
    return lambda model: figures_of(model, sets)


def figures_of(model: keras.Model, sets: dict[str, list[Sample]]) -> dict[str, float]:
    """Return the share of right places of 12 by set, and the separation of each flag.

    The separation is the area under the ROC curve, over the samples of all sets to which the flag
    applies; it is left out if these all have the flag, or none.
    """
    out, outputs = {}, {}
    for name, samples in sets.items():
        polar = np.stack([sample.polar for sample in samples])
        outputs[name] = model.predict(polar, batch_size=200, verbose=0)
        twelve = np.array([sample.twelve for sample in samples])
        if not np.isnan(twelve).all():
            bins = outputs[name]["twelve"].shape[1]
            found = outputs[name]["twelve"].argmax(axis=1) * (360.0 / bins)
            away = np.abs(circular_difference(found, twelve, 360.0))
            out[f"{name}_twelve"] = float((away < WITHIN).mean())
    for i, flag in enumerate(FLAGS):
        logits = np.concatenate([of[flag][:, 0] for of in outputs.values()])
        every = [sample for samples in sets.values() for sample in samples]
        applies = np.array([sample.weights[i] > 0 for sample in every])
        true = np.array([sample.flags[i] > 0 for sample in every])
        if 0 < true[applies].sum() < applies.sum():
            out[f"{flag}_auc"] = auc(logits[applies], true[applies])
    return out


def auc(scores: NDArray[np.floating], true: NDArray[np.bool_]) -> float:
    """Return the area under the ROC curve of scores (n,), both classes of which must occur.

    It is the probability that a positive has a higher score than a negative; equals count half.
    """
    positives, negatives = scores[true], np.sort(scores[~true])
    below = np.searchsorted(negatives, positives, "left")
    up_to = np.searchsorted(negatives, positives, "right")
    return float((below + up_to).mean() / (2 * len(negatives)))
