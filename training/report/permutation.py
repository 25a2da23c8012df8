"""Part 2 of the report: what is left of MLP and CNN when the pixels are permuted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from training.experiment import Settings
from training.report.classification import TRAINER as ORIGINAL_TRAINER
from training.report.classification import at_profile, data_sets, train_on
from training.report.runs import Fit

TRAINER = "permuted"
EPOCHS = 15
PERMUTATION_SEED = 2  # of the one permutation that all images share
ORDERS = ("original", "fixed", "per-image")


@dataclass(frozen=True)
class PermutationConfig:
    """A classifier and what happens to its pixels first."""

    order: str  # "fixed": one permutation for all images; "per-image": another for every image
    network: Any = field(repr=False)  # MlpConfig or CnnConfig
    seed: int = PERMUTATION_SEED

    @property
    def images(self) -> int:
        """Training images, 0 for all."""
        return int(self.network.images)


def permuted(images: np.ndarray, order: str, seed: int) -> np.ndarray:
    """(n, 28, 28) images with their pixels in another order; "per-image" draws a new permutation for each."""
    flat = images.reshape(len(images), -1)
    rng = np.random.default_rng(seed)
    if order == "fixed":
        flat = flat[:, rng.permutation(flat.shape[1])]
    elif order == "per-image":
        flat = rng.permuted(flat, axis=1)
    return np.ascontiguousarray(flat.reshape(images.shape))


def plan(entry: str, profile: str, data: Path | None = None) -> list[Fit]:
    """All fits of permutation/mlp or permutation/cnn: one fit each, as the report; idx files in ``data`` change none."""
    del data
    from training.report.classifiers import CnnConfig, MlpConfig

    network = at_profile(MlpConfig() if entry.endswith("mlp") else CnnConfig(), profile)
    if profile == "full" or (profile == "reduced" and entry.endswith("mlp")):
        network = replace(network, epochs=EPOCHS)
    return [
        _fit(entry, images, order, network) for images in data_sets(profile) for order in ORDERS
    ]


def _fit(entry: str, data: str, order: str, network: Any) -> Fit:
    if (
        order == "original"
    ):  # nothing new: the same fit as the vanilla network's, where the epochs are the same too
        return Fit(entry, data, order, 0, network, ORIGINAL_TRAINER)
    return Fit(entry, data, order, 0, PermutationConfig(order, network), TRAINER)


def train(fit: Fit, settings: Settings, work: Path) -> dict[str, Any]:
    """Train one classifier on permuted images."""
    from training.report.image_data import ImageSet, load

    source = load(fit.data, settings.data).cut(fit.config.images)
    parts = []
    for i, (images, labels) in enumerate((source.train, source.validation, source.test)):
        # the parts share a fixed permutation, but no two images share one of "per-image"
        seed = fit.config.seed + (i if fit.config.order == "per-image" else 0)
        parts.append((permuted(images, fit.config.order, seed), labels))
    network = Fit(fit.entry, fit.data, fit.variant, fit.number, fit.config.network, fit.trainer)
    return train_on(ImageSet(source.name, *parts), network, settings, work)
